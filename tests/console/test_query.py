"""A query is taken whole, or refused with all that is wrong."""

from datetime import UTC, datetime

import pytest

from console import validation
from console.endpoints.records.audit import AuditQuery, to_query
from console.validation import BadQuery
from moderation.audit.log import Query
from tests.make import NOW, minutes

NAMES = ["sub-flagged", "sub-approved"]


def audit_query(params: dict[str, str], names: list[str], now: datetime) -> Query:
    return to_query(validation.read_query(params, AuditQuery), names, now)


def test_without_a_query_the_newest_hundred_of_a_day_are_asked_for() -> None:
    """The defaults are bounded."""
    query = audit_query({}, NAMES, NOW)

    assert query.subscriptions == NAMES
    assert (query.limit, query.since) == (100, NOW - minutes(24 * 60))


def test_every_value_is_understood() -> None:
    """A function key in the query is none of our business."""
    query = audit_query(
        {
            "subscription": "sub-flagged",
            "disposition": "reject",
            "type": "ContentFlagged",
            "id": "7",
            "category": "hate",
            "text": "never",
            "until": "2026-11-23T10:15:00Z",
            "since": "2026-11-23T11:00:00 01:00",
            "limit": "5",
            "code": "a key",
        },
        NAMES,
        NOW,
    )

    assert query.subscriptions == ["sub-flagged"]
    assert (query.disposition, query.type, query.id) == (
        "reject",
        "ContentFlagged",
        "7",
    )
    assert query.since == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert query.until == datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
    assert (query.category, query.text, query.limit) == ("hate", "never", 5)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("subscription", "sub-x", "sub-flagged, sub-approved"),
        ("subscription", "sub-flagged,sub-approved", "sub-flagged, sub-approved"),
        ("disposition", "done", "acknowledge, reject, release"),
        ("since", "yesterday", "2026-01-31T12:00:00Z"),
        ("since", "2026-11-23T10:00:00", "2026-01-31T12:00:00Z"),
        ("since", "2020-01-01T00:00:00Z", "31 days"),
        ("since", "2027-01-01T00:00:00Z", "in the future"),
        ("until", "2026-11-21T00:00:00Z", "before the beginning"),
        ("since", "0001-01-01T00:00:00+14:00", "2026-01-31T12:00:00Z"),
        ("since", "9999-12-31T23:59:59-14:00", "2026-01-31T12:00:00Z"),
        ("limit", "0", "1 to 1000"),
        ("limit", "1001", "1 to 1000"),
        ("limit", "-1", "1 to 1000"),
        ("limit", "ten", "1 to 1000"),
        ("limit", "²", "1 to 1000"),
        ("limit", "9" * 5000, "1 to 1000"),
        ("colour", "red", "subscription, disposition"),
    ],
)
def test_what_is_not_allowed_is_refused_with_what_is(
    name: str, value: str, said: str
) -> None:
    """The answer lists what may be asked."""
    with pytest.raises(BadQuery) as caught:
        audit_query({name: value}, NAMES, NOW)

    [problem] = caught.value.problems
    assert problem.path == name
    assert said in problem.problem


def test_all_problems_are_listed_at_once() -> None:
    """One answer is enough to mend the query."""
    with pytest.raises(BadQuery) as caught:
        audit_query({"limit": "x", "since": "y", "z": "1"}, NAMES, NOW)

    assert len(caught.value.problems) == 3
