"""The broker's clock: the machine's, moved forward on demand, never backward."""

import time
from collections.abc import Callable


class Clock:
    """Seconds since the epoch, as far ahead of the machine as it was moved."""

    def __init__(self, machine: Callable[[], float] = time.time) -> None:
        self._machine = machine
        self.offset = 0.0
        self.latest = 0.0

    def now(self) -> float:
        """Never less than it was before, even when the machine's clock is set back."""
        self.latest = max(self.latest, self._machine() + self.offset)
        return self.latest

    def advance(self, seconds: float) -> float:
        """The time after moving forward."""
        self.offset += seconds
        return self.now()

    def not_before(self, seconds: float) -> None:
        """The time is this or later: what was stored has happened already."""
        self.latest = max(self.latest, seconds)
