"""Receiving events by hand over HTTP, and saying what becomes of them."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from console import redaction
from console.validation import ApiRequest
from eventgrid_pull import Delivery, MalformedEvent
from eventgrid_pull.blob.append_log import Stamp, stamp
from eventgrid_pull.events.cloudevents import Problem
from eventgrid_pull.outcomes import ReleaseDelay, Verb
from moderation import events
from moderation.audit.history_search import in_utc
from moderation.manual import peek as manual_peek
from moderation.manual import settle as manual_settle
from moderation.manual.peek import PeekSession
from moderation.manual.settle import Result, SettleRequest
from moderation.publishing.request_body import BadRequest

type LockToken = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
type LockTokens = Annotated[
    list[LockToken], msgspec.Meta(min_length=1, max_length=manual_peek.MOST)
]


class PeekBody(msgspec.Struct, frozen=True, rename="camel"):
    """Where to receive, and how much; `reveal` asks for the events' data, too."""

    subscription: str
    max_events: Annotated[int, msgspec.Meta(ge=1, le=manual_peek.MOST)] = (
        manual_peek.MOST
    )
    reveal: bool = False


class Held(msgspec.Struct, frozen=True, rename="camel"):
    """One event on loan. `lastDelivery`: not settled now, it is dead-lettered.

    `malformed` says what is wrong with it, if anything is; `time` is the publisher's.
    """

    lock_token: str
    delivery_count: int
    id: str
    source: str
    type: str
    content_id: str | None
    time: Stamp | None
    malformed: str | None
    last_delivery: bool
    redacted: bool
    event: msgspec.Raw


class PeekAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What was received; it is locked until then, and comes again unless settled."""

    subscription: str
    lock_seconds: int
    locked_until: Stamp | None
    max_delivery_count: int
    deliveries: Sequence[Held]
    notice: str


class SettleBody(msgspec.Struct, frozen=True, rename="camel"):
    """What is to become of which lock tokens.

    `delaySeconds` is for a release. `giveUp` allows releasing the last
    permitted delivery, which rejects it with the reason.
    """

    subscription: str
    disposition: Literal["acknowledge", "release", "reject", "renew"]
    lock_tokens: LockTokens
    delay_seconds: Literal[0, 10, 60, 600, 3600] = 0
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    give_up: bool = False


class SettleAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What became of each; `lockedUntil` is for what was renewed."""

    results: Sequence[Result]
    locked_until: Stamp | None = None


async def peek(request: ApiRequest[None, PeekBody]) -> PeekAnswer:
    """Receive up to ten events by hand; this uses a delivery attempt of each."""
    settings, body = request.runtime.settings, request.body
    session = _session(request, body.subscription)
    reveals = redaction.is_revealed(settings, reveal=body.reveal)
    found = await manual_peek.peek(session, body.max_events, reveals=reveals)
    shows = redaction.shows(settings, reveal=body.reveal)
    return PeekAnswer(
        subscription=body.subscription,
        lock_seconds=session.declared.receive_lock_duration_in_seconds,
        locked_until=stamp(found.locked_until) if found.deliveries else None,
        max_delivery_count=session.declared.max_delivery_count,
        deliveries=[
            _to_response(session, delivery, shows=shows)
            for delivery in found.deliveries
        ],
        notice=_notice(session, len(found.deliveries)),
    )


async def settle(request: ApiRequest[None, SettleBody]) -> SettleAnswer:
    """Acknowledge, release, reject or renew what was received by hand."""
    body = request.body
    session = _session(request, body.subscription)
    tokens = list(dict.fromkeys(body.lock_tokens))
    if body.disposition == "renew":
        results, until = await manual_settle.renew(session, tokens)
        return SettleAnswer(results, stamp(until) if until else None)
    if body.disposition == Verb.REJECT.value and not body.reason.strip():
        problem = Problem("$.reason", "is required: it is what the dead letter is for")
        raise BadRequest(400, "a rejection needs a reason", [problem])
    wanted = SettleRequest(
        disposition=Verb(body.disposition),
        tokens=tokens,
        delay=ReleaseDelay(body.delay_seconds),
        reason=body.reason,
        gives_up=body.give_up,
    )
    return SettleAnswer(await manual_settle.settle(session, wanted))


def _session(request: ApiRequest[Any, Any], name: str) -> PeekSession:
    """Return the caller's session with that event subscription. Raises BadRequest."""
    runtime = request.runtime
    if name not in runtime.topology.names:
        named = f"is not one of: {', '.join(runtime.topology.names)}"
        detail = "there is no such event subscription"
        raise BadRequest(400, detail, [Problem("$.subscription", named)])
    return PeekSession(
        declared=runtime.topology.subscription(name),
        receiver=runtime.subscription(name),
        audit=runtime.audit,
        actions=runtime.actions,
        clock=runtime.clock,
        places=runtime.peeks,
        turn=runtime.by_hand,
        by=request.caller.name,
    )


def _to_response(session: PeekSession, delivery: Delivery, *, shows: bool) -> Held:
    event = delivery.event
    return Held(
        lock_token=delivery.lock_token,
        delivery_count=delivery.delivery_count,
        id=event.id,
        source=event.source,
        type=event.type,
        content_id=events.content_id(event),
        time=stamp(time) if (time := in_utc(event.time)) else None,
        malformed=event.reason if isinstance(event, MalformedEvent) else None,
        last_delivery=delivery.delivery_count >= session.declared.max_delivery_count,
        redacted=not shows,
        event=redaction.render(delivery.json, shows=shows),
    )


def _notice(session: PeekSession, count: int) -> str:
    name, limit = session.declared.name, session.declared.max_delivery_count
    if count == 0:
        return (
            f"Nothing came within {manual_peek.WAIT_SECONDS} s. The timers drain {name}, "
            "too: while one of them waits, it may get an event first."
        )
    return (
        f"Each of these used one of its {limit} permitted deliveries. What is not "
        f"settled while it is locked comes again, here or to the timers that drain "
        f"{name}; after its last delivery it is dead-lettered."
    )
