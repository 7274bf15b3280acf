"""What the handler decides about one event, whatever it returns or raises."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from eventgrid_pull.event import AnyEvent
from eventgrid_pull.outcomes import (
    DISPOSITIONS,
    Disposition,
    InvalidDisposition,
    Release,
    ReleaseDelay,
    release_for,
)

_log = logging.getLogger(__name__)

# What it takes is the event as its decoder makes it; what it gives is checked.
type Handler = Callable[[Any], Disposition | Awaitable[Disposition]]
type Decision = asyncio.Task[Disposition]


def begin(
    subscription: str, handler: Handler, event: AnyEvent
) -> Disposition | Decision:
    """Begin to decide; return the disposition where nothing has to be waited for."""
    try:
        deciding = handler(event)
        if isinstance(deciding, DISPOSITIONS):
            return check(deciding)
    except Exception as error:
        return _release(subscription, event, error)
    waiting = _wait(subscription, deciding, event)
    loop = asyncio.get_running_loop()
    return asyncio.Task(waiting, loop=loop, eager_start=True)


async def decide(subscription: str, handler: Handler, event: AnyEvent) -> Disposition:
    """Return the handler's disposition; what it raises concerns this event alone."""
    decision = begin(subscription, handler, event)
    return decision if isinstance(decision, DISPOSITIONS) else await decision


async def _wait(
    subscription: str, deciding: Awaitable[Disposition], event: AnyEvent
) -> Disposition:
    try:
        return check(await deciding)
    except Exception as error:
        return _release(subscription, event, error)


def _release(subscription: str, event: AnyEvent, error: Exception) -> Release:
    """Return what a failure becomes; it is logged with what raised it."""
    if isinstance(error, InvalidDisposition):
        return Release(f"the handler returned {error}")
    _log.exception("the handler of %s failed on event %r", subscription, event.id[:64])
    return release_for(error)


def check(disposition: Disposition) -> Disposition:
    """Return the disposition, if it can be recorded and carried out; else InvalidDisposition."""
    if not isinstance(disposition, DISPOSITIONS):
        raise InvalidDisposition(f"{type(disposition).__name__}, not a disposition")
    (disposition.reason or "").encode()
    if isinstance(disposition, Release) and disposition.delay not in (
        None,
        *ReleaseDelay,
    ):
        allowed = ", ".join(str(int(delay)) for delay in ReleaseDelay)
        raise InvalidDisposition(f"an invalid delay: it must be one of {allowed} s")
    return disposition
