"""Calling a handler: on the loop, or in a thread of which there are just so many."""

import asyncio
import contextvars
import functools
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

_log = logging.getLogger(__name__)


class Threads:
    """Threads for the synchronous handlers of one event subscription.

    A thread cannot be stopped: when nobody waits for its handler any more, what that
    returns is thrown away, and its place stays taken until it ends. `free` says how
    many more handlers could start at once.
    """

    def __init__(self, most: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix=name)
        self._most = most
        self._busy = 0
        self._name = name

    @property
    def free(self) -> int:
        """Return how many handlers could start now."""
        return max(0, self._most - self._busy)

    async def call[T](
        self, handler: Callable[..., T], argument: object, ended: Callable[[], None]
    ) -> T:
        """Return what the handler returns; its context variables are the caller's.

        `ended` is called once its thread is free again, which may be later.
        """
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        self._busy += 1
        future = self._pool.submit(context.run, handler, argument)
        future.add_done_callback(
            lambda done: (
                loop.call_soon_threadsafe(self._ended, ended)
                if not loop.is_closed()
                else None
            )
        )
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if not future.cancelled():  # it had begun, and goes on
                future.add_done_callback(functools.partial(_tell, self._name))
            raise

    def _ended(self, ended: Callable[[], None]) -> None:
        self._busy -= 1
        ended()

    def close(self) -> None:
        """Start nothing more; what is at work is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _tell(name: str, done: "Future[Any]") -> None:
    if done.cancelled():
        return
    how = "failed" if done.exception() else "returned"
    _log.warning(
        "%s: a handler %s after its time was over or its lock was lost; what it said is "
        "thrown away, and the event comes again",
        name,
        how,
    )
