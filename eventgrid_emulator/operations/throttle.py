"""Throughput units: how much a namespace accepts and delivers per second."""

from collections.abc import Sequence

from eventgrid_emulator.errors import Code, Refusal

INGRESS = (1000.0, 1_000_000.0)  # events and bytes, per unit and second
EGRESS = (2000.0, 2_000_000.0)


class Meter:
    """Token buckets of one direction, full after a second; without units no limit."""

    def __init__(
        self, units: int | None, limits: Sequence[float], refusal: Code
    ) -> None:
        self._limits = [limit * units for limit in limits] if units else []
        self._refusal = refusal
        self.left = list(self._limits)
        self._at = 0.0

    def check(self, now: float) -> None:
        """Raise a refusal while a bucket is empty."""
        passed, self._at = now - self._at, now
        self.left = [
            min(limit, left + passed * limit)
            for limit, left in zip(self._limits, self.left, strict=True)
        ]
        if any(left <= 0 for left in self.left):
            raise Refusal(
                self._refusal,
                "The namespace's throughput units are used up; wait and try again",
            )

    def take(self, *amounts: float) -> None:
        """Count events, and bytes; a large request leaves a debt that later ones pay."""
        for index, amount in enumerate(amounts[: len(self.left)]):
            self.left[index] -= amount


class Throttle:
    """The three meters of a namespace: ingress, egress, and settlements apart."""

    def __init__(
        self, units: int | None = None, refusal: Code = Code.TOO_MANY_REQUESTS
    ) -> None:
        self.ingress = Meter(units, INGRESS, refusal)
        self.egress = Meter(units, EGRESS, refusal)
        self.settlements = Meter(units, EGRESS, refusal)
