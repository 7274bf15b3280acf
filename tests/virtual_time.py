"""An event loop whose clock jumps: waiting takes no time, and always the same steps."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from tools.bench.cost.virtual_time import Clock, VirtualLoop

__all__ = ["Clock", "VirtualLoop", "in_virtual_time", "now", "settle_down"]


def in_virtual_time[**P](
    test: Callable[P, Coroutine[Any, Any, None]],
) -> Callable[P, None]:
    """Run the test on a loop of its own, where an hour passes in a moment."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def now() -> float:
    """Return the seconds on the clock of the running loop."""
    return asyncio.get_running_loop().time()


async def settle_down() -> list[asyncio.Task[Any]]:
    """Return the tasks that are left, but for the caller's, once nothing is ready to run."""
    for _ in range(10):
        await asyncio.sleep(0)
    current = asyncio.current_task()
    return [task for task in asyncio.all_tasks() if task is not current]
