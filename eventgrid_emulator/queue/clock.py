"""The emulator's clock: the machine's, moved forward on demand, never backward."""

import time
from collections.abc import Callable

# Two clocks that are read one after the other differ by less than this.
TOGETHER = 1.0


class Clock:
    """
    Seconds since the epoch, as far ahead of the machine as it was moved.

    Where the machine's clock is set back, this one goes on at the pace of its monotonic
    one, so that locks and delays last as long as they should. `machine` alone stands
    for both.
    """

    def __init__(
        self,
        machine: Callable[[], float] | None = None,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        self._machine = machine or time.time
        self._monotonic = monotonic or machine or time.monotonic
        self._began = float("-inf")
        self.offset = 0.0
        self.latest = 0.0

    def now(self) -> float:
        """Return the time, which is never less than it was before."""
        passed = self._monotonic()
        self._began = max(self._began, self._machine() + self.offset - passed)
        self.latest = max(self.latest, self._began + passed)
        return self.latest

    def advance(self, seconds: float) -> float:
        """Move the clock forward and return the time after it."""
        self._began += seconds
        self.offset += seconds
        return self.now()

    def not_before(self, seconds: float) -> None:
        """Set the clock forward to a moment that was stored, unless it is past it."""
        self._began = max(self._began, seconds - self._monotonic())

    def to_machine_time(self, moment: float) -> float:
        """Return the moment on the machine's clock, which may have been set back."""
        ahead = self.now() - self._machine() - self.offset
        return moment - ahead if ahead > TOGETHER else moment

    def reset(self) -> None:
        """Go back to the machine's time; only for a namespace that holds nothing."""
        self._began = float("-inf")
        self.offset = self.latest = 0.0
