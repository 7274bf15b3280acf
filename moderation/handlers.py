"""One function per event subscription: an event in, a disposition out. Edit these."""

from eventgrid_pull import Acknowledge, Disposition, Event, MalformedEvent, Reject
from moderation.events import (
    ANY_TYPE,
    SAFE,
    TYPES,
    ContentApproved,
    ContentFlagged,
    Moderation,
    Severity,
    Verdict,
)
from moderation.pulling import declared, pull

CERTAIN = 0.95


@pull.subscription("sub-flagged", types=TYPES, **declared("sub-flagged"))
async def flagged(event: Event[Moderation]) -> Disposition:
    """Quarantine what is surely harmful; a person looks at the rest."""
    match event.data:
        case ContentFlagged(category=category) if category.lower() == SAFE:
            return Reject("a contradiction: flagged, but the category is safe")
        case ContentFlagged(severity=Severity.HIGH):
            return Acknowledge(Verdict.QUARANTINED)
        case ContentFlagged(confidence=confidence) if confidence >= CERTAIN:
            return Acknowledge(Verdict.QUARANTINED)
        case ContentFlagged():
            return Acknowledge(Verdict.SENT_TO_REVIEW)
        case _:
            return Reject(f"{event.type} does not belong on this event subscription")


@pull.subscription("sub-approved", types=TYPES, **declared("sub-approved"))
async def approved(event: Event[Moderation]) -> Disposition:
    """Let the content through, unless the event contradicts itself."""
    match event.data:
        case ContentApproved(review_required=True):
            return Reject("a contradiction: approved, but it requires review")
        case ContentApproved():
            return Acknowledge(Verdict.APPROVED)
        case _:
            return Reject(f"{event.type} does not belong on this event subscription")


@pull.subscription(
    "sub-all-events",
    types=ANY_TYPE,
    on_malformed="handle",
    **declared("sub-all-events"),
)
async def all_events(
    event: Event[Moderation | bytes] | MalformedEvent,
) -> Disposition:
    """Record whatever comes: the audit log refuses nothing."""
    match event:
        case MalformedEvent(reason=reason):
            return Acknowledge(Verdict.RECORDED, reason)
        case Event(data=bytes()):
            return Acknowledge(Verdict.RECORDED, "of a type this app does not know")
        case _:
            return Acknowledge(Verdict.RECORDED)
