"""Receiving events by hand, to look at them before someone says what becomes of them.

Each is on record before it is shown, with all that settling it needs: whoever settles
it may be answered by another process, or come back after this one ended.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from eventgrid_pull import Delivery, EventGridError, MalformedEvent, Receiver
from eventgrid_pull.blob.append_log import StoreUnavailable, stamp
from eventgrid_pull.draining.lock_renewal import MARGIN
from eventgrid_pull.outcomes import ReleaseDelay
from moderation import events
from moderation.audit import actions
from moderation.audit.actions import Action, ActionLog
from moderation.audit.log import AuditLog
from moderation.event_key import EventKey, key_of
from moderation.topology import EventSubscription

_log = logging.getLogger(__name__)

MOST = 10
# The most peeks that wait at once: each holds a connection, and up to ten events.
MOST_PEEKS = 8
WAIT_SECONDS, RETRY_SECONDS = 10, 5
LONGEST_LOCK = timedelta(minutes=5)


class TooManyPeeks(Exception):
    """Too many wait for events by hand already; nothing was received."""

    status = 429
    next = f"try again in {WAIT_SECONDS} s: no peek waits for longer"
    headers: Mapping[str, str] = {"Retry-After": str(WAIT_SECONDS)}

    def __init__(self) -> None:
        super().__init__("too many others receive by hand at this moment")


class PeekSession(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who receives from one event subscription by hand, and settles.

    `by` is who that is. `places` bounds the peeks that wait, `turn` is taken to settle,
    so that what one call has settled another one finds settled.
    """

    declared: EventSubscription
    receiver: Receiver
    audit: AuditLog
    actions: ActionLog
    clock: Callable[[], datetime]
    places: asyncio.Semaphore
    turn: asyncio.Lock
    by: str

    def locked_until(self, since: datetime) -> datetime:
        """Return when a lock ends that was taken or renewed by then; rather too early."""
        seconds = self.declared.receive_lock_duration_in_seconds * (1 - MARGIN)
        return since + timedelta(seconds=seconds)

    def action(
        self, verb: str, events: Sequence[EventKey], detail: str | None = None
    ) -> Action:
        """Return what is done now to these events."""
        name, now = self.declared.name, self.clock()
        return actions.action(
            verb, self.by, now, subscription=name, events=events, detail=detail
        )


class Peeked(Action, frozen=True, kw_only=True):
    """One delivery received by hand: the action `peek`, and what settling it needs.

    `lock_token` is the short one, `token_hash` what tells the whole one. `event` is as
    in `AuditEntry`.
    """

    delivery_count: int
    lock_token: str
    token_hash: str
    type: str
    content_id: str | None = None
    traceparent: str | None = None
    event: msgspec.Raw

    @property
    def key(self) -> EventKey:
        """Return what tells the event from all others; older lines have no source."""
        sources = self.sources or [events.read(bytes(self.event)).source]
        return EventKey(sources[0], self.ids[0])

    def delivery(self, token: str) -> Delivery:
        """Return the delivery again, with its whole lock token."""
        raw, key = bytes(self.event), self.key
        event = msgspec.structs.replace(
            events.read(raw, self.delivery_count),
            id=key.id,
            source=key.source,
            type=self.type,
            traceparent=self.traceparent,
        )
        return Delivery(token, event)


class Peek(msgspec.Struct, frozen=True):
    """What was received, and until when it is locked."""

    deliveries: Sequence[Delivery]
    locked_until: datetime


async def peek(session: PeekSession, max_events: int, *, reveals: bool) -> Peek:
    """Receive 1 to 10 events by hand; after 10 seconds without any, none.

    Each uses a delivery attempt, and is on record when this returns. `reveals` says
    that their data is shown to someone who asked for it, which is noted, too. Raises
    TooManyPeeks; EventGridError; StoreUnavailable when nothing could be kept, with
    nothing held.
    """
    if session.places.locked():
        raise TooManyPeeks
    async with session.places:
        return await _receive(session, max_events, reveals=reveals)


async def _receive(session: PeekSession, max_events: int, *, reveals: bool) -> Peek:
    await session.actions.open(session.clock())  # look before taking
    within = WAIT_SECONDS + RETRY_SECONDS
    deliveries = await session.receiver.receive(max_events, WAIT_SECONDS, within=within)
    now = session.clock()
    found = Peek(deliveries, session.locked_until(now))
    if not deliveries:
        return found
    noted: list[Action] = [
        _to_action(session, delivery, now) for delivery in deliveries
    ]
    if reveals:
        keys = [key_of(delivery.event) for delivery in deliveries]
        noted.append(session.action("reveal", keys))
    try:
        await session.actions.keep(noted, now)
    except StoreUnavailable:
        await _release_all(session, deliveries)
        raise
    return found


def _to_action(session: PeekSession, delivery: Delivery, now: datetime) -> Peeked:
    event = delivery.event
    return Peeked(
        at=stamp(now),
        action="peek",
        by=session.by,
        subscription=session.declared.name,
        ids=[event.id],
        sources=[event.source],
        detail=event.reason if isinstance(event, MalformedEvent) else None,
        delivery_count=event.delivery_count,
        lock_token=delivery.short_token,
        token_hash=hash_of(delivery.lock_token),
        type=event.type,
        content_id=events.content_id(event),
        traceparent=event.traceparent,
        event=msgspec.Raw(delivery.line),
    )


async def _release_all(session: PeekSession, deliveries: Sequence[Delivery]) -> None:
    """Release what cannot be kept: it is not shown, and nobody has to wait for it."""
    tokens = [delivery.lock_token for delivery in deliveries]
    try:
        await session.receiver.release(tokens, ReleaseDelay.NONE)
    except EventGridError as error:
        _log.error("%s: the locks have to expire: %s", session.declared.name, error)


def hash_of(token: str) -> str:
    """Return what tells lock tokens apart; nothing can be settled with it."""
    return hashlib.sha256(token.encode()).hexdigest()[:24]
