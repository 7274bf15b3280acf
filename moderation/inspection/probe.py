"""Inspect and reject: a probe, published, received and rejected, with its envelope."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from time import monotonic

import msgspec

from eventgrid_pull import Consumer, DrainResult, EventGridError
from eventgrid_pull.blob.append_log import CLOCK_SKEW, stamp
from eventgrid_pull.outcomes import Verb
from moderation import function_names
from moderation.audit.entry import AuditEntry, entry
from moderation.audit.log import AuditLog, Query
from moderation.event_key import EventKey, key_in, key_of
from moderation.events import PROBE_MARK
from moderation.filters import explanation
from moderation.publishing.publish_request import Json, wrap
from moderation.publishing.publisher import By, Publishing
from moderation.topology import Topology

# The event subscription with this timer function is where probes are looked for.
FUNCTION = "pull_flagged"
PROBE_TYPE = "com.contoso.ai.ContentFlagged"
PROBE_CONTENT_ID = "test-inspect"
INSPECT_SECONDS = 30
LOOK_AGAIN_SECONDS = 1.0
LOOK_AHEAD = timedelta(minutes=5)


class ProbeNotSeen(Exception):
    """The probe was published, but nobody received it in time."""


class NothingToInspect(Exception):
    """There is no event subscription on which a probe would be seen and rejected."""

    status = 409
    next = "declare it, or look at events with POST /api/peek"

    def __init__(self) -> None:
        super().__init__(
            "inspect needs the event subscription sub-flagged with its handler, taking "
            f"{PROBE_TYPE}: topology.json does not declare it"
        )


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """Where a probe is published, received and found again; `began` is before that."""

    subscription: str
    consumer: Consumer
    publishing: Publishing
    audit: AuditLog
    began: datetime


def place(declared: Topology, handled: Collection[str]) -> str | None:
    """Return the event subscription on which a probe is seen and rejected, if any."""
    event = probe(datetime.fromtimestamp(0, UTC))
    for shape in declared.event_subscriptions:
        if function_names.function(shape.name) == FUNCTION and shape.name in handled:
            is_taken = explanation.takes(shape.filters_configuration, event)
            return shape.name if is_taken else None
    return None


async def inspect(inspection: Inspection, event: Json, by: By) -> "Inspected":
    """Publish a probe that is on record, and see it rejected, here or by another drain.

    Raises EventGridError, StoreUnavailable, or ProbeNotSeen after 30 seconds.
    """
    ends, name = monotonic() + INSPECT_SECONDS, inspection.subscription
    key = key_in(event)
    published = await inspection.publishing.publish([event], inspection.began, by)
    if published.failure is not None:
        raise published.failure
    while True:
        drained = await _drain(inspection, ends - monotonic())
        for outcome in drained.outcomes if drained else ():
            record = outcome.record
            if key_of(record.delivery.event) == key:
                at = stamp(record.at)
                made = entry(name, record.delivery, record.disposition, at)
                return report(made, here=True, failed=outcome.failed)
        found = await _entry_of(inspection, key)
        if found is not None:
            return report(found, here=False, failed=None)
        if drained is not None and drained.error:
            raise EventGridError(drained.error)
        if monotonic() >= ends:
            raise ProbeNotSeen(key.id)
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _drain(inspection: Inspection, seconds: float) -> DrainResult | None:
    """Return what a drain did until now; None when it takes longer, and goes on."""
    drain = inspection.consumer.drain(inspection.subscription, until_empty=True)
    try:
        return await asyncio.wait_for(drain, max(seconds, 0))
    except TimeoutError:
        return None


async def _entry_of(inspection: Inspection, probe: EventKey) -> AuditEntry | None:
    """Return the entry that another drain wrote about the probe, if there is one."""
    since = inspection.began - CLOCK_SKEW
    query = Query(
        since=since,
        until=since + LOOK_AHEAD,
        subscriptions=[inspection.subscription],
        id=probe.id,
        source=probe.source,
        limit=1,
    )
    found = await inspection.audit.find(query)
    return found.entries[0] if found.entries else None


def probe(now: datetime) -> Json:
    """Return a flagged event that is marked, and rejected by whoever receives it."""
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
    return wrap(PROBE_TYPE, result, now) | {PROBE_MARK: "inspect"}


class Inspected(msgspec.Struct, rename="camel", kw_only=True):
    """What `POST /api/inspect` answers: the envelope, and what Event Grid said of it."""

    rejected: bool
    by: str
    subscription: str
    reason: str | None
    event: msgspec.Raw
    broker_properties: dict[str, object]


def report(entry: AuditEntry, *, here: bool, failed: str | None) -> Inspected:
    """Return the probe's envelope and broker properties, from the entry about it."""
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
