"""How often a timer's schedule fires at most, and when it should have fired last.

Six fields (second minute hour day month weekday; five without the second), or a time
span `[d.]hh:mm:ss`, as the Functions host reads them.
"""

import re
from bisect import bisect_right
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise

_SPAN = re.compile(r"(?:(\d+)\.)?(\d+):(\d+):(\d+)(?:\.\d+)?\Z")
_PART = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?\Z")
_LIMITS = (59, 59, 23)
_MONTHS = [
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_NAME = re.compile(r"[a-z]{3,}")
DAY = 86_400
# How far back an occurrence is looked for.
MOST_DAYS = 366


def shortest_gap(schedule: str) -> int | None:
    """Seconds between the two occurrences that are closest together.

    Days, months and weekdays can only make gaps longer and are not looked at: one
    occurrence a day counts as a gap of a day. None when it cannot be read.
    """
    if span := _SPAN.match(schedule.strip()):
        days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
        return (days * DAY + hours * 3600 + minutes * 60 + seconds) or None
    fields = _fields(schedule)
    times = _times(fields) if fields else []
    if not times:
        return None
    return min(after - before for before, after in pairwise([*times, times[0] + DAY]))


def last_due(schedule: str, now: datetime) -> datetime | None:
    """The latest occurrence up to `now`, in UTC as `now` is.

    Of a time span, whose occurrences are not at set times, the latest one there must
    have been. None when the schedule cannot be read, or none was within a year.
    """
    if _SPAN.match(schedule.strip()):
        gap = shortest_gap(schedule)
        return now - timedelta(seconds=gap) if gap else None
    fields = _calendar(schedule)
    if fields is None:
        return None
    times, days, months, weekdays = fields
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    until = (now - today).total_seconds()
    for ago in range(MOST_DAYS):
        day = today - timedelta(days=ago)
        fires = day.month in months and day.isoweekday() % 7 in weekdays
        before = bisect_right(times, DAY if ago else until)
        if fires and day.day in days and before:
            return day + timedelta(seconds=times[before - 1])
    return None


@cache
def _calendar(
    schedule: str,
) -> tuple[list[int], list[int], list[int], list[int]] | None:
    """Seconds of the day, days, months and weekdays (Sunday is 0) of six fields."""
    fields = _fields(schedule)
    if fields is None:
        return None
    *_, days, months, weekdays = fields
    found = (
        _times(fields),
        _values(days, 31, 1),
        _values(_numbered(months, _MONTHS, 1), 12, 1),
        _values(_numbered(weekdays, _DAYS, 0), 6),
    )
    return found if all(found) else None


def _fields(schedule: str) -> list[str] | None:
    """The six fields; of five, the second is 0."""
    fields = schedule.split()
    if len(fields) == 5:
        fields = ["0", *fields]
    return fields if len(fields) == 6 else None


def _times(fields: list[str]) -> list[int]:
    """The seconds of the day at which it fires; empty when they cannot be read."""
    seconds, minutes, hours = (
        _values(field, limit) for field, limit in zip(fields, _LIMITS, strict=False)
    )
    return [h * 3600 + m * 60 + s for h in hours for m in minutes for s in seconds]


def _numbered(field: str, names: list[str], first: int) -> str:
    """The field with numbers for the names of months or days; others stay."""

    def number(match: re.Match[str]) -> str:
        name = match[0][:3]
        return str(names.index(name) + first) if name in names else match[0]

    return _NAME.sub(number, field.lower())


def _values(field: str, limit: int, least: int = 0) -> list[int]:
    """The sorted numbers that a field stands for; empty when it cannot be read."""
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.match(part)
        if match is None:
            return []
        first, last, step = (int(one) if one else None for one in match.groups())
        if first is None:
            first, last = least, limit
        elif last is None:
            last = limit if step else first
        first, last = sorted((first, last))
        if first < least or last > limit or step == 0:
            return []
        found.update(range(first, last + 1, step or 1))
    return sorted(found)
