"""Times as the service rewrites them: in UTC, with the digits they came with."""

import re
from datetime import datetime, timedelta
from typing import Final

_TIME: Final = re.compile(
    r"(?P<year>[0-9]{4})-(?P<day>[0-9]{2}-[0-9]{2})[Tt ]"
    r"(?P<minute>[0-9]{2}:[0-9]{2}):(?P<second>[0-9]{2})(?P<fraction>\.[0-9]+)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3]):(?P<minutes>[0-5][0-9]))"
)
# Four hundred years are a whole number of days and weeks; `datetime` begins with year 1.
_CYCLE: Final = 400


def normalise(text: str) -> str:
    """Write the same instant in UTC with `Z`; what RFC 3339 does not allow stays."""
    match = _TIME.fullmatch(text)
    if match is None:
        return text
    cycle = -_CYCLE if match["year"] > "5000" else _CYCLE
    second = "59" if match["second"] == "60" else match["second"]
    year = f"{int(match['year']) + cycle:04}"
    try:
        local = datetime.fromisoformat(
            f"{year}-{match['day']}T{match['minute']}:{second}"
        )
    except ValueError:
        return text
    hours, minutes = int(match["hours"] or 0), int(match["minutes"] or 0)
    offset = timedelta(hours=hours, minutes=minutes)
    instant = local + offset if match["sign"] == "-" else local - offset
    year = f"{instant.year - cycle:04}"
    if len(year) > 4 or year.startswith("-"):
        return text
    if match["second"] == "60":
        return _leap_second(text, instant, year, match["fraction"])
    return f"{year}-{instant:%m-%dT%H:%M:%S}{match['fraction'] or ''}Z"


def _leap_second(text: str, before: datetime, year: str, fraction: str | None) -> str:
    """Write a leap second, which only the end of a month can have."""
    after = before + timedelta(seconds=1)
    if (after.day, after.hour, after.minute, after.second) != (1, 0, 0, 0):
        return text
    return f"{year}-{before:%m-%dT%H:%M}:60{fraction or ''}Z"
