"""The handlers as shipped."""

from typing import Any

import pytest

from eventgrid_pull import Acknowledge, Disposition, Reject, testing
from moderation import topology
from moderation.events import Verdict
from moderation.pulling import pull
from moderation.runtime import handled
from tests.make import APPROVED, ESCALATED, FLAGGED, a_result, an_event

SAFE_RESULT = a_result(category="safe", severity="none", reviewRequired=False)
UNSURE = a_result(escalationReason="unsure")


def event(data: dict[str, Any] | None = None, type_: str = FLAGGED) -> dict[str, Any]:
    return an_event(data, type=type_)


async def decide(name: str, given: dict[str, Any] | bytes) -> Disposition:
    """What becomes of an event on that event subscription."""
    [disposition] = await testing.handle(pull, name, given)
    return disposition


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (a_result(severity="high", confidence=0.5), Verdict.QUARANTINED),
        (a_result(severity="low", confidence=0.95), Verdict.QUARANTINED),
        (a_result(severity="medium", confidence=0.94), Verdict.SENT_TO_REVIEW),
    ],
)
async def test_flagged_content_is_quarantined_or_reviewed(
    data: dict[str, Any], verdict: Verdict
) -> None:
    """Only what is surely harmful is taken away without a person."""
    assert await decide("sub-flagged", event(data)) == Acknowledge(verdict)


async def test_approved_content_is_let_through() -> None:
    """A well-formed approval is done with."""
    assert await decide("sub-approved", event(SAFE_RESULT, APPROVED)) == Acknowledge(
        Verdict.APPROVED
    )


@pytest.mark.parametrize("category", ["safe", "Safe", "SAFE"])
async def test_flagged_as_safe_is_a_contradiction(category: str) -> None:
    """Nobody can act on an event that says both."""
    disposition = await decide("sub-flagged", event(a_result(category=category)))

    assert isinstance(disposition, Reject)
    assert "contradiction" in disposition.reason


async def test_approved_but_to_be_reviewed_is_a_contradiction() -> None:
    """Letting it through would skip the review."""
    disposition = await decide(
        "sub-approved", event(SAFE_RESULT | {"reviewRequired": True}, APPROVED)
    )

    assert isinstance(disposition, Reject)
    assert "contradiction" in disposition.reason


async def test_a_content_id_is_one_like_any_other() -> None:
    """What inspect publishes is told by its envelope, not by what is in it."""
    disposition = await decide("sub-flagged", event(a_result(contentId="test-inspect")))

    assert disposition == Acknowledge(Verdict.SENT_TO_REVIEW)


@pytest.mark.parametrize("name", ["sub-flagged", "sub-approved"])
@pytest.mark.parametrize(
    "wrong",
    [
        event({}),
        event({}, APPROVED),
        event(UNSURE, ESCALATED),
        event(type_="com.contoso.ai.SomethingNew"),
        b"3",
    ],
)
async def test_what_does_not_belong_is_rejected_with_a_reason(
    name: str, wrong: dict[str, Any] | bytes
) -> None:
    """A malformed or misrouted event is dead-lettered, and the record says why."""
    disposition = await decide(name, wrong)

    assert isinstance(disposition, Reject)
    assert disposition.reason


@pytest.mark.parametrize(
    "anything",
    [
        event(),
        event(SAFE_RESULT | {"reviewRequired": True}, APPROVED),
        event(UNSURE, ESCALATED),
        event(type_="com.contoso.ai.SomethingNew"),
        event({}),
        b"3",
    ],
)
async def test_the_audit_log_refuses_nothing(anything: dict[str, Any] | bytes) -> None:
    """Known type or not, well-formed or not: it is recorded and done."""
    disposition = await decide("sub-all-events", anything)

    assert isinstance(disposition, Acknowledge)
    assert disposition.note is Verdict.RECORDED


def test_every_event_subscription_has_a_handler() -> None:
    """A subscription without one would never be drained."""
    assert set(handled()) == set(topology.read(topology.FILE).names)
