"""A dead letter as answers show it, with what our audit log says of it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic

import msgspec

from console import redaction
from eventgrid_pull import Delivery
from eventgrid_pull.blob.append_log import Stamp, stamp
from moderation import events
from moderation.audit.entry import AuditEntry
from moderation.audit.log import Query
from moderation.dead_letters.attempts import Attempt
from moderation.dead_letters.formats import DeadLetter
from moderation.dead_letters.listing import Listed
from moderation.event_key import key_of
from moderation.runtime import Runtime

REASON_SECONDS = 5.0
ASK_TOGETHER = 4
# Our entry is stamped when the handler is done, soon after the delivery as a rule.
SOON = timedelta(seconds=15)
EARLY = timedelta(seconds=5)
# The most that is shown of what cannot be read.
UNREADABLE_BYTES = 64 * 1024


class Redrive(msgspec.Struct, frozen=True):
    """One redrive; `outcome` is `unknown` while none is recorded."""

    at: Stamp
    by: str
    outcome: str
    reason: str | None


class DeadLetterView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A dead-lettered event. `name` is its blob's, `index` its position in it.

    `reason`, `result` and what comes after them is what Event Grid says; `ourReason` is
    what the audit log says of the last delivery. Where `unreadable` says what is wrong,
    `event` is null or, shown, the text that was found.
    """

    name: str
    index: int
    subscription: str
    at: Stamp
    id: str | None
    source: str | None
    type: str | None
    content_id: str | None
    reason: str | None
    delivery_attempts: int | None
    result: str | None
    published_at: Stamp | None
    last_attempt_at: Stamp | None
    our_reason: str | None
    traceparent: str | None
    unreadable: str | None
    event: msgspec.Raw
    redacted: bool
    archived: bool
    redriven: Sequence[Redrive]


async def render(
    runtime: Runtime, listed: Sequence[Listed], *, reveal: bool
) -> list[DeadLetterView]:
    """Return the dead letters as an answer has them, our own reasons with them."""
    ends, turn = monotonic() + REASON_SECONDS, asyncio.Semaphore(ASK_TOGETHER)
    known = {name.lower(): name for name in runtime.topology.names}
    names = [known.get(item.place.subscription.lower()) for item in listed]

    async def find_reason(name: str | None, item: Listed) -> str | None:
        async with turn:
            return await _our_reason(runtime, name, item.letter, ends)

    reasons = await asyncio.gather(*map(find_reason, names, listed))
    shows = redaction.shows(runtime.settings, reveal=reveal)
    return [
        _to_response(item, name or item.place.subscription, reason, shows=shows)
        for item, name, reason in zip(listed, names, reasons, strict=True)
    ]


async def _our_reason(
    runtime: Runtime, subscription: str | None, letter: DeadLetter, ends: float
) -> str | None:
    """Return the reason of the audit entry about the last delivery, if there is one."""
    event, last = letter.event, letter.properties.last_attempt_at
    if subscription is None or event is None or last is None:
        return None
    for late in (SOON, SOON + timedelta(seconds=runtime.settings.handler_seconds)):
        if monotonic() >= ends:
            return None
        query = Query(
            since=last - EARLY,
            until=last + late,
            subscriptions=[subscription],
            id=event.id,
            source=event.source,
        )
        found = await runtime.audit.find(query, time_left=lambda: ends - monotonic())
        if (entry := _about(letter, found.entries)) is not None:
            return entry.reason
    return None


def _about(letter: DeadLetter, entries: Sequence[AuditEntry]) -> AuditEntry | None:
    """Return the first entry about a delivery of that event.

    Where source or id is empty the event itself has to be the same.
    """
    is_known = letter.event is not None and all(key_of(letter.event))
    line = None if is_known else msgspec.Raw(_line(letter))
    deliveries = (entry for entry in entries if entry.redrive is None)
    return next(
        (delivery for delivery in deliveries if line in (None, delivery.event)), None
    )


def _to_response(
    listed: Listed, subscription: str, our_reason: str | None, *, shows: bool
) -> DeadLetterView:
    letter = listed.letter
    properties, event = letter.properties, letter.event
    return DeadLetterView(
        name=listed.name,
        index=letter.index,
        subscription=subscription,
        at=stamp(listed.dead_lettered_at),
        id=event.id if event else None,
        source=event.source if event else None,
        type=event.type if event else None,
        content_id=events.content_id(event) if event else None,
        reason=properties.reason,
        delivery_attempts=properties.attempts,
        result=properties.result,
        published_at=_stamp(properties.published_at),
        last_attempt_at=_stamp(properties.last_attempt_at),
        our_reason=our_reason,
        traceparent=event.traceparent if event else None,
        unreadable=letter.unreadable,
        event=_event(letter, shows=shows),
        redacted=not shows,
        archived=listed.archived,
        redriven=[_redrive(attempt) for attempt in listed.attempts],
    )


def _event(letter: DeadLetter, *, shows: bool) -> msgspec.Raw:
    if letter.event is None and not shows:
        return redaction.placeholder(letter.raw)
    return redaction.render(_line(letter), shows=shows)


def _line(letter: DeadLetter) -> bytes:
    """Return the event as JSON on one line; as a JSON string if it is unreadable."""
    if letter.event is not None:
        return Delivery("", letter.event).line
    text = letter.raw[:UNREADABLE_BYTES].decode(errors="replace")
    return msgspec.json.encode(text)


def _stamp(moment: datetime | None) -> Stamp | None:
    return stamp(moment) if moment else None


def _redrive(attempt: Attempt) -> Redrive:
    outcome, reason = attempt.outcome or "unknown", attempt.reason or attempt.verdict
    return Redrive(attempt.at, attempt.by, outcome, reason)
