"""How often a schedule fires at most, and when it should have fired last."""

import json
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host import schedules
from moderation.schedule import last_due, shortest_gap
from tests.make import NOW

ANSWERS = Path(__file__).parents[1] / "contract" / "host-answers.json"
RECORDED: list[dict[str, Any]] = [
    one
    for one in json.loads(ANSWERS.read_text(encoding="utf-8"))["schedules"]["cases"]
    if "next" in one and not one["next"][0].startswith("9999")
]


@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        ("0 * * * * *", 60),
        ("* * * * *", 60),
        ("*/10 * * * * *", 10),
        ("0 */5 * * * *", 300),
        ("0,50 * * * * *", 10),
        ("0 0 9 * * MON-FRI", 86_400),
        ("0 0 22-2 * * *", 3600),
        ("0 55,5 * * * *", 600),
        ("5/20 * * * * *", 20),
        ("00:00:30", 30),
        ("1.00:00:00", 86_400),
    ],
)
def test_the_shortest_gap_is_found(schedule: str, gap: int) -> None:
    """
    A budget has to be shorter than this.
    """
    assert shortest_gap(schedule) == gap


@pytest.mark.parametrize(
    "schedule", ["", "often", "0 60 * * * *", "0 */0 * * * *", "? * * * * *", "1 2 3"]
)
def test_what_cannot_be_read_has_no_gap(schedule: str) -> None:
    """
    The host says what is wrong with it.
    """
    assert shortest_gap(schedule) is None


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: repr(case["schedule"]))
def test_no_recorded_gap_is_shorter(case: dict[str, Any]) -> None:
    """
    What Microsoft's host did with a schedule never comes closer together.
    """
    gap = shortest_gap(case["schedule"])
    times = [datetime.fromisoformat(one) for one in case["next"]]
    recorded = min((b - a).total_seconds() for a, b in pairwise(times))

    assert gap is None or gap <= recorded


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
        ("00:05:00", "2026-11-23T10:25:00"),
        ("1.00:00:00", "2026-11-22T10:30:00"),
    ],
)
def test_the_time_it_was_due_last_is_found(schedule: str, due: str) -> None:
    """
    A drain before that, and none since, is late. The moment itself counts.
    """
    assert last_due(schedule, NOW) == datetime.fromisoformat(f"{due}+00:00")


@pytest.mark.parametrize(
    "schedule",
    ["", "often", "0 60 * * * *", "0 0 0 0 * *", "0 0 0 * * x", "0 0 0 29 2 *"],
)
def test_what_cannot_be_read_or_does_not_come_is_not_due(schedule: str) -> None:
    """
    No alert rather than a wrong one.
    """
    assert last_due(schedule, NOW) is None


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    """A field of a schedule."""
    numbers = st.integers(low, high)
    return st.one_of(
        st.just("*"),
        numbers.map(str),
        st.tuples(numbers, numbers).map(lambda two: f"{min(two)}-{max(two)}"),
        st.integers(1, high).map("*/{}".format),
        st.lists(numbers, min_size=1, max_size=4).map(
            lambda some: ",".join(map(str, some))
        ),
    )


@given(
    st.tuples(fields(0, 59), fields(0, 59), fields(0, 23)),
    st.sampled_from(["* * *", "* * MON-FRI", "1 * *", "*/3 * 0,6", "* JUN-SEP *"]),
    st.timedeltas(timedelta(), timedelta(days=1200)),
)
def test_it_agrees_with_the_stand_in_host(
    times: tuple[str, str, str], days: str, later: timedelta
) -> None:
    """
    What counts as late is what the timer would have done.
    """
    schedule, now = f"{' '.join(times)} {days}", NOW + later

    due = last_due(schedule, now)

    assert due is not None
    host, second = schedules.parse(schedule), timedelta(seconds=1)
    assert host.after(due - second) == due <= now < host.after(due)
