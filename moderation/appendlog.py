"""A log of lines that is only ever appended to, kept by name and by hour.

The port, and the in-memory one; `blobs/append.py` has the one that lasts. A *name* is what the
log is about, here an event subscription. A line is one JSON object whose first member
is `at`, as `stamp` writes it: so lines sort by time as they are, and a line is kept under
the hour of its moment. One writer's lines of an hour are in the order of their moments,
but for what an append that was repeated has twice.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

# How far the clock of another process, of storage or a publisher may be from ours.
CLOCK_SKEW = timedelta(minutes=1)


class StoreUnavailable(Exception):
    """The store did not take or give what was asked; the message says what to do."""


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
        """The lines stamped from `until` back to `since`, newest first; both included.

        Those of one moment always come in the same order. Raises StoreUnavailable.
        """

    async def search(
        self, name: str, needle: bytes, *, since: datetime, until: datetime
    ) -> list[bytes]:
        """The lines of that time that hold the needle, oldest first.

        For a needle that few lines hold: nothing else is taken apart. Raises
        StoreUnavailable.
        """


def stamp(moment: datetime) -> str:
    """A moment in UTC at a fixed width, so that text sorts as time does."""
    at = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{at.isoformat(timespec='microseconds')}Z"


def stamp_of(line: bytes) -> bytes:
    """The moment that a line begins with."""
    return line[7:34]


def is_within(line: bytes, since: datetime, until: datetime) -> bool:
    """Whether the line is of that time; both ends are."""
    return stamp(since).encode() <= stamp_of(line) <= stamp(until).encode()


def hour_of(now: datetime) -> datetime:
    """The hour that a moment belongs to."""
    return now.replace(minute=0, second=0, microsecond=0)


def hours_back(since: datetime, until: datetime) -> list[datetime]:
    """Every hour that has a moment from `since` to `until`, newest first."""
    hours, hour = [], hour_of(until)
    while hour >= hour_of(since):
        hours.append(hour)
        hour -= timedelta(hours=1)
    return hours


async def merged(sources: list[AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
    """The lines of several sources, each newest first, as one: newest first.

    Of lines of one moment, those of the first source come first.
    """
    first = await asyncio.gather(*(anext(source, None) for source in sources))
    heads = {index: line for index, line in enumerate(first) if line is not None}
    while heads:
        newest = max(heads, key=lambda index: stamp_of(heads[index]))
        yield heads[newest]
        await _advance(heads, newest, sources[newest])


async def _advance(
    heads: dict[int, bytes], index: int, source: AsyncIterator[bytes]
) -> None:
    line = await anext(source, None)
    if line is None:
        heads.pop(index, None)
    else:
        heads[index] = line


class InMemoryAppendLog:
    """Keeps the lines for as long as the process lives."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, datetime], list[bytes]] = {}

    async def probe(self) -> None:
        """Nothing to do: memory is there."""

    async def open(self, name: str, now: datetime) -> None:
        """Nothing to do: memory is there."""

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        """Keep the lines under their hour."""
        self._lines.setdefault((name, hour_of(now)), []).extend(lines.splitlines())

    async def newest(
        self, name: str, *, since: datetime, until: datetime
    ) -> AsyncIterator[bytes]:
        """The lines stamped from `until` back to `since`, newest first."""
        for hour in hours_back(since, until):
            for line in reversed(self._lines.get((name, hour), [])):
                if is_within(line, since, until):
                    yield line

    async def search(
        self, name: str, needle: bytes, *, since: datetime, until: datetime
    ) -> list[bytes]:
        """The lines of that time that hold the needle, oldest first."""
        found = self.newest(name, since=since, until=until)
        return [line async for line in found if needle in line][::-1]

    async def is_empty(self, name: str) -> bool:
        """Whether nothing was ever appended under that name."""
        return not any(named == name for named, _ in self._lines)
