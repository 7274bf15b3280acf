"""Read a timer's schedule exactly as the Functions host does, and say when it fires.

An NCRONTAB expression of six fields, or of five without the seconds, or a time span as
.NET reads it; docs/decisions/0013-one-reader-a-grammar.md names the sources.
"""

import re
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

from eventgrid_pull.settings.timespan import time_span

ALLOWED = (
    "six fields (second minute hour day month weekday), as 0 */5 * * * *, or a time "
    "span, as 00:05:00"
)
DAY = 86_400
# 29 February comes back on the same weekday within 40 years.
MOST_DAYS = 60 * 366
BEGINNING = datetime.min.replace(tzinfo=UTC)
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_NUMBER = re.compile(r"\d{1,20}", re.ASCII)
_STEP = re.compile(r"[+-]?\d{1,9}", re.ASCII)


class Unreadable(ValueError):
    """The text is no schedule, or none that fires now and then; the message says why."""


class _Field(NamedTuple):
    """One field of an expression; a name may be cut short, down to its first letter."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    hint: str = ""

    def values(self, text: str) -> list[int]:
        """Return the sorted values that the field stands for. Raises Unreadable."""
        found = {value for part in text.split(",") for value in self._part(part, text)}
        return sorted(found)

    def _part(self, part: str, text: str) -> range:
        values, slash, every = part.partition("/")
        if slash and not _STEP.fullmatch(every):
            raise self._wrong(text)
        # The host takes a step below 1 for 1, and a range written backwards as it is meant.
        step = max(1, int(every)) if slash else 1
        first, dash, last = values.partition("-")
        if values == "*":
            low, high = self.low, self.high
        else:
            low = self._value(first, text)
            high = self._value(last, text) if dash else self.high if slash else low
        return range(min(low, high), max(low, high) + 1, step)

    def _value(self, written: str, text: str) -> int:
        if _NUMBER.fullmatch(written) and self.low <= int(written) <= self.high:
            return int(written)
        for place, name in enumerate(self.names):
            if written and name.startswith(written.lower()):
                return self.low + place
        raise self._wrong(text)

    def _wrong(self, text: str) -> Unreadable:
        return Unreadable(
            f"has the {self.name} {text!r}: it may be {self.low} to {self.high}"
            f"{self.hint}, a list, a range, a step (*/2) or *"
        )


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, MONTHS, " or JAN to DEC"),
    _Field("weekday", 0, 6, DAYS, " (0 is Sunday) or SUN to SAT"),
)


class _Calendar:
    """Occurrences at set times of set days, in UTC."""

    def __init__(self, fields: list[str]) -> None:
        seconds, minutes, hours, self._days, self._months, self._weekdays = (
            field.values(text) for field, text in zip(_FIELDS, fields, strict=True)
        )
        lengths = [monthrange(2000, month)[1] for month in self._months]
        if self._days[0] > max(lengths):
            raise Unreadable("never fires: there is no such day in a year")
        self._times = [
            hour * 3600 + minute * 60 + second
            for hour in hours
            for minute in minutes
            for second in seconds
        ]

    @cached_property
    def longest_gap(self) -> float:
        """Return the seconds between the two of sixty years that are farthest apart."""
        over_night = DAY + self._times[0] - self._times[-1]
        in_a_day = max((b - a for a, b in pairwise(self._times)), default=0)
        nights = 1
        if [len(self._days), len(self._months), len(self._weekdays)] != [31, 12, 7]:
            dates = pairwise(self._dates(date(2000, 1, 1), 1))
            nights = max((after - before).days for before, after in dates)
        return max(in_a_day, (nights - 1) * DAY + over_night)

    def last_due(self, now: datetime) -> datetime:
        """Return the latest occurrence up to `now`."""
        for day in self._dates(now.date(), -1):
            midnight = datetime.combine(day, datetime.min.time(), UTC)
            place = bisect_right(self._times, (now - midnight).total_seconds())
            if place:
                return midnight + timedelta(seconds=self._times[place - 1])
        return BEGINNING

    def next_due(self, now: datetime) -> datetime | None:
        """Return the first occurrence after `now`."""
        for day in self._dates(now.date(), 1):
            midnight = datetime.combine(day, datetime.min.time(), UTC)
            place = bisect_right(self._times, (now - midnight).total_seconds())
            if place < len(self._times):
                return midnight + timedelta(seconds=self._times[place])
        return None

    def _dates(self, start: date, step: int) -> Iterator[date]:
        """Yield the days on which it fires, from `start` on, or with -1 back from it."""
        first = start.toordinal()
        for ordinal in range(first, first + MOST_DAYS * step, step):
            if not 1 <= ordinal <= date.max.toordinal():
                return
            day = date.fromordinal(ordinal)
            fires = day.month in self._months and day.day in self._days
            if fires and day.isoweekday() % 7 in self._weekdays:
                yield day


class _Span:
    """Occurrences at a set distance, which begin with the host."""

    def __init__(self, length: timedelta) -> None:
        if length <= timedelta():
            raise Unreadable("would fire without pause: write a span above zero")
        self._length = length
        seconds = length.total_seconds()
        self.longest_gap: float = int(seconds) if seconds.is_integer() else seconds

    def last_due(self, now: datetime) -> datetime:
        """Return the latest moment at which there must have been an occurrence."""
        return now - self._length if now - BEGINNING > self._length else BEGINNING

    def next_due(self, now: datetime) -> datetime | None:
        """Return the occurrence that follows one at `now`; None beyond the calendar."""
        try:
            return now + self._length
        except OverflowError:
            return None


def problem(text: str) -> str | None:
    """Return what is wrong with a schedule and what is allowed; None if it is fine.

    A predicate: "is not a schedule: …". One that the host would take, but that never
    fires or fires without pause, is wrong as well. Give the value as it stands in the
    environment: the host strips no tabs and line ends from it.
    """
    try:
        _read(text)
    except Unreadable as error:
        return str(error)
    return None


def longest_gap(text: str) -> float | None:
    """Return the seconds between the two occurrences that are farthest apart.

    None when `problem` has something to say.
    """
    return None if problem(text) else _read(text).longest_gap


def last_due(text: str, now: datetime) -> datetime | None:
    """Return the latest occurrence up to `now`, which is in UTC.

    Of a time span, whose occurrences are not at set times, the latest there must have
    been. None when `problem` has something to say.
    """
    return None if problem(text) else _read(text).last_due(now)


def next_due(text: str, now: datetime) -> datetime | None:
    """Return the first occurrence after `now`, which is in UTC.

    None when `problem` has something to say, or it is beyond the calendar.
    """
    return None if problem(text) else _read(text).next_due(now)


@lru_cache(maxsize=256)
def _read(text: str) -> _Calendar | _Span:
    """Return what the text stands for. Raises Unreadable."""
    # Only spaces part the fields: NCrontab takes a tab or a line end for a character.
    fields = [field for field in text.split(" ") if field]
    if len(fields) in {5, 6}:
        return _Calendar(fields if len(fields) == 6 else ["0", *fields])
    if (span := time_span(text)) is None:
        raise Unreadable(f"is not a schedule: write {ALLOWED}")
    return _Span(span)
