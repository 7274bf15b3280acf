"""An event loop whose clock jumps: waiting takes no time, and always the same steps."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

# More turns than any test needs: whoever takes them goes in circles.
MOST_TURNS = 500_000


class Clock:
    """Seconds that pass only when a loop has nothing else to do."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self.now = start


class _Jumping(selectors.SelectSelector):
    """A selector that moves the clock instead of waiting."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("every task waits for something that never happens")
        self._turns += 1
        if self._turns > MOST_TURNS:
            raise RuntimeError("no end is in sight: the test goes in circles")
        # A timer is due a clock resolution early, so that rounding cannot delay it.
        self._clock.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on a clock of its own."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        super().__init__(_Jumping(self.clock))

    def time(self) -> float:
        """The clock's seconds."""
        return self.clock.now


def in_virtual_time[**P](
    test: Callable[P, Coroutine[Any, Any, None]],
) -> Callable[P, None]:
    """The test, run on a loop of its own where an hour passes in a moment."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def now() -> float:
    """Seconds on the clock of the loop that runs."""
    return asyncio.get_running_loop().time()


async def settle_down() -> list[asyncio.Task[Any]]:
    """The tasks that are left, but for the caller's, once nothing is ready to run."""
    for _ in range(10):
        await asyncio.sleep(0)
    current = asyncio.current_task()
    return [task for task in asyncio.all_tasks() if task is not current]
