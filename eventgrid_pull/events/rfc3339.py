"""Times as RFC 3339 writes them: which are valid, and which `datetime` can hold.

Of what the RFC leaves to applications, a space instead of `T` is valid, as Event Grid
has it. A leap second is valid where UTC may have one: at the end of a month.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))\Z"
)
# The calendar repeats itself after so many years.
_CYCLE = 400


class _Moment(NamedTuple):
    """A valid time in UTC, in a calendar that is `shift` years ahead."""

    utc: datetime
    shift: int
    fraction: str
    is_leap_second: bool


def is_valid(text: str) -> bool:
    """Return whether this is a time, with its zone, that RFC 3339 allows."""
    return _parse(text) is not None


def normalise(text: str) -> str:
    """Write the time in UTC with all its digits, as Event Grid stores it.

    What is no valid time, or leaves the years 0000 to 9999 in UTC, stays as it is.
    """
    moment = _parse(text)
    if moment is None or not 0 <= moment.utc.year - moment.shift <= 9999:
        return text
    utc = moment.utc
    second = 60 if moment.is_leap_second else utc.second
    day = f"{utc.year - moment.shift:04}-{utc:%m-%d}"
    return f"{day}T{utc:%H:%M}:{second:02}{moment.fraction}Z"


def to_datetime(value: object) -> datetime | None:
    """Return the moment in UTC; None for what is no time or none that can be held.

    A leap second counts as the second after it, as POSIX has it.
    """
    try:
        found = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        return _leap_second_to_datetime(value)
    return _in_utc(found)


def _leap_second_to_datetime(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    moment = _parse(value)
    if moment is None or not moment.is_leap_second:
        return None
    before = to_datetime(f"{value[:17]}59{value[19:]}")
    try:
        return before + timedelta(seconds=1) if before else None
    except OverflowError:  # the last second of all time
        return None


def _in_utc(time: datetime) -> datetime | None:
    """Return the same moment in UTC; without a zone it says nothing about when."""
    try:
        return time.astimezone(UTC) if time.tzinfo else None
    except OverflowError:  # in the first or the last hours of all time
        return None


def _parse(text: str) -> _Moment | None:
    match = _TIME.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, sign, hours, minutes = match.groups()[6:]
    is_leap = second == 60
    shift = -_CYCLE if year > 5000 else _CYCLE
    try:
        utc = datetime(  # noqa: DTZ001  (its zone is what is subtracted below)
            year + shift, month, day, hour, minute, 59 if is_leap else second
        )
    except ValueError:
        return None
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        utc = utc - offset if sign == "+" else utc + offset
    if is_leap and (utc + timedelta(seconds=1)).strftime("%d%H%M%S") != "01000000":
        return None
    return _Moment(utc, shift, fraction or "", is_leap)
