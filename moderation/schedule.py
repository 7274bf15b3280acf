"""How often a timer's schedule fires at most.

Six fields (second minute hour day month weekday; five without the second), or a time
span `[d.]hh:mm:ss`, as the Functions host reads them.
"""

import re
from itertools import pairwise

_SPAN = re.compile(r"(?:(\d+)\.)?(\d+):(\d+):(\d+)(?:\.\d+)?\Z")
_PART = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?\Z")
_LIMITS = (59, 59, 23)
DAY = 86_400


def shortest_gap(schedule: str) -> int | None:
    """Seconds between the two occurrences that are closest together.

    Days, months and weekdays can only make gaps longer and are not looked at: one
    occurrence a day counts as a gap of a day. None when it cannot be read.
    """
    if span := _SPAN.match(schedule.strip()):
        days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
        return (days * DAY + hours * 3600 + minutes * 60 + seconds) or None
    fields = schedule.split()
    if len(fields) == len(_LIMITS) + 2:
        fields = ["0", *fields]
    if len(fields) != len(_LIMITS) + 3:
        return None
    seconds_, minutes_, hours_ = (
        _values(field, limit) for field, limit in zip(fields, _LIMITS, strict=False)
    )
    if not (seconds_ and minutes_ and hours_):
        return None
    times = [h * 3600 + m * 60 + s for h in hours_ for m in minutes_ for s in seconds_]
    return min(after - before for before, after in pairwise([*times, times[0] + DAY]))


def _values(field: str, limit: int) -> list[int]:
    """The sorted numbers that a field stands for; empty when it cannot be read."""
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.match(part)
        if match is None:
            return []
        first, last, step = (int(one) if one else None for one in match.groups())
        if first is None:
            first, last = 0, limit
        elif last is None:
            last = limit if step else first
        first, last = sorted((first, last))
        if last > limit or step == 0:
            return []
        found.update(range(first, last + 1, step or 1))
    return sorted(found)
