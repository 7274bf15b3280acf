"""Schedules are read as Microsoft's host reads them."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions_host.timers import cron
from functions_host.timers.cron import NEVER, BadSchedule
from tests.schedule_cases import CASES, NOW

ROOT = Path(__file__).parents[2]


def described(schedule: str) -> list[str]:
    """Return the next five occurrences to the second, as in the table."""
    found = cron.occurrences(cron.parse(schedule), NOW, 5)
    rounded = [t if t == NEVER else t + timedelta(milliseconds=500) for t in found]
    return [f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in rounded]


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["schedule"]))
def test_a_schedule_is_read_as_by_the_host(case: dict[str, Any]) -> None:
    """The next five occurrences are those of Microsoft's host, or it is an error."""
    refused = case.get("refused")
    try:
        found: list[str] | None = described(case["schedule"])
    except BadSchedule:
        found = None

    never = [f"{NEVER:%Y-%m-%dT%H:%M:%SZ}"] * 5
    assert found == (never if refused == "never fires" else case.get("next"))


def test_the_table_has_what_was_recorded() -> None:
    """Of what Microsoft's host did, only spans that fire without pause are refused."""
    recorded = json.loads(
        (ROOT / "tests" / "functions_host" / "host-answers.json").read_text("utf-8")
    )["schedules"]["cases"]
    table = {case["schedule"]: case for case in CASES}
    documented = (ROOT / "docs" / "host.md").read_text("utf-8")

    for case in recorded:
        ours = table[case["schedule"]]
        if ours.get("refused") == "without pause":
            assert f"`{case['schedule']}`" in documented
        elif ours.get("refused") == "never fires":
            assert case["next"][0].startswith("9999")
        else:
            assert ours.get("next") == case.get("next")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("0 0 0 * *", "day of month"),
        ("0 */a * * * *", "minute"),
        ("0 1- * * * *", "minute"),
        ("0 , * * * *", "hour|minute"),
        ("0 0 0 1 Foo *", "month"),
    ],
)
def test_an_error_names_the_field(text: str, field: str) -> None:
    """Whoever wrote the schedule is told which of the fields to look at."""
    with pytest.raises(BadSchedule, match=field):
        cron.parse(text)


def test_a_setting_is_put_in_its_place() -> None:
    """%NAME% is the setting's value."""
    assert cron.resolve("%EVERY%", {"EVERY": "0 * * * * *"}) == "0 * * * * *"


@pytest.mark.parametrize("settings", [{}, {"EVERY": ""}])
def test_a_missing_setting_is_named(settings: dict[str, str]) -> None:
    """A schedule whose setting is missing or empty is an error that says which it is."""
    with pytest.raises(BadSchedule, match="set EVERY in "):
        cron.resolve("%EVERY%", settings)


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("0 * * * * *", False),
        ("*/30 * * * * *", True),
        ("0,30 0 4 * * *", True),
        ("00:00:59", True),
        ("00:01:00", False),
        ("0 0 0 31 2 *", False),
    ],
)
def test_occurrences_within_a_minute_are_noticed(text: str, within: bool) -> None:
    """Such schedules are not monitored."""
    schedule = cron.parse(text)

    assert cron.fires_within_a_minute(schedule, NOW) is within


def test_a_span_beyond_the_calendar_never_ends() -> None:
    """It is as good as never."""
    assert cron.parse("10675199").after(NOW) == NEVER


@given(
    second=st.integers(0, 59),
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=4),
    step=st.integers(1, 90),
    offset=st.integers(0, 7200),
)
def test_the_next_occurrence_is_the_first_that_fits(
    second: int, minutes: set[int], step: int, offset: int
) -> None:
    """No occurrence is skipped, and none comes early."""
    now = NOW + timedelta(seconds=offset)
    fields = f"{second}/{step} {','.join(map(str, minutes))} * * * *"

    found = cron.parse(fields).after(now)

    fitting = range(second, 60, step)
    moment = now + timedelta(seconds=1)
    while moment.second not in fitting or moment.minute not in minutes:
        moment += timedelta(seconds=1)
    assert found == moment
