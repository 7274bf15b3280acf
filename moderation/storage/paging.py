"""Reading a log piece by piece: where a page ended, and how far to look in one go."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from eventgrid_pull.blob.append_log import stamp_of

# A page ends after so many bytes of lines: one event alone may have a megabyte.
PAGE_BYTES = 4 * 1024 * 1024
# The least that two stamps differ by.
MOMENT = timedelta(microseconds=1)
SHORTEST, LONGEST = timedelta(minutes=2), timedelta(hours=24)


class Position(msgspec.Struct, frozen=True):
    """A place between two lines: `at` and `mark` are those of the newer one.

    Lines of one batch share their `at`, so that alone is no place. What is written
    later stands before the place, and so moves nothing that comes after it.
    """

    at: str
    mark: str

    @property
    def moment(self) -> datetime:
        """Return when the line was written."""
        return datetime.fromisoformat(self.at)


def mark(line: bytes) -> str:
    """Return what tells a line from others of the same moment."""
    return hashlib.blake2b(line, digest_size=8).hexdigest()


type DeliveryKey = tuple[str, str, str, int, str]


class Keyed(Protocol):
    """What is about one delivery."""

    @property
    def delivery_key(self) -> DeliveryKey:
        """Return the same for all that is about that delivery."""


class Page[Entry: Keyed]:
    """The entries of one answer, gathered from lines that come newest first.

    At most `limit`, those that are `wanted`, from the place `after` on. `read` gives
    the entry of a line, or None.
    """

    def __init__(
        self,
        limit: int,
        after: Position | None,
        *,
        read: Callable[[bytes], Entry | None],
        wanted: Callable[[Entry], bool],
    ) -> None:
        self._limit, self._after, self._sought = limit, after, after
        self._read, self._wanted = read, wanted
        self._found: dict[DeliveryKey, Entry] = {}
        self._passed: set[DeliveryKey] = set()
        self._bytes = 0
        self._last: bytes | None = None
        self._oldest = b""
        self._of_the_moment: set[bytes] = set()

    def take(self, line: bytes) -> None:
        """Take one more line."""
        if self._is_repeated(line) or self._is_before(line):
            return
        if stamp_of(line) == self._oldest:
            self._last = line
        entry = self._read(line)
        if entry is None or not self._wanted(entry):
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
            self._oldest, self._of_the_moment = at, set()
        elif at > self._oldest:
            return False
        seen = line in self._of_the_moment
        self._of_the_moment.add(line)
        return seen

    def _is_before(self, line: bytes) -> bool:
        """Tell whether the line came with an earlier page, or was written since.

        Of the batch that a page ended in, the beginning is read again: an append
        that was repeated has its lines twice.
        """
        if self._sought is None or stamp_of(line).decode() < self._sought.at:
            self._sought = None
            return False
        if (entry := self._read(line)) is not None:
            self._passed.add(entry.delivery_key)
        if mark(line) == self._sought.mark:
            self._sought = None
        return True

    def is_full(self) -> bool:
        """Tell whether the answer is as long as it may be."""
        return len(self._found) >= self._limit or self._bytes >= PAGE_BYTES

    @property
    def has_moved(self) -> bool:
        """Return whether the next page would begin later than this one did."""
        return self._last is not None

    @property
    def entries(self) -> list[Entry]:
        """Return what was gathered, newest first."""
        return list(self._found.values())

    @property
    def position(self) -> Position | None:
        """Return where the next page begins."""
        if self._last is None:
            return self._after
        return Position(stamp_of(self._last).decode(), mark(self._last))


class Windows:
    """Pieces of a time, one after the other, each longer than the one before.

    `forwards` from the oldest to the newest, or the other way. After a piece that
    took long (`slow`) the next one is shorter. No moment is in two of them. `length` is
    that of the next one.
    """

    def __init__(
        self,
        since: datetime,
        until: datetime,
        *,
        forwards: bool,
        length: timedelta = SHORTEST,
    ) -> None:
        self.since, self.until = since, until
        self._forwards = forwards
        self.length = length

    def __iter__(self) -> Iterator[tuple[datetime, datetime]]:
        while self.since <= self.until:
            since, until = self._piece()
            yield since, until
            if self._forwards:
                self.since = until + MOMENT
            else:
                self.until = since - MOMENT
            self.length = min(self.length * 4, LONGEST)

    def _piece(self) -> tuple[datetime, datetime]:
        length = min(self.length, self.until - self.since)
        if self._forwards:
            return self.since, self.since + length
        return self.until - length, self.until

    def slow(self) -> None:
        """Make the next piece shorter: this one took long."""
        self.length = max(self.length / 8, SHORTEST)
