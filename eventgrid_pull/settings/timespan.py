"""Read a time span as .NET does: schedules and host.json have such."""

import re
from datetime import timedelta

LONGEST = timedelta(10_675_199, hours=2, minutes=48, seconds=5, microseconds=477580)
# Days before a dot, numbers between colons, a fraction, whose seconds may be left out.
_SPAN = re.compile(
    r"(-)?(?:(\d{1,20})\.)?(\d{1,20}(?::\d{1,20})*)(?:(:)?\.(\d{1,7}|0\d{1,20}))?",
    re.ASCII,
)


def time_span(text: str) -> timedelta | None:
    """Return the span as .NET reads it, where 24:00:00 is 24 days; None if it is none."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        return None
    sign, days, written, no_seconds, fraction = match.groups()
    numbers = [int(number) for number in written.split(":")]
    if no_seconds:
        numbers.append(0)
    if days is not None:
        numbers.insert(0, int(days))
    numbers = _days_first(numbers, days is not None, fraction is not None)
    if not numbers:
        return None
    whole, hours, minutes, seconds = numbers
    if whole > LONGEST.days or hours > 23 or minutes > 59 or seconds > 59:
        return None
    span = timedelta(whole, seconds, hours=hours, minutes=minutes)
    span += timedelta(microseconds=int((fraction or "").ljust(6, "0")[:6]))
    if span > LONGEST:
        return None
    return -span if sign else span


def _days_first(numbers: list[int], has_days: bool, has_fraction: bool) -> list[int]:
    """Return days, hours, minutes and seconds; empty when it is no form of .NET's."""
    match len(numbers):
        case 1 if not has_fraction:
            return [*numbers, 0, 0, 0]
        case 2 if not has_days and not has_fraction:
            return [0, *numbers, 0]
        case 3 if has_days and not has_fraction:
            return [*numbers, 0]
        case 3 if not has_days and numbers[0] > 23 and not has_fraction:
            return [*numbers, 0]
        case 3 if not has_days:
            return [0, *numbers]
        case 4:
            return numbers
    return []
