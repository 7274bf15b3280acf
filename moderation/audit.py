"""The audit log: one entry for every delivery, written before the event is settled."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

import msgspec

from moderation.appendlog import AppendLog, merged, stamp, stamp_of
from moderation.delivery import Acknowledge, Delivery, Disposition, Reject, Release
from moderation.details import details
from moderation.paging import DeliveryKey, Page, Position, Windows

SLOW_SECONDS = 0.5


class Lineage(msgspec.Struct, frozen=True):
    """The dead letter that was redriven: its blob, and its place in it from 0."""

    name: str
    index: int


class AuditEntry(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True
):
    """What was decided, about which delivery of which event, when.

    `at` comes first and has a fixed width, so that lines sort by time. `event` is the
    event's JSON as it came; text in its place is an event that no reader of the line
    could read: not UTF-8, or nested too deep. `by` is who settled it by hand, `redrive`
    the dead letter that was handled again. What is None is not in the line.
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
    by: str | None = None
    redrive: Lineage | None = None
    event: msgspec.Raw

    @property
    def delivery_key(self) -> DeliveryKey:
        """The same for two entries about one delivery: the newer one overrules."""
        token = self.lock_token or self.at  # by hand there may be none
        return (self.subscription, self.id, self.delivery_count, token)


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries to read: all conditions must hold; None asks for nothing.

    Stamped from `since` to `until`, both included. `text` is looked for in what
    an answer shows, in any case; in the event's subject only when `subjects` says that
    it is shown. `after` goes on where a page ended.
    """

    since: datetime
    until: datetime
    subscriptions: Sequence[str]
    disposition: str | None = None
    type: str | None = None
    category: str | None = None
    text: str | None = None
    subjects: bool = False
    id: str | None = None
    limit: int = 100
    after: Position | None = None

    def matches(self, entry: AuditEntry) -> bool:
        """Whether the entry is asked for; the type may be given without its prefix."""
        return (
            self.disposition in (None, entry.disposition)
            and self.type in (None, entry.type, entry.type.rpartition(".")[2])
            and self.id in (None, entry.id)
            and ((self.category is None and self.text is None) or self._says(entry))
        )

    def _says(self, entry: AuditEntry) -> bool:
        told = details(bytes(entry.event))
        if self.category not in (None, told.category):
            return False
        if self.text is None:
            return True
        subject = told.subject if self.subjects else None
        words = (
            *(entry.id, entry.type, entry.content_id, entry.subscription, subject),
            *(entry.disposition, entry.verdict, entry.reason, entry.by),
            *(told.category, told.severity, told.model, entry.traceparent),
        )
        wanted = self.text.casefold()
        return any(wanted in word.casefold() for word in words if word)


class Found(msgspec.Struct, frozen=True):
    """Entries, newest first; `complete` when there are no more in that time.

    Otherwise there may be more after `position`.
    """

    entries: list[AuditEntry]
    complete: bool
    position: Position | None = None


def entry(
    subscription: str,
    delivery: Delivery,
    disposition: Disposition,
    at: str,
    *,
    by: str | None = None,
    redrive: Lineage | None = None,
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
        by=by,
        redrive=redrive,
        event=msgspec.Raw(delivery.line),
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
        is given. When no time is left, or the answer gets large, what was found so far.
        Raises StoreUnavailable.
        """
        page = Page(query.limit, query.after, read=decoded, wanted=query.matches)
        async for line in self._lines(query, time_left):
            page.take(line)
            if page.is_full() or (page.has_moved and time_left() <= 0):
                return Found(page.entries, False, page.position)
        return Found(page.entries, True)

    def _lines(
        self, query: Query, time_left: Callable[[], float]
    ) -> AsyncIterator[bytes]:
        until = min(query.until, query.after.moment) if query.after else query.until
        if query.id is not None:
            return self._lines_with(query.id, query, until, time_left)
        return merged(
            [
                self._log.newest(name, since=query.since, until=until)
                for name in query.subscriptions
            ]
        )

    async def _lines_with(
        self,
        event_id: str,
        query: Query,
        until: datetime,
        time_left: Callable[[], float],
    ) -> AsyncIterator[bytes]:
        """The lines about one event; after each piece of time a line that is no entry."""
        needles = [(name, needle(event_id)) for name in query.subscriptions]
        pieces = Windows(query.since, until, forwards=False)
        for since, end in pieces:
            began = time_left()
            lines = await self.holding(needles, since, end)
            for line in sorted(lines, key=stamp_of, reverse=True):
                yield line
            yield b'{"at":"%s"}' % stamp(since).encode()
            if began - time_left() > SLOW_SECONDS:
                pieces.slow()

    async def holding(
        self, needles: Sequence[tuple[str, bytes]], since: datetime, until: datetime
    ) -> list[bytes]:
        """The lines of that time with a needle in the log of its name, oldest first."""
        found = await asyncio.gather(
            *(self._log.search(*one, since=since, until=until) for one in needles)
        )
        return sorted((line for lines in found for line in lines), key=stamp_of)


def needle(event_id: str) -> bytes:
    """What every line about that event holds, and hardly another one."""
    return b'"id":' + msgspec.json.encode(event_id)


def decoded(line: bytes) -> AuditEntry | None:
    """The entry of a line; None when someone else wrote it and it is not one."""
    try:
        return _decoder.decode(line)
    except (ValueError, RecursionError):
        return None


_decoder = msgspec.json.Decoder(AuditEntry)
