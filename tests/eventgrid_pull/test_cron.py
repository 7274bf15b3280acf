"""How far apart a schedule's occurrences are, and when it should have fired last."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventgrid_pull.settings.cron import last_due, longest_gap, next_due, problem
from functions_host.timers import cron
from tests import make, schedule_cases
from tests.schedule_cases import CASES, NOW

READABLE = [case for case in CASES if "refused" not in case]
REFUSED = [case for case in CASES if "refused" in case]


def text_of(case: dict[str, Any]) -> str:
    return repr(case["schedule"])


@pytest.mark.parametrize("case", READABLE, ids=text_of)
def test_a_schedule_fires_as_in_the_host(case: dict[str, Any]) -> None:
    """The next five occurrences are those of Microsoft's host, and no gap is longer."""
    schedule, moment, found = case["schedule"], NOW, []
    for expected in case["next"]:
        due = next_due(schedule, moment)
        if due is None:
            assert expected.startswith("9999")
            break
        moment = due
        found.append(due)
        half_up = timedelta(milliseconds=500 if due.microsecond else 0)
        assert f"{due + half_up:%Y-%m-%dT%H:%M:%SZ}" == expected

    assert problem(schedule) is None
    assert longest_gap(schedule) == case["gap"]
    assert all(
        case["gap"] >= (after - before).total_seconds()
        for before, after in pairwise(found)
        if after.year < 2060  # so far the longest gap is looked for
    )


@pytest.mark.parametrize("case", REFUSED, ids=text_of)
def test_what_is_no_schedule_is_named(case: dict[str, Any]) -> None:
    """The message says which part is wrong and what is allowed."""
    schedule = case["schedule"]

    assert case["refused"] in str(problem(schedule))
    assert longest_gap(schedule) is None
    assert last_due(schedule, NOW) is None
    assert next_due(schedule, NOW) is None


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("0 * * * * *", "2026-11-23T10:30:00"),
        ("*/7 * * * *", "2026-11-23T10:28:00"),
        ("30 * * * * *", "2026-11-23T10:29:30"),
        ("0 0 11 * * *", "2026-11-22T11:00:00"),
        ("0 */5 9-17 * * Mon-Fri", "2026-11-23T10:30:00"),
        ("0 */5 11-17 * * mon-fri", "2026-11-20T17:55:00"),
        ("0 0 0 1 jan,July *", "2026-07-01T00:00:00"),
        ("0 0 0 29 2 *", "2024-02-29T00:00:00"),
        ("0 0 0 29 2 tue", "2000-02-29T00:00:00"),
        ("00:05:00", "2026-11-23T10:25:00"),
        ("1.00:00:00", "2026-11-22T10:30:00"),
        ("10675199", "0001-01-01T00:00:00"),
    ],
)
def test_the_time_it_was_due_last_is_found(schedule: str, due: str) -> None:
    """A drain before that, and none since, is late, however long ago it is."""
    assert last_due(schedule, make.NOW) == datetime.fromisoformat(f"{due}+00:00")


@given(schedule_cases.EVERYTHING, st.timedeltas(timedelta(), timedelta(days=1200)))
def test_it_agrees_with_the_stand_in_host(schedule: str, later: timedelta) -> None:
    """What counts as late is what the timer would have done; neither reads more."""
    now = (make.NOW + later).replace(microsecond=0)
    try:
        host = cron.parse(schedule)
    except cron.BadSchedule:
        assert problem(schedule) is not None
        return

    due, following = last_due(schedule, now), next_due(schedule, now)

    if due is None:
        assert "never fires" in str(problem(schedule))
        assert host.after(now) == cron.NEVER
        return
    assert host.after(now) == (following or cron.NEVER)
    if isinstance(host, cron.Cron):
        second = timedelta(seconds=1)
        assert host.after(due - second) == due <= now < host.after(due)


@given(schedule_cases.EXPRESSIONS)
def test_no_two_occurrences_are_farther_apart_than_the_longest_gap(
    schedule: str,
) -> None:
    """A run that may take longer never ends before the next tick."""
    gap, moments = longest_gap(schedule), [NOW]
    while gap is not None and len(moments) < 20 and moments[-1].year < 2050:
        due = next_due(schedule, moments[-1])
        assert due is not None
        moments.append(due)

    for before, after in pairwise(moments[1:]):
        assert gap is not None
        is_watched = after.year < 2060
        assert (after - before).total_seconds() <= gap or not is_watched
