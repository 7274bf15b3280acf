"""Probes of inspect: rejected wherever they are received, if this app published them.

A probe is marked in its envelope, and on record before it is published, so that the
timers of every instance know it. A mark that nobody recorded is no probe.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from time import monotonic

from eventgrid_pull import AnyEvent, Disposition, Reject
from eventgrid_pull.blob.append_log import CLOCK_SKEW, StoreUnavailable
from eventgrid_pull.publishing import publish_stamp
from moderation.audit import actions
from moderation.audit.actions import ActionLog, ManualAction
from moderation.event_key import EventKey, key_of
from moderation.events import PROBE_MARK

SEEN = "a probe of inspect and reject: seen, and not to be acted on"
SEARCH_SECONDS = 10.0


class Probes:
    """Knows the probes among events that are marked as such."""

    def __init__(self, actions: Callable[[], ActionLog]) -> None:
        self._actions = actions
        self._turn = asyncio.Lock()  # forged marks are looked up one after the other

    def before(
        self, subscription: str, event: AnyEvent
    ) -> Awaitable[Disposition | None] | None:
        """Return what will reject a probe; None for an event without the mark."""
        if PROBE_MARK not in event.extensions:
            return None
        return self._reject(subscription, event)

    async def _reject(self, subscription: str, event: AnyEvent) -> Disposition | None:
        async with self._turn:
            is_ours = await self._is_recorded(subscription, event)
        return Reject(SEEN) if is_ours else None

    async def _is_recorded(self, subscription: str, event: AnyEvent) -> bool:
        """Tell whether an inspect of that event is on record, shortly before its stamp."""
        at = publish_stamp.read(event.extensions.get(publish_stamp.ATTRIBUTE))
        if at is None or not 1 < at.year < 9999:
            return False
        ends = monotonic() + SEARCH_SECONDS
        needles = actions.needles(event.id)
        since, until = at - CLOCK_SKEW, at + CLOCK_SKEW
        async for line in self._actions().newest(since=since, until=until):
            if any(needle in line for needle in needles):
                keys = _inspected_keys(line, subscription, event.id)
                if key_of(event) in keys:
                    return True
            if monotonic() > ends:
                raise StoreUnavailable("storage takes too long to say what is a probe")
        return False


def _inspected_keys(
    line: bytes, subscription: str, event_id: str
) -> Collection[EventKey]:
    """Return the events with that id that a line of the log says to be inspected there."""
    match actions.decode(line):
        case ManualAction(action="inspect", subscription=name) as action:
            return action.keys_of(event_id) or () if name == subscription else ()
    return ()
