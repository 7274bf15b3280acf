"""An event loop whose clock jumps: waiting takes no time, and always the same steps."""

import asyncio
import selectors
from typing import Any

# More turns than anything needs: whoever takes them goes in circles.
MOST_TURNS = 5_000_000


class Clock:
    """Seconds that pass only when a loop has nothing else to do."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self.now = start


class _Jumping(selectors.SelectSelector):
    """A selector that moves the clock instead of waiting."""

    def __init__(self, clock: Clock, most_turns: int) -> None:
        super().__init__()
        self._clock = clock
        self._turns, self._most_turns = 0, most_turns

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("every task waits for something that never happens")
        self._turns += 1
        if self._turns > self._most_turns:
            raise RuntimeError("no end is in sight: this goes in circles")
        # A timer is due a clock resolution early, so that rounding cannot delay it.
        self._clock.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on a clock of its own."""

    def __init__(
        self, clock: Clock | None = None, most_turns: int = MOST_TURNS
    ) -> None:
        self.clock = clock or Clock()
        super().__init__(_Jumping(self.clock, most_turns))

    def time(self) -> float:
        """Return the clock's seconds."""
        return self.clock.now
