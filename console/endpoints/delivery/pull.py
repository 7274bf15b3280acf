"""Pulling now, and inspecting one event, over HTTP."""

import asyncio

import msgspec

from console import http
from console.http import Reply
from console.validation import ApiRequest, choose
from eventgrid_pull.draining.drain_result import Outcome
from eventgrid_pull.events import traceparent
from eventgrid_pull.outcomes import Release, Verb
from moderation import events
from moderation.event_key import key_in
from moderation.inspection import probe
from moderation.inspection.probe import Inspected, Inspection, NothingToInspect
from moderation.runtime import Runtime


class PullQuery(msgspec.Struct, frozen=True):
    """Which event subscription to drain; all of them when none is named."""

    subscription: str | None = None


class Handled(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of one delivery; `failed` says why it is not settled."""

    id: str
    source: str
    type: str
    content_id: str | None
    disposition: Verb
    verdict: str | None
    reason: str | None
    delivery_count: int
    settled: bool = True
    failed: str | None = None


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """What one drain did. `settled` and `failed` count deliveries by disposition.

    `joined`: the drain was at work already. `omitted` deliveries are counted and not
    listed.
    """

    subscription: str
    received: int
    settled: dict[str, int]
    failed: dict[str, int]
    stopped: str
    joined: bool
    seconds: float
    error: str | None
    deliveries: list[Handled]
    omitted: int


class Pulled(msgspec.Struct, frozen=True):
    """One drain for each event subscription that was asked for."""

    subscriptions: list[Drained]


async def pull_now(request: ApiRequest[PullQuery, None]) -> Pulled | Reply:
    """Drain one event subscription or all of them now, side by side."""
    runtime = request.runtime
    names = choose(runtime.topology.names, request.query.subscription)
    await request.note("pull", subscription=request.query.subscription)
    results = list(await asyncio.gather(*(_pull(runtime, name) for name in names)))
    # One without a handler says so, and does not make a failure of what the others did.
    handled = [result for result in results if result.subscription in runtime.handled]
    errors = [result.error for result in handled or results if result.error]
    if errors:
        detail = " ".join(dict.fromkeys(errors))
        todo = http.TRY_AGAIN if handled else "write its handler, then start the app"
        return http.problem(503, detail, next=todo, subscriptions=results)
    return Pulled(results)


async def _pull(runtime: Runtime, name: str) -> Drained:
    began = runtime.clock()
    drained, joined = await runtime.pull_now(name)
    received = drained.summary.received
    return Drained(
        subscription=name,
        received=received,
        settled={verb: drained.settled[verb] for verb in Verb},
        failed=dict(drained.failed),
        stopped=drained.stopped,
        joined=joined,
        seconds=round((runtime.clock() - began).total_seconds(), 1),
        error=drained.error,
        deliveries=[_to_response(outcome) for outcome in drained.outcomes],
        omitted=received - len(drained.outcomes),
    )


def _to_response(outcome: Outcome) -> Handled:
    disposition = outcome.record.disposition
    event = outcome.record.delivery.event
    note = None if isinstance(disposition, Release) else disposition.note
    return Handled(
        id=event.id,
        source=event.source,
        type=event.type,
        content_id=events.content_id(event),
        disposition=disposition.VERB,
        verdict=None if note is None else str(note),
        reason=disposition.reason,
        delivery_count=event.delivery_count,
        settled=outcome.failed is None,
        failed=outcome.failed,
    )


async def inspect(request: ApiRequest[None, None]) -> Inspected:
    """Publish a probe, see it received, show its envelope and reject it."""
    runtime = request.runtime
    where = probe.place(runtime.topology, runtime.handled)
    if where is None:
        raise NothingToInspect
    began = runtime.clock()
    [event] = traceparent.stamp([probe.probe(began)], request.http.headers)
    # On record before it is published: only so do all timers know it for a probe.
    await request.note("inspect", subscription=where, events=[key_in(event)])
    inspection = Inspection(
        subscription=where,
        consumer=runtime.consumer,
        publishing=runtime.publishing,
        audit=runtime.audit,
        began=began,
    )
    return await probe.inspect(inspection, event, request.caller)
