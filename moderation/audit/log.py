"""The audit log: one entry for every delivery, written before the event is settled."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from eventgrid_pull.blob.append_log import AppendLog, merge, stamp, stamp_of
from eventgrid_pull.outcomes import Verb
from moderation.audit.entry import AuditEntry, DeliveryKey, decode, needle
from moderation.audit.windows import Windows

SLOW_SECONDS = 0.5
# A page ends after so many bytes of lines: one event alone may have a megabyte.
PAGE_BYTES = 4 * 1024 * 1024


class Position(msgspec.Struct, frozen=True, array_like=True):
    """A place between two lines: `at` and `mark` are those of the newer one.

    Lines of one batch share their `at`, so that alone is no place. What is written
    later stands before the place, and so moves nothing that comes after it.
    """

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    mark: str


def mark(line: bytes) -> str:
    """Return what tells a line from others of the same moment."""
    return hashlib.blake2b(line, digest_size=8).hexdigest()


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries to read: all conditions must hold; None is no condition.

    Stamped from `since` to `until`, both included. `text` is looked for in what
    an answer shows, in any case; in the event's subject only when `subjects` says that
    it is shown. An `id` without its `source` may be that of several events. `after`
    goes on where a page ended.
    """

    since: datetime
    until: datetime
    subscriptions: Sequence[str]
    disposition: Verb | None = None
    type: str | None = None
    category: str | None = None
    text: str | None = None
    subjects: bool = False
    id: str | None = None
    source: str | None = None
    limit: int = 100
    after: Position | None = None

    def matches(self, entry: AuditEntry) -> bool:
        """Tell whether the entry is asked for; the type may be without its prefix."""
        return (
            self.disposition in (None, entry.disposition)
            and self.type in (None, entry.type, entry.type.rpartition(".")[2])
            and self.id in (None, entry.id)
            and self.source in (None, entry.source)
            and self.category in (None, entry.category)
            and (self.text is None or self._mentions(entry, self.text.casefold()))
        )

    def _mentions(self, entry: AuditEntry, wanted: str) -> bool:
        subject = entry.subject if self.subjects else None
        words = (
            *(entry.id, entry.source, entry.type, entry.content_id, subject),
            *(entry.subscription, entry.disposition, entry.verdict, entry.reason),
            *(entry.by, entry.category, entry.severity, entry.model, entry.traceparent),
        )
        return any(wanted in word.casefold() for word in words if word)


class Found(msgspec.Struct, frozen=True):
    """Entries, newest first; `complete` when there are no more in that time.

    Otherwise there may be more after `position`.
    """

    entries: list[AuditEntry]
    complete: bool
    position: Position | None = None


class _Page:
    """The entries of one answer, gathered from lines that come newest first."""

    def __init__(self, query: Query) -> None:
        self._query, self._sought = query, query.after
        self._found: dict[DeliveryKey, AuditEntry] = {}
        self._passed: set[DeliveryKey] = set()
        self._bytes = 0
        self._last: bytes | None = None
        self._oldest = b""
        self._same_moment: set[bytes] = set()

    def take(self, line: bytes) -> None:
        """Take one more line."""
        if self._is_repeated(line) or self._is_before(line):
            return
        if stamp_of(line) == self._oldest:
            self._last = line
        entry = decode(line)
        if entry is None or not self._query.matches(entry):
            return
        key = entry.delivery_key
        if key not in self._found and key not in self._passed:
            self._found[key] = entry
            self._bytes += len(line)

    def _is_repeated(self, line: bytes) -> bool:
        """Tell whether the line came already, of an append that was repeated.

        One that is newer than what came before it belongs to such an append, too: the
        page does not go back for it.
        """
        at = stamp_of(line)
        if not self._oldest or at < self._oldest:
            self._oldest, self._same_moment = at, set()
        elif at > self._oldest:
            return False
        seen = line in self._same_moment
        self._same_moment.add(line)
        return seen

    def _is_before(self, line: bytes) -> bool:
        """Tell whether the line came with an earlier page, or was written since.

        Of the batch that a page ended in, the beginning is read again: an append
        that was repeated has its lines twice.
        """
        if self._sought is None or stamp_of(line) < stamp(self._sought.at).encode():
            self._sought = None
            return False
        if (entry := decode(line)) is not None:
            self._passed.add(entry.delivery_key)
        if mark(line) == self._sought.mark:
            self._sought = None
        return True

    def is_full(self) -> bool:
        """Tell whether the answer is as long as it may be."""
        return len(self._found) >= self._query.limit or self._bytes >= PAGE_BYTES

    @property
    def has_moved(self) -> bool:
        """Return whether the next page would begin later than this one did."""
        return self._last is not None

    def found(self, *, complete: bool) -> Found:
        """Return what was gathered, newest first, and where the next page begins."""
        position = None if complete else self._query.after
        if not complete and self._last is not None:
            at = datetime.fromisoformat(stamp_of(self._last).decode())
            position = Position(at, mark(self._last))
        return Found(list(self._found.values()), complete, position)


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
        """Append all of the entries at once, durable when this returns.

        Raises StoreUnavailable.
        """
        lines = msgspec.json.Encoder().encode_lines(entries)
        await self._log.append(subscription, now, lines)

    async def find(
        self, query: Query, *, time_left: Callable[[], float] = lambda: 1.0
    ) -> Found:
        """Return the entries asked for, newest first, at most `query.limit`.

        Of two entries about one delivery (an append that was repeated) only the newer
        is given. When no time is left, or the answer gets large, what was found so far.
        Raises StoreUnavailable.
        """
        page = _Page(query)
        async for line in self._lines(query, time_left):
            page.take(line)
            if page.is_full() or (page.has_moved and time_left() <= 0):
                return page.found(complete=False)
        return page.found(complete=True)

    def _lines(
        self, query: Query, time_left: Callable[[], float]
    ) -> AsyncIterator[bytes]:
        until = min(query.until, query.after.at) if query.after else query.until
        if query.id is not None:
            return self._lines_with(query.id, query, until, time_left)
        return merge(
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
        """Yield the lines about one event; after each piece of time a line of no entry."""
        needles = [(name, needle(event_id)) for name in query.subscriptions]
        pieces = Windows(query.since, until, forwards=False)
        for since, end in pieces:
            began = time_left()
            lines = await self.search(needles, since, end)
            for line in sorted(lines, key=stamp_of, reverse=True):
                yield line
            yield b'{"at":"%s"}' % stamp(since).encode()
            if began - time_left() > SLOW_SECONDS:
                pieces.slow()

    async def search(
        self, needles: Sequence[tuple[str, bytes]], since: datetime, until: datetime
    ) -> list[bytes]:
        """Return that time's lines with a needle in the log of its name, oldest first."""
        found = await asyncio.gather(
            *(self._log.search(*needle, since=since, until=until) for needle in needles)
        )
        return sorted((line for lines in found for line in lines), key=stamp_of)
