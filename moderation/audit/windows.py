"""Pieces of time: how far to look into a log in one go."""

from collections.abc import Iterator
from datetime import datetime, timedelta

# The least that two stamps differ by.
MOMENT = timedelta(microseconds=1)
SHORTEST, LONGEST = timedelta(minutes=2), timedelta(hours=24)


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
