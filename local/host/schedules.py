"""Timer schedules as the Functions host reads them: NCRONTAB or a time span, in UTC."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from croniter import CroniterBadDateError, croniter

NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("second", 0, 59, []),
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of month", 1, 31, []),
    ("month", 1, 12, MONTHS),
    ("day of week", 0, 6, DAYS),
)
SPAN = re.compile(
    r"""(?P<sign>-)?
    (?: (?P<bare>\d+)
      | (?:(?P<days>\d+)\.)?(?P<h>\d+):(?P<m>\d+)(?::(?P<s>\d+)(?:\.(?P<f>\d{1,7}))?)?
    )""",
    re.VERBOSE,
)
SETTING = re.compile("%([^%]+)%")


class BadSchedule(Exception):
    """The expression is no schedule; the text says why."""


@dataclass(frozen=True, slots=True)
class Cron:
    """Occurrences at set times; `fields` lists the values of each of the six fields."""

    text: str
    fields: str

    def after(self, now: datetime) -> datetime:
        """The first occurrence after `now`, or NEVER."""
        try:
            following: datetime = croniter(
                self.fields, now, second_at_beginning=True, day_or=False
            ).get_next(datetime)
        except CroniterBadDateError:
            return NEVER
        return following


@dataclass(frozen=True, slots=True)
class Constant:
    """Occurrences at a set distance from the one before."""

    text: str
    interval: timedelta

    def after(self, now: datetime) -> datetime:
        """One interval after `now`, or NEVER."""
        return now + self.interval if NEVER - now > self.interval else NEVER


type Schedule = Cron | Constant


def parse(text: str) -> Schedule:
    """The schedule that the expression stands for; BadSchedule if it is none."""
    parts = text.split()
    if len(parts) in {5, 6}:
        return Cron(text, _fields(text, ["0", *parts] if len(parts) == 5 else parts))
    interval = time_span(text.strip())
    if interval is None:
        raise BadSchedule(
            f"{text!r} is not a schedule: write six fields "
            "{second} {minute} {hour} {day} {month} {day of week}, "
            "as in '0 */5 * * * *'"
        )
    if interval <= timedelta():
        raise BadSchedule(f"{text!r} would fire without pause: write a span above zero")
    return Constant(text, interval)


def resolve(text: str, settings: Mapping[str, str]) -> str:
    """The expression with every `%SETTING%` replaced by that setting's value."""

    def value(reference: re.Match[str]) -> str:
        if not (found := settings.get(reference[1])):
            raise BadSchedule(
                f"{reference[0]} does not resolve to a value: set {reference[1]} in "
                "local.settings.json or in the environment"
            )
        return found

    return SETTING.sub(value, text)


def occurrences(schedule: Schedule, now: datetime, count: int) -> list[datetime]:
    """The next `count` occurrences after `now`."""
    found: list[datetime] = []
    for _ in range(count):
        now = schedule.after(now)
        found.append(now)
        if now == NEVER:
            break
    return found + [NEVER] * (count - len(found))


def fires_within_a_minute(schedule: Schedule, now: datetime) -> bool:
    """Whether two of the next occurrences are less than a minute apart."""
    times = occurrences(schedule, now, 5)
    minute = timedelta(minutes=1)
    return any(b - a < minute for a, b in pairwise(times) if b != NEVER)


def _fields(text: str, parts: list[str]) -> str:
    rendered = []
    for (name, low, high, names), part in zip(FIELDS, parts, strict=True):
        try:
            values = {
                v for item in part.split(",") for v in _item(item, low, high, names)
            }
        except ValueError as error:
            raise BadSchedule(f"{text!r}: {name} {part!r}: {error}") from None
        full = len(values) == high - low + 1
        rendered.append("*" if full else ",".join(map(str, sorted(values))))
    return " ".join(rendered)


def _item(item: str, low: int, high: int, names: list[str]) -> Iterator[int]:
    """The values of one comma-separated item: `*`, `a`, `a-b`, each with `/step`."""
    span, slash, step_text = item.partition("/")
    step = _number(step_text) if slash else 1
    if step < 1:
        raise ValueError("the step must be 1 or more")
    first, dash, last = span.partition("-")
    if span == "*":
        start, end = low, high
    else:
        start = _value(first, low, high, names)
        end = _value(last, low, high, names) if dash else high if slash else start
    # NCrontab takes a range written backwards for the same range forwards.
    yield from range(min(start, end), max(start, end) + 1, step)


def _value(text: str, low: int, high: int, names: list[str]) -> int:
    if text[:1].isdecimal():
        number = _number(text)
        if not low <= number <= high:
            raise ValueError(f"{text} is not within {low} to {high}")
        return number
    for index, name in enumerate(names):
        if text and name.lower().startswith(text.lower()):
            return low + index
    raise ValueError(f"{text!r} is neither a number nor a name")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text!r} is not a number")
    return int(text)


def time_span(text: str) -> timedelta | None:
    """The span as .NET reads it, where 24:00:00 is 24 days; None if it is none."""
    if not (match := SPAN.fullmatch(text)):
        return None
    days, hours, minutes, seconds = (
        int(match[group] or 0) for group in ("days", "h", "m", "s")
    )
    if match["bare"]:
        days = int(match["bare"])
    elif hours > 23 and match["days"] is None and match["s"] and not match["f"]:
        days, hours, minutes, seconds = hours, minutes, seconds, 0
    if hours > 23 or minutes > 59 or seconds > 59 or days > 10_675_199:
        return None
    span = timedelta(days, seconds, hours=hours, minutes=minutes)
    span += timedelta(microseconds=int((match["f"] or "").ljust(7, "0")) // 10)
    return -span if match["sign"] else span
