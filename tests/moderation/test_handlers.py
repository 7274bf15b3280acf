"""The handlers as shipped."""

import json
from typing import Any

import pytest

from eventgrid_pull.outcomes import Acknowledge, Reject
from moderation import events, handlers, topology
from moderation.events import ModerationEvent, Verdict
from tests.make import APPROVED, ESCALATED, FLAGGED, a_result, an_event

SAFE_RESULT = a_result(category="safe", severity="none", reviewRequired=False)
UNSURE = a_result(escalationReason="unsure")


def event(data: dict[str, Any] | None = None, type_: str = FLAGGED) -> ModerationEvent:
    return events.read(json.dumps(an_event(data, type=type_)).encode())


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
    """
    Only what is surely harmful is taken away without a person.
    """
    assert await handlers.flagged(event(data)) == Acknowledge(verdict)


async def test_approved_content_is_let_through() -> None:
    """
    A well-formed approval is done with.
    """
    assert await handlers.approved(event(SAFE_RESULT, APPROVED)) == Acknowledge(
        Verdict.APPROVED
    )


@pytest.mark.parametrize("category", ["safe", "Safe", "SAFE"])
async def test_flagged_as_safe_is_a_contradiction(category: str) -> None:
    """
    Nobody can act on an event that says both.
    """
    disposition = await handlers.flagged(event(a_result(category=category)))

    assert isinstance(disposition, Reject)
    assert "contradiction" in disposition.reason


async def test_approved_but_to_be_reviewed_is_a_contradiction() -> None:
    """
    Letting it through would skip the review.
    """
    disposition = await handlers.approved(
        event(SAFE_RESULT | {"reviewRequired": True}, APPROVED)
    )

    assert isinstance(disposition, Reject)
    assert "contradiction" in disposition.reason


async def test_a_probe_is_rejected_by_whoever_gets_it() -> None:
    """
    Inspect and reject works even when a timer is faster.
    """
    disposition = await handlers.flagged(event(a_result(contentId="test-inspect")))

    assert isinstance(disposition, Reject)
    assert "probe" in disposition.reason


@pytest.mark.parametrize("handler", [handlers.flagged, handlers.approved])
@pytest.mark.parametrize(
    "wrong",
    [
        event({}),
        event({}, APPROVED),
        event(UNSURE, ESCALATED),
        event(type_="com.contoso.ai.SomethingNew"),
        events.read(b"3"),
    ],
)
async def test_what_does_not_belong_is_rejected_with_a_reason(
    handler: handlers.Handler, wrong: ModerationEvent
) -> None:
    """
    A malformed or misrouted event is dead-lettered, and the record says why.
    """
    disposition = await handler(wrong)

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
        events.read(b"3"),
    ],
)
async def test_the_audit_log_refuses_nothing(anything: ModerationEvent) -> None:
    """
    Known type or not, well-formed or not: it is recorded and done.
    """
    disposition = await handlers.all_events(anything)

    assert isinstance(disposition, Acknowledge)
    assert disposition.note is Verdict.RECORDED


def test_every_event_subscription_has_a_handler() -> None:
    """
    A subscription without one would never be drained.
    """
    assert set(handlers.HANDLERS) == set(topology.read(topology.FILE).names)
