"""A log of lines that is only ever appended to, kept by name and by hour.

The port, and the in-memory one; `blob_append_log.py` has the one that lasts. A *name* is what the
log is about, here an event subscription. A line is one JSON object whose first member
is `at`, as `stamp` writes it: so lines sort by time as they are, and a line is kept under
the hour of its moment. A writer's lines of an hour are in *segments*, and in each of them in
the order of their moments whatever the clock did, but for what an append that was repeated
has twice.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

# How far the clock of another process, of storage or a publisher may be from ours.
CLOCK_SKEW = timedelta(minutes=1)
# A clock that went back by no more goes on with its segment, at the last stamp.
SMALL_STEP = timedelta(seconds=1)
# What a line begins with; one that does not is somebody else's.
BEGINS = b'{"at":"2'


# A moment as it is written, in lines and in answers: what `stamp` makes of a datetime.
type Stamp = Annotated[
    str,
    Meta(
        description="a moment in UTC at a fixed width: as text, it sorts as time does",
        extra_json_schema={"format": "date-time"},
    ),
]


class StoreUnavailable(Exception):
    """The store could not be written or read; the message says what to do."""


class AppendLog(Protocol):
    """Where lines go, and where they are read back from, newest first."""

    async def probe(self) -> None:
        """See that the store answers; StoreUnavailable when it does not."""

    async def open(self, name: str, now: datetime) -> None:
        """Make sure that the log can be written to; StoreUnavailable when it cannot."""

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        """Add whole lines, each ending in a newline. Durable when this returns.

        Raises StoreUnavailable when they may not have been kept. They may have been
        all the same: a reader must bear the same line twice.
        """

    def newest(
        self, name: str, *, since: datetime, until: datetime
    ) -> AsyncIterator[bytes]:
        """Yield the lines stamped from `until` back to `since`, newest first; both included.

        Those of one moment always come in the same order. Raises StoreUnavailable.
        """

    async def search(
        self, name: str, needle: bytes, *, since: datetime, until: datetime
    ) -> list[bytes]:
        """Return the lines of that time that hold the needle, oldest first.

        For a needle that few lines hold: nothing else is taken apart. Raises
        StoreUnavailable.
        """


def stamp(moment: datetime) -> Stamp:
    """Return a moment in UTC at a fixed width, so that text sorts as time does."""
    at = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{at.isoformat(timespec='microseconds')}Z"


def stamp_of(line: bytes) -> bytes:
    """Return the moment that a line begins with."""
    return line[7:34]


def is_within(line: bytes, since: datetime, until: datetime) -> bool:
    """Return whether the line is from `since` to `until`, both included."""
    return stamp(since).encode() <= stamp_of(line) <= stamp(until).encode()


def hour_of(now: datetime) -> datetime:
    """Return the hour that a moment belongs to."""
    return now.replace(minute=0, second=0, microsecond=0)


def went_back(now: datetime, last: bytes) -> bool:
    """Return whether the clock went back by more than a small step since that stamp."""
    return stamp(now + SMALL_STEP).encode() < last


class Segment(msgspec.Struct):
    """Lines of an hour, none stamped before the one above it; `last` is the newest stamp."""

    hour: datetime
    number: int
    last: bytes

    def order(self, lines: bytes) -> bytes:
        """Return the lines to append; of one that is too early, with the last stamp."""
        early: list[tuple[int, bytes]] = []
        start, end = 0, len(lines)
        while start < end:
            at = lines[start + 7 : start + 34]
            if at != self.last and lines.startswith(BEGINS, start):
                if at < self.last:
                    early.append((start + 7, self.last))
                else:
                    self.last = at
            start = lines.find(b"\n", start) + 1 or end
        if not early:
            return lines
        changed = bytearray(lines)
        for place, moment in early:
            changed[place : place + len(moment)] = moment
        return bytes(changed)


class Segments:
    """Which segment the next lines of each log belong to.

    After a clock went back by more than a second another one begins, so that what is
    written from then on is kept under the hour of its own moment.
    """

    def __init__(self) -> None:
        self._current: dict[str, Segment] = {}

    def at(self, name: str, now: datetime) -> Segment:
        """Return the segment for lines of now."""
        known, hour = self._current.get(name), hour_of(now)
        if known is None:
            return self._begin(name, hour, 0)
        if went_back(now, known.last):
            return self._begin(name, hour, known.number + 1)
        return self._begin(name, hour, known.number) if hour > known.hour else known

    def next(self, name: str) -> Segment:
        """Begin another segment of the same hour: the last one takes no more."""
        known = self._current[name]
        self._current[name] = Segment(known.hour, known.number + 1, known.last)
        return self._current[name]

    def _begin(self, name: str, hour: datetime, number: int) -> Segment:
        self._current[name] = Segment(hour, number, stamp(hour).encode())
        return self._current[name]


def hours_back(since: datetime, until: datetime) -> list[datetime]:
    """Return every hour that has a moment from `since` to `until`, newest first."""
    hours, hour = [], hour_of(until)
    while hour >= hour_of(since):
        hours.append(hour)
        hour -= timedelta(hours=1)
    return hours


async def merge(sources: list[AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
    """Yield the lines of several sources, each newest first, as one: newest first.

    Of lines of one moment, those of the first source come first.
    """
    first = await asyncio.gather(*(anext(source, None) for source in sources))
    heads = {index: line for index, line in enumerate(first) if line is not None}
    while heads:
        newest = max(heads, key=lambda index: stamp_of(heads[index]))
        yield heads[newest]
        line = await anext(sources[newest], None)
        if line is None:
            del heads[newest]
        else:
            heads[newest] = line


class InMemoryAppendLog:
    """Keeps the lines for as long as the process lives."""

    def __init__(self) -> None:
        self._segments = Segments()
        self._lines: dict[tuple[str, datetime], dict[int, list[bytes]]] = {}

    async def probe(self) -> None:
        """Do nothing: memory is there."""

    async def open(self, name: str, now: datetime) -> None:
        """Do nothing: memory is there."""

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        """Keep the lines under their hour."""
        segment = self._segments.at(name, now)
        hour = self._lines.setdefault((name, segment.hour), {})
        kept = hour.setdefault(segment.number, [])
        kept += segment.order(lines).splitlines()

    async def newest(
        self, name: str, *, since: datetime, until: datetime
    ) -> AsyncIterator[bytes]:
        """Yield the lines stamped from `until` back to `since`, newest first."""
        for hour in hours_back(since, until):
            segments = [
                [line for line in reversed(lines) if is_within(line, since, until)]
                for lines in self._lines.get((name, hour), {}).values()
            ]
            for line in heapq.merge(*segments, key=stamp_of, reverse=True):
                yield line

    async def search(
        self, name: str, needle: bytes, *, since: datetime, until: datetime
    ) -> list[bytes]:
        """Return the lines of that time that hold the needle, oldest first."""
        found = self.newest(name, since=since, until=until)
        return [line async for line in found if needle in line][::-1]

    async def is_empty(self, name: str) -> bool:
        """Return whether nothing was ever appended under that name."""
        return not any(named == name for named, _ in self._lines)
