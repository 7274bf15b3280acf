"""Inspect and reject: a probe, published, received and rejected, with its envelope."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from time import monotonic

import msgspec

from eventgrid_pull import traceparent
from eventgrid_pull.blob.append_log import CLOCK_SKEW, stamp
from eventgrid_pull.http_retry import EventGridError
from eventgrid_pull.outcomes import Verb
from eventgrid_pull.watching import Watch
from moderation import function_names
from moderation.audit.entry import AuditEntry, entry
from moderation.audit.log import Query
from moderation.filters import explanation
from moderation.handlers import HANDLERS, PROBE_CONTENT_ID
from moderation.publish_request import Json, wrap
from moderation.publishing import By
from moderation.runtime import Runtime
from moderation.topology import Topology

# The handler of the event subscription with this timer function knows the probe.
FUNCTION = "pull_flagged"
PROBE_TYPE = "com.contoso.ai.ContentFlagged"
INSPECT_SECONDS = 30
LOOK_AGAIN_SECONDS = 1.0


class ProbeNotSeen(Exception):
    """The probe was published, but nobody received it in time."""


class NothingToInspect(Exception):
    """There is no event subscription on which a probe would be seen and rejected."""

    status = 409
    next = "declare it, or look at events with POST /api/peek"

    def __init__(self) -> None:
        super().__init__(
            "inspect needs the event subscription sub-flagged with its handler, taking "
            f"{PROBE_TYPE}: topology.json declares no such one"
        )


def place(declared: Topology) -> str | None:
    """Return the event subscription on which a probe is seen and rejected, if any."""
    event = probe(datetime.fromtimestamp(0, UTC))
    for one in declared.event_subscriptions:
        if function_names.function(one.name) == FUNCTION and one.name in HANDLERS:
            clauses = explanation.judged(one.filters_configuration, event)
            return one.name if all(clause.holds for clause in clauses) else None
    return None


async def inspect(
    runtime: Runtime, where: str, headers: Mapping[str, str], by: By
) -> "Inspected":
    """Publish a probe and see it rejected there (`place`), here or by another drain.

    It goes on with the trace of the request with these headers, in its caller's name.

    Raises EventGridError, StoreUnavailable, or ProbeNotSeen after 30 seconds.
    """
    began, ends = runtime.clock(), monotonic() + INSPECT_SECONDS
    event = probe(began)
    watch = Watch(str(event["id"]), where)
    with runtime.drains.watching(watch):
        traced = traceparent.stamped([event], headers)
        published = await runtime.publishing.publish(traced, began, by)
        if published.failure is not None:
            raise published.failure
        await _receive_probe(runtime, watch)
    if (outcome := watch.outcome) is not None:
        record, at = outcome.record, stamp(outcome.record.at)
        made = entry(where, record.delivery, record.disposition, at)
        return report(made, here=True, failed=outcome.failed)
    found = await found_elsewhere(
        lambda: _entry_of(runtime, watch, began - CLOCK_SKEW),
        lambda: ends - monotonic(),
    )
    if found is None:
        raise ProbeNotSeen(watch.event_id)
    return report(found, here=False, failed=None)


async def _receive_probe(runtime: Runtime, watch: Watch) -> None:
    """Pull until the probe is seen; when all is done and it is not, another has it."""
    seen = asyncio.create_task(watch.wait(INSPECT_SECONDS))
    pulling = asyncio.create_task(runtime.pull_now(watch.subscription))
    try:
        await asyncio.wait({pulling, seen}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        seen.cancel()
        pulling.cancel()  # the drain goes on
    if pulling.done() and (error := pulling.result()[0].error) and not watch.is_over():
        raise EventGridError(error)


async def _entry_of(
    runtime: Runtime, watch: Watch, since: datetime
) -> AuditEntry | None:
    query = Query(
        since=since,
        until=runtime.clock(),
        subscriptions=[watch.subscription],
        id=watch.event_id,
        limit=1,
    )
    found = await runtime.audit.find(query)
    return found.entries[0] if found.entries else None


def probe(now: datetime) -> Json:
    """A flagged event that the handler rejects, whoever receives it."""
    result: Json = {
        "contentId": PROBE_CONTENT_ID,
        "contentType": "text",
        "modelName": "text-moderator-v2",
        "modelVersion": "2.4.0",
        "confidence": 0.76,
        "category": "misinformation",
        "severity": "medium",
        "reviewRequired": True,
    }
    return wrap(PROBE_TYPE, result, now)


async def found_elsewhere(
    find: Callable[[], Awaitable[AuditEntry | None]], time_left: Callable[[], float]
) -> AuditEntry | None:
    """The entry that another process wrote about the event; None when time is up."""
    while True:
        entry = await find()
        if entry is not None or time_left() <= 0:
            return entry
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


class Inspected(msgspec.Struct, rename="camel", kw_only=True):
    """What `POST /api/inspect` answers: the envelope, and what Event Grid said of it."""

    rejected: bool
    by: str
    subscription: str
    reason: str | None
    event: msgspec.Raw
    broker_properties: dict[str, object]


def report(entry: AuditEntry, *, here: bool, failed: str | None) -> Inspected:
    """The probe's envelope and broker properties, from the entry that records it."""
    rejected = entry.disposition == Verb.REJECT and failed is None
    return Inspected(
        rejected=rejected,
        by="this call" if here else "another drain",
        subscription=entry.subscription,
        reason=entry.reason if failed is None else f"not settled: {failed}",
        event=entry.event,
        broker_properties={
            "deliveryCount": entry.delivery_count,
            "lockToken": entry.lock_token,
        },
    )
