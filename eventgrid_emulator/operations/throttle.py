"""Throughput units: how much a namespace takes and gives per second."""

from dataclasses import dataclass

from eventgrid_emulator.errors import Code, Refusal

INGRESS_EVENTS, INGRESS_BYTES = 1000.0, 1_000_000.0
EGRESS_EVENTS, EGRESS_BYTES = 2000.0, 2_000_000.0


@dataclass(slots=True)
class Bucket:
    """Fills at a rate, holds one second's worth; the request that empties it still passes."""

    rate: float
    level: float
    at: float

    def is_empty(self, now: float) -> bool:
        """Return whether nothing is left at this moment."""
        self.level = min(self.rate, self.level + (now - self.at) * self.rate)
        self.at = now
        return self.level <= 0

    def take(self, amount: float) -> None:
        """Take so much out; a large request leaves a debt that later ones wait for."""
        self.level -= amount


class Meter:
    """Events and bytes of one direction; without throughput units everything passes."""

    def __init__(
        self, units: int | None, events: float, size: float, refusal: Code
    ) -> None:
        self._refusal = refusal
        rates = (events, size) if units else ()
        self._buckets = [
            Bucket(rate * (units or 0), rate * (units or 0), 0.0) for rate in rates
        ]

    def check(self, now: float) -> None:
        """Raise a refusal when the second's worth is used up."""
        if any([bucket.is_empty(now) for bucket in self._buckets]):  # noqa: C419  (all fill)
            raise Refusal(
                self._refusal,
                "The namespace's throughput units are used up; wait and try again",
            )

    def take(self, *amounts: float) -> None:
        """Count so many events, and bytes."""
        for bucket, amount in zip(self._buckets, amounts, strict=False):
            bucket.take(amount)


class Throttle:
    """The three meters of a namespace: in, out, and settlements apart."""

    def __init__(
        self, units: int | None = None, refusal: Code = Code.TOO_MANY_REQUESTS
    ) -> None:
        self.ingress = Meter(units, INGRESS_EVENTS, INGRESS_BYTES, refusal)
        self.egress = Meter(units, EGRESS_EVENTS, EGRESS_BYTES, refusal)
        self.settlements = Meter(units, EGRESS_EVENTS, EGRESS_BYTES, refusal)
