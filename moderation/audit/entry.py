"""The audit entry, in its one shape: made, written as a line, and read back."""

import msgspec

from eventgrid_pull import AnyEvent, Delivery, Event
from eventgrid_pull.blob.append_log import Stamp
from eventgrid_pull.outcomes import Disposition, Release, Verb
from moderation import events
from moderation.event_key import EventKey
from moderation.events import Moderation

NO_EVENT = msgspec.Raw(b"null")

type DeliveryKey = tuple[str, str, str, int, str]
# Category, severity, confidence and model.
type Judgement = tuple[str | None, str | None, float | None, str | None]


class DeadLetterRef(msgspec.Struct, frozen=True):
    """The dead letter that was redriven: its blob, and its place in it from 0."""

    name: str
    index: int


class AuditEntry(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What was decided, about which delivery of which event, when.

    `at` comes first and has a fixed width, so that lines sort by time. `source` and
    `id` tell the event from all others; what its payload says stands beside them, so
    that a reader who filters needs not read the event. `event` is its JSON as it came;
    text in its place is an event that no reader of the line could read: not UTF-8, or
    nested too deep. `by` is who settled it by hand, `redrive` the dead letter that was
    handled again. What is None or empty is not in the line; lines of an older version
    have neither source nor subject nor what the payload says (`decode`).
    """

    at: Stamp
    subscription: str
    disposition: Verb
    delivery_count: int
    lock_token: str
    id: str
    type: str
    source: str = ""
    subject: str | None = None
    content_id: str | None = None
    category: str | None = None
    severity: str | None = None
    confidence: float | None = None
    model: str | None = None
    verdict: str | None = None
    reason: str | None = None
    delay_seconds: int | None = None
    traceparent: str | None = None
    by: str | None = None
    redrive: DeadLetterRef | None = None
    event: msgspec.Raw = NO_EVENT

    @property
    def key(self) -> EventKey:
        """Return what tells the event from all others."""
        return EventKey(self.source, self.id)

    @property
    def delivery_key(self) -> DeliveryKey:
        """Return the same for two entries about one delivery: the newer one overrules."""
        token = self.lock_token or self.at  # by hand there may be none
        return (self.subscription, self.source, self.id, self.delivery_count, token)


def entry(
    subscription: str,
    delivery: Delivery,
    disposition: Disposition,
    at: Stamp,
    *,
    by: str | None = None,
    redrive: DeadLetterRef | None = None,
) -> AuditEntry:
    """Return the entry of this disposition; `at` is a moment as `stamp` writes it."""
    event = delivery.event
    category, severity, confidence, model = _judgement(event)
    verdict, delay = None, None
    if isinstance(disposition, Release):
        delay = int(disposition.delay or 0)
    elif disposition.note is not None:
        verdict = str(disposition.note)
    return AuditEntry(  # by position: twenty names would cost 2 µs an event
        at,
        subscription,
        disposition.VERB,
        event.delivery_count,
        delivery.short_token,
        event.id,
        event.type,
        event.source,
        event.subject,
        events.content_id(event),
        category,
        severity,
        confidence,
        model,
        verdict,
        disposition.reason,
        delay,
        event.traceparent,
        by,
        redrive,
        msgspec.Raw(delivery.line),
    )


def _judgement(event: AnyEvent) -> Judgement:
    """Return what the payload says, if it is that of a moderation event."""
    payload = event.data if isinstance(event, Event) else None
    if not isinstance(payload, Moderation):
        return None, None, None, None
    model = f"{payload.model_name} {payload.model_version}"
    return payload.category, payload.severity, payload.confidence, model


def needle(event_id: str) -> bytes:
    """Return what every line about that event holds, and hardly another one."""
    return b'"id":' + msgspec.json.encode(event_id)


def decode(line: bytes) -> AuditEntry | None:
    """Return the entry of a line; None for a line that someone else wrote."""
    try:
        entry = _decoder.decode(line)
    except (ValueError, RecursionError):
        return None
    return entry if entry.source else _complete(entry)


def _complete(entry: AuditEntry) -> AuditEntry:
    """Complete an entry of an older version by what its event says."""
    event = events.read(bytes(entry.event))
    category, severity, confidence, model = _judgement(event)
    return msgspec.structs.replace(
        entry,
        source=event.source,
        subject=event.subject,
        category=category,
        severity=severity,
        confidence=confidence,
        model=model,
    )


_decoder = msgspec.json.Decoder(AuditEntry)
