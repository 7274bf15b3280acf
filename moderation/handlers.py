"""One function per event subscription: an event in, a disposition out. Edit these."""

from collections.abc import Awaitable, Callable

from eventgrid_pull.event import Event, MalformedEvent
from eventgrid_pull.outcomes import Acknowledge, Disposition, Reject
from moderation.events import (
    ContentApproved,
    ContentFlagged,
    ModerationEvent,
    Severity,
    Verdict,
)

type Handler = Callable[[ModerationEvent], Awaitable[Disposition]]

PROBE_CONTENT_ID = "test-inspect"
SAFE = "safe"
CERTAIN = 0.95

# Event subscription → its handler; `handles` keeps it.
HANDLERS: dict[str, Handler] = {}


def handles(subscription: str) -> Callable[[Handler], Handler]:
    """Make the function below the handler of that event subscription.

    Raises ValueError when it has one already.
    """

    def register(handler: Handler) -> Handler:
        other = HANDLERS.setdefault(subscription, handler)
        if other is not handler:
            both = " and ".join(map(_place, (other, handler)))
            raise ValueError(f"{subscription} has two handlers, {both}: remove one")
        return handler

    return register


def _place(handler: Handler) -> str:
    code = getattr(handler, "__code__", None)
    line = f" in line {code.co_firstlineno}" if code else ""
    return f"{getattr(handler, '__name__', handler)}{line}"


@handles("sub-flagged")
async def flagged(event: ModerationEvent) -> Disposition:
    """Quarantine what is surely harmful; a person looks at the rest."""
    match event:
        case MalformedEvent(reason=reason):
            return Reject(reason)
        case Event(data=ContentFlagged(content_id=content_id)) if (
            content_id == PROBE_CONTENT_ID
        ):
            return Reject("a probe of inspect and reject: seen, and not to be acted on")
        case Event(data=ContentFlagged(category=category)) if category.lower() == SAFE:
            return Reject("a contradiction: flagged, but the category is safe")
        case Event(data=ContentFlagged(severity=Severity.HIGH)):
            return Acknowledge(Verdict.QUARANTINED)
        case Event(data=ContentFlagged(confidence=confidence)) if confidence >= CERTAIN:
            return Acknowledge(Verdict.QUARANTINED)
        case Event(data=ContentFlagged()):
            return Acknowledge(Verdict.SENT_TO_REVIEW)
        case _:
            return Reject(f"{event.type} does not belong on this event subscription")


@handles("sub-approved")
async def approved(event: ModerationEvent) -> Disposition:
    """Let the content through, unless the event contradicts itself."""
    match event:
        case MalformedEvent(reason=reason):
            return Reject(reason)
        case Event(data=ContentApproved(review_required=True)):
            return Reject("a contradiction: approved, but it requires review")
        case Event(data=ContentApproved()):
            return Acknowledge(Verdict.APPROVED)
        case _:
            return Reject(f"{event.type} does not belong on this event subscription")


@handles("sub-all-events")
async def all_events(event: ModerationEvent) -> Disposition:
    """Record whatever comes: the audit log refuses nothing."""
    match event:
        case MalformedEvent(reason=reason):
            return Acknowledge(Verdict.RECORDED, reason)
        case Event(data=bytes()):
            return Acknowledge(Verdict.RECORDED, "of a type this app does not know")
        case _:
            return Acknowledge(Verdict.RECORDED)
