"""How often a schedule fires at most."""

import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from moderation.schedule import shortest_gap

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
