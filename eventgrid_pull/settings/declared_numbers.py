"""The numbers and the schedule of a declaration: read, and compared with one another."""

from collections.abc import Mapping
from typing import Any

import msgspec

from eventgrid_pull.draining.lock_renewal import RENEWABLE_SECONDS
from eventgrid_pull.handlers.signature import Shape
from eventgrid_pull.settings import cron, setting_values
from eventgrid_pull.settings.ticks import LONGEST_PACE, MANNERS, Manner

# What each number may be; it is the same where it comes from a setting.
NUMBERS = {
    "lanes": range(1, 17),
    "concurrency": range(1, 401),
    "budget": range(10, 3601),
    "timeout": range(1, 3601),
    "lock_duration": range(60, 301),
    "max_delivery_count": range(1, 11),
    "time_to_live": range(60, 604_801),
}


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of a declaration, and its manner; times are seconds."""

    manner: Manner = "visit"
    pace: float = 0.8
    lanes: int = 1
    concurrency: int = 100
    budget: int = 900
    timeout: int = 300
    lock_duration: int = 60
    max_delivery_count: int = 10
    time_to_live: int = 604_800


def read_numbers(
    given: Mapping[str, float | str],
    schedule: str,
    shape: Shape | None,
    environ: Mapping[str, str],
) -> tuple[Numbers, list[str], list[str]]:
    """Return the numbers, what is wrong with settings, and what with the code."""
    problems: list[str] = []
    mistakes: list[str] = []
    found: dict[str, Any] = {}
    for what, value in given.items():
        number, wrong = _value(what, value, environ)
        if number is not None:
            found[what] = number
        if wrong is not None:
            (problems if setting_values.setting_name(value) else mistakes).append(wrong)
    name, text = setting_values.setting_name(schedule), expression(schedule, environ)
    if wrong := cron.problem(text) if text.strip() else "is not set":
        (problems if name else mistakes).append(f"schedule ({name or text}) {wrong}")
    numbers = Numbers(**found)
    has_settings = any(map(setting_values.setting_name, given.values()))
    (problems if has_settings else mistakes).extend(_disagreements(numbers, shape))
    mistakes = [f"has an invalid argument: {mistake}" for mistake in mistakes]
    return numbers, problems, mistakes


def _value(
    what: str, value: float | str, environ: Mapping[str, str]
) -> tuple[float | str | None, str | None]:
    if what == "manner":
        return setting_values.choice(what, str(value), MANNERS, environ)
    if what == "pace":
        return setting_values.seconds(what, value, LONGEST_PACE, environ)
    return setting_values.whole_number(what, value, NUMBERS[what], environ)


def expression(schedule: str, environ: Mapping[str, str]) -> str:
    """Return what the schedule says, or the setting that it names."""
    name = setting_values.setting_name(schedule)
    return schedule if name is None else setting_values.setting(name, environ)


def _disagreements(numbers: Numbers, shape: Shape | None) -> list[str]:
    """Return which numbers do not agree, and which of them to change."""
    wrong = []
    timeout, lock = numbers.timeout, numbers.lock_duration
    longest = int(RENEWABLE_SECONDS) - lock
    if timeout > longest:
        wrong.append(
            f"timeout is {timeout} s and lock_duration {lock} s: a lock can be renewed for "
            f"an hour only, so timeout may be {longest} at most"
        )
    if numbers.max_delivery_count == 1 and shape is not None and shape.is_batch:
        wrong.append(
            "max_delivery_count is 1 and the handler takes a batch: one bad event would "
            "have all others rejected, so it must be 2 at least"
        )
    return wrong
