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
# The forms of a time span, in the order in which .NET tries them: 24:00:00 is no time of a
# day, so it is 24 days.
DAYS_FIRST, FRACTION = r"(?P<days>\d{1,20})[.:]", r"(?P<f>\d{1,7}|0\d{1,20})"
HOURS, MINUTES, SECONDS = (rf"(?P<{name}>\d{{1,20}})" for name in "hms")
SPANS = [
    re.compile(form, re.ASCII)
    for form in (
        r"(?P<days>\d{1,20})",
        rf"{HOURS}:{MINUTES}",
        rf"{HOURS}:{MINUTES}:{SECONDS}(?:\.{FRACTION})?",
        rf"{DAYS_FIRST}{HOURS}:{MINUTES}",
        rf"{HOURS}:{MINUTES}:\.{FRACTION}",
        rf"{DAYS_FIRST}{HOURS}:{MINUTES}:{SECONDS}(?:\.{FRACTION})?",
        rf"{DAYS_FIRST}{HOURS}:{MINUTES}:\.{FRACTION}",
    )
]
MOST = {"days": 10_675_199, "h": 23, "m": 59, "s": 59}
LONGEST = timedelta(10_675_199, hours=2, minutes=48, seconds=5, microseconds=477580)
NUMBER = re.compile(r"\d{1,20}", re.ASCII)
STEP = re.compile(r"[+-]?\d{1,9}", re.ASCII)
SETTING = re.compile("%([^%]+)%")


class BadSchedule(Exception):
    """The expression is no schedule; the text says why."""


@dataclass(frozen=True, slots=True)
class Cron:
    """Occurrences at set times; `fields` lists the values of each of the six fields."""

    text: str
    fields: str

    def after(self, now: datetime) -> datetime:
        """Return the first occurrence after `now`, or NEVER."""
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
        """Return one interval after `now`, or NEVER."""
        return now + self.interval if NEVER - now > self.interval else NEVER


type Schedule = Cron | Constant


def parse(text: str) -> Schedule:
    """Return the schedule that the expression means. Raises BadSchedule."""
    # Only spaces part the fields: a tab or a line end is a character of its field.
    parts = [part for part in text.split(" ") if part]
    if len(parts) in {5, 6}:
        return Cron(text, _fields(text, ["0", *parts] if len(parts) == 5 else parts))
    interval = time_span(text)
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
    """Return the expression with every `%SETTING%` replaced by that setting's value."""

    def value(reference: re.Match[str]) -> str:
        if not (setting := settings.get(reference[1])):
            raise BadSchedule(
                f"{reference[0]} does not resolve to a value: set {reference[1]} in "
                "local.settings.json or in the environment"
            )
        return setting

    return SETTING.sub(value, text)


def occurrences(schedule: Schedule, now: datetime, count: int) -> list[datetime]:
    """Return the next `count` occurrences after `now`."""
    times: list[datetime] = []
    for _ in range(count):
        now = NEVER if now == NEVER else schedule.after(now)
        times.append(now)
    return times


def fires_within_a_minute(schedule: Schedule, now: datetime) -> bool:
    """Return whether two of the next occurrences are less than a minute apart."""
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
    """Yield the values of one item: `*`, `a`, `a-b`, each with `/step`."""
    span, slash, step_text = item.partition("/")
    if slash and not STEP.fullmatch(step_text):
        raise ValueError(f"the step {step_text!r} is not a number")
    # NCrontab reads a step below 1 as 1.
    step = max(1, int(step_text)) if slash else 1
    first, dash, last = span.partition("-")
    if span == "*":
        start, end = low, high
    else:
        start = _value(first, low, high, names)
        end = _value(last, low, high, names) if dash else high if slash else start
    # NCrontab reads a range written backwards as the same range forwards.
    yield from range(min(start, end), max(start, end) + 1, step)


def _value(text: str, low: int, high: int, names: list[str]) -> int:
    if NUMBER.fullmatch(text):
        if not low <= (number := int(text)) <= high:
            raise ValueError(f"{text} is not within {low} to {high}")
        return number
    for index, name in enumerate(names):
        if text and name.lower().startswith(text.lower()):
            return low + index
    raise ValueError(f"{text!r} is neither a number nor a name")


def time_span(text: str) -> timedelta | None:
    """Return the span as .NET reads it, where 24:00:00 is 24 days; or None."""
    positive = text.strip().removeprefix("-")
    for form in SPANS:
        match = form.fullmatch(positive)
        if match is not None and (span := _span(match)) is not None:
            return span if positive == text.strip() else -span
    return None


def _span(match: re.Match[str]) -> timedelta | None:
    """Return the span of a form that fits, or None when a number is too large."""
    given = {name: text for name, text in match.groupdict().items() if text}
    fraction = timedelta(microseconds=int(given.pop("f", "").ljust(7, "0")[:7]) // 10)
    numbers = {name: int(text) for name, text in given.items()}
    if any(number > MOST[name] for name, number in numbers.items()):
        return None
    days, hours, minutes, seconds = (numbers.get(name, 0) for name in MOST)
    span = timedelta(days, seconds, hours=hours, minutes=minutes) + fraction
    return span if span <= LONGEST else None
