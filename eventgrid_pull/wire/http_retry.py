"""Trying again: which failures, how soon, and never beyond the time there is.

The SDK's own policy does not repeat a POST after a connection error, a timeout, 408,
429 or 502, and would sleep through any budget on a long Retry-After; so it is off, and
this stands in its place.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from math import inf
from typing import Any

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 8.0
TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


def loop_time() -> float:
    """Return the seconds on the clock of the running loop, by which all waiting is measured."""
    return asyncio.get_running_loop().time()


class EventGridError(Exception):
    """Event Grid did not do what was asked; the message says what to look at.

    `status` is the HTTP status of the answer, None without one; `code` its error code;
    `retry_after` the seconds that it asks to wait. `refused_here` says that nothing
    listens on this machine.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        *,
        code: str = "",
        retry_after: float | None = None,
        transient: bool = False,
        refused_here: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.refused_here = refused_here
        self.transient = transient or status in TRANSIENT or self._over_quota()

    def _over_quota(self) -> bool:
        """Tell a quota from a missing role: both are 403, and only the code differs."""
        return self.status == 403 and "quota" in self.code.lower()

    @property
    def refused(self) -> bool:
        """Return whether the request itself was at fault, so that repeating it is no use."""
        return self.status in (400, 413)


def pause_after(error: EventGridError, tries: int, chance: float) -> float | None:
    """Return the seconds to wait after so many tries; None when another is no use.

    `chance` is from 0 to 1. What Event Grid asks for is kept, and a little added, so
    that many clients do not come back at once.
    """
    if not error.transient:
        return None
    if error.retry_after is not None:
        return error.retry_after + chance
    ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(tries, 16))
    return ceiling * (0.5 + chance / 2)


async def first_of(
    reasons: Iterable[Coroutine[Any, Any, object]], within: float
) -> None:
    """Wait for the first of them, so many seconds at most."""
    waiting = [asyncio.create_task(reason) for reason in reasons]
    try:
        await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def retry[T](
    call: Callable[[], Awaitable[T]],
    *,
    within: float,
    refused_within: float = inf,
    pausing: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> T:
    """Return what the call does, tried again while a next try begins within so many seconds.

    `refused_within`: within so many where nothing listens on this machine. `pausing` may
    end a pause early that Event Grid did not ask for. Raises the last EventGridError.
    """
    began = loop_time()
    tries = 0
    while True:
        try:
            return await call()
        except EventGridError as error:
            tries += 1
            limit = refused_within if error.refused_here else inf
            ends = began + min(within, limit)
            pause = pause_after(error, tries, random.random())  # noqa: S311 - jitter
            if pause is None or loop_time() + pause >= ends:
                raise
            is_own = error.retry_after is None
            await (pausing if is_own else asyncio.sleep)(pause)
