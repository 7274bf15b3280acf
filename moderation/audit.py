"""The audit log: one entry for every delivery, written before the event is settled."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

import msgspec

from moderation.appendlog import AppendLog, merged, stamp, stamp_of
from moderation.delivery import Acknowledge, Delivery, Disposition, Reject, Release
from moderation.events import MalformedEvent


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was decided, about which delivery of which event, when.

    `at` comes first and has a fixed width, so that lines sort by time. `event` is the
    event's JSON as it came; text in its place is an event that no reader of the line
    could read: not UTF-8, or nested too deep.
    """

    at: str
    subscription: str
    disposition: str
    verdict: str | None = None
    reason: str | None = None
    delay_seconds: int | None = None
    delivery_count: int
    lock_token: str
    id: str
    type: str
    content_id: str | None = None
    traceparent: str | None = None
    event: msgspec.Raw

    @property
    def delivery_key(self) -> tuple[str, str, int, str]:
        """The same for two entries about one delivery: the newer one overrules."""
        return (self.subscription, self.id, self.delivery_count, self.lock_token)


class Query(msgspec.Struct, frozen=True):
    """Which entries to read: all conditions must hold; None asks for nothing."""

    since: datetime
    until: datetime
    subscriptions: Sequence[str]
    disposition: str | None = None
    type: str | None = None
    id: str | None = None
    limit: int = 100

    def matches(self, entry: AuditEntry) -> bool:
        """Whether the entry is asked for; the type may be given without its prefix."""
        return (
            self.disposition in (None, entry.disposition)
            and self.type in (None, entry.type, entry.type.rpartition(".")[2])
            and self.id in (None, entry.id)
        )


class Found(msgspec.Struct, frozen=True):
    """Entries, newest first; `complete` when there are no more in that time."""

    entries: list[AuditEntry]
    complete: bool


def entry(
    subscription: str, delivery: Delivery, disposition: Disposition, at: str
) -> AuditEntry:
    """The entry that records this disposition; `at` is a moment as `stamp` writes it."""
    event = delivery.event
    name, verdict, reason, delay = _words(disposition)
    return AuditEntry(
        at=at,
        subscription=subscription,
        disposition=name,
        verdict=verdict,
        reason=reason,
        delay_seconds=delay,
        delivery_count=delivery.delivery_count,
        lock_token=delivery.short_token,
        id=event.id,
        type=event.type,
        content_id=event.payload.content_id,
        traceparent=event.traceparent,
        event=_one_line(delivery),
    )


def _words(
    disposition: Disposition,
) -> tuple[str, str | None, str | None, int | None]:
    match disposition:
        case Acknowledge(verdict=verdict, reason=reason):
            return "acknowledge", verdict, reason, None
        case Release(reason=reason, delay=delay):
            return "release", None, reason, int(delay or 0)
        case Reject(reason=reason):
            return "reject", None, reason, None


def _one_line(delivery: Delivery) -> msgspec.Raw:
    """The event's JSON on one line; line breaks can only stand between its tokens."""
    raw = delivery.raw
    if isinstance(delivery.event.payload, MalformedEvent) and not _is_readable(raw):
        return msgspec.Raw(msgspec.json.encode(raw.decode(errors="replace")))
    if b"\n" in raw or b"\r" in raw:
        raw = raw.replace(b"\n", b" ").replace(b"\r", b" ")
    return msgspec.Raw(raw)


def _is_readable(raw: bytes) -> bool:
    try:
        raw.decode()
        _any.decode(raw)
    except (ValueError, RecursionError):
        return False
    return True


class AuditLog:
    """Records entries in a log of their event subscription, and finds them again."""

    def __init__(self, log: AppendLog) -> None:
        self._log = log

    async def open(self, subscription: str, now: datetime) -> None:
        """Look before taking: StoreUnavailable when nothing could be recorded."""
        await self._log.open(subscription, now)

    async def record(
        self, subscription: str, entries: Sequence[AuditEntry], now: datetime
    ) -> None:
        """All of the entries in one append, durable when this returns.

        Raises StoreUnavailable.
        """
        lines = msgspec.json.Encoder().encode_lines(entries)
        await self._log.append(subscription, now, lines)

    async def find(
        self, query: Query, *, time_left: Callable[[], float] = lambda: 1.0
    ) -> Found:
        """The entries asked for, newest first, at most `query.limit`.

        Of two entries about one delivery (an append that was repeated) only the newer
        is given. When no time is left, what was found so far. Raises StoreUnavailable.
        """
        found: dict[tuple[str, str, int, str], AuditEntry] = {}
        async for line in self._lines(query):
            entry = _decoded(line) if line else None
            if entry is not None and query.matches(entry):
                found.setdefault(entry.delivery_key, entry)
            if len(found) == query.limit or time_left() <= 0:
                return Found(list(found.values()), complete=False)
        return Found(list(found.values()), complete=True)

    async def _lines(self, query: Query) -> AsyncIterator[bytes]:
        """The lines of that time; empty in place of one that cannot match."""
        needle = msgspec.json.encode(query.id) if query.id else b""
        sources = [
            self._log.newest(name, since=query.since, until=query.until)
            for name in query.subscriptions
        ]
        oldest = stamp(query.since).encode()
        async for line in merged(sources):
            if stamp_of(line) < oldest:
                return
            yield line if needle in line else b""


def _decoded(line: bytes) -> AuditEntry | None:
    """The entry of a line; None when someone else wrote it and it is not one."""
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, RecursionError):
        return None


_decoder = msgspec.json.Decoder(AuditEntry)
_any = msgspec.json.Decoder(list[msgspec.Raw] | dict[str, msgspec.Raw] | str | None)
