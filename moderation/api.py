"""What each HTTP trigger answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from time import monotonic

from moderation import activity, intake, query, reply
from moderation.activity import Spread, Summary
from moderation.appendlog import StoreUnavailable, stamp
from moderation.intake import BadRequest, Json
from moderation.publishing import Published
from moderation.query import BadQuery, Values
from moderation.reply import Reply, Request
from moderation.retry import EventGridError
from moderation.runtime import ProbeNotSeen, Runtime, current
from moderation.settings import SettingsInvalid
from moderation.tally import Outcome, Tally

_log = logging.getLogger(__name__)

SAMPLES = Path(__file__).parent / "samples" / "moderation_events.json"
# The front end of Azure hangs up after 230 s; nobody at a page waits that long.
SEARCH_SECONDS = 30
TRY_AGAIN = "try again in a minute; GET /api/health says what is not well"

type Call = Callable[[Runtime, Request], Awaitable[Reply]]


async def answer(call: Call, request: Request) -> Reply:
    """The call's answer; whatever goes wrong becomes a problem, nothing escapes."""
    if request.method == "POST" and _is_cross_site(request):
        detail = "the request comes from a page of another site"
        return reply.problem(403, detail, next="open the page of this app, or a script")

    async def called() -> Reply:
        runtime = current()
        with runtime.attending():
            return await call(runtime, request)

    return await guarded(called)


async def guarded(answer: Callable[[], Awaitable[Reply]]) -> Reply:
    """What it answers; whatever it raises becomes a problem."""
    try:
        return await answer()
    except Exception as error:  # the host's own 500 says nothing at all
        return _problem(error)


def _is_cross_site(request: Request) -> bool:
    """Whether a page of another site sends it, without a key that it cannot have."""
    origin = request.headers.get("sec-fetch-site", "none")
    has_key = "x-functions-key" in request.headers
    return origin not in ("same-origin", "none") and not has_key


def _problem(error: Exception) -> Reply:
    match error:
        case SettingsInvalid(problems=problems):
            detail = "the app's settings are missing or malformed"
            todo = "set them in local.settings.json, or in the app's settings in Azure"
            return reply.problem(503, detail, next=todo, problems=problems)
        case BadRequest(status=status, problems=problems):
            todo = "mend the request and send it again; nothing was published"
            return reply.problem(status, str(error), next=todo, problems=problems)
        case BadQuery(problems=problems):
            todo = "mend the query and send it again"
            detail = "the query is not one that is taken"
            return reply.problem(400, detail, next=todo, problems=problems)
        case EventGridError() | StoreUnavailable():
            return reply.problem(503, str(error), next=TRY_AGAIN)
        case ProbeNotSeen():
            detail = f"the probe {error} was published, but not received in time"
            todo = "whichever drain receives it rejects it; look in /api/audit"
            return reply.problem(504, detail, next=todo)
        case _:
            _log.error("a trigger failed", exc_info=error)
            detail = f"a fault of this app: {type(error).__name__}"
            return reply.problem(500, detail, next="look into the app's log")


async def publish(runtime: Runtime, request: Request) -> Reply:
    """POST /api/events: publish what the body holds."""
    if not request.body:
        return _no_body(request)
    events = intake.events_in(request.body, request.headers, runtime.clock())
    return _published(await runtime.publish(events, request.headers))


async def publish_samples(runtime: Runtime, request: Request) -> Reply:
    """POST /api/events/samples: publish the five samples."""
    headers = {"content-type": intake.PLAIN}
    events = intake.events_in(SAMPLES.read_bytes(), headers, runtime.clock())
    return _published(await runtime.publish(events, request.headers))


def _no_body(request: Request) -> Reply:
    if "transfer-encoding" in request.headers:
        detail = "the Functions host drops a body that is sent in chunks"
        todo = "send it with a Content-Length (curl does so with --data-binary @file)"
        return reply.problem(411, detail, next=todo)
    detail = "the body is empty; an event or a list of events is expected"
    todo = "POST /api/events/samples publishes the five sample events"
    return reply.problem(400, detail, next=todo)


def _published(result: Published) -> Reply:
    accepted = [_receipt(event) for event in result.accepted]
    if result.failure is None:
        content = {"published": len(accepted), "events": accepted}
        return reply.json(content, 202)
    status = 502 if result.failure.refused else 503
    return reply.problem(
        status,
        str(result.failure),
        next=(
            "publish what is not in again, with the same ids; some of it may be in "
            "when Event Grid did not answer"
        ),
        published=[event["id"] for event in result.accepted],
        notPublished=[event["id"] for event in result.missing],
    )


def _receipt(event: Json) -> Json:
    data = event["data"]
    content = data if isinstance(data, dict) else {}
    return {
        "id": event["id"],
        "contentId": content.get("contentId"),
        "type": event["type"],
        "category": content.get("category"),
        "confidence": content.get("confidence"),
        "status": "published",
    }


async def pull(runtime: Runtime, request: Request) -> Reply:
    """POST /api/pull: drain one event subscription or all of them, side by side."""
    values = Values(request.params, ("subscription",))
    chosen = values.one_of("subscription", runtime.topology.names)
    values.check()
    names = [chosen] if chosen else runtime.topology.names
    results = await asyncio.gather(*(_pulled(runtime, name) for name in names))
    content = [result for result, _ in results]
    errors = [tally.error for _, tally in results if tally.error]
    if errors:
        detail = " ".join(dict.fromkeys(errors))
        return reply.problem(503, detail, next=TRY_AGAIN, subscriptions=content)
    return reply.json({"subscriptions": content})


async def _pulled(runtime: Runtime, name: str) -> tuple[Json, Tally]:
    began = runtime.clock()
    tally, joined = await runtime.pull_now(name)
    received = tally.summary.received
    return {
        "subscription": name,
        "received": received,
        "settled": {one: tally.settled[one] for one in query.DISPOSITIONS},
        "failed": dict(tally.failed),
        "stopped": tally.stopped,
        "joined": joined,
        "seconds": round((runtime.clock() - began).total_seconds(), 1),
        "error": tally.error,
        "deliveries": [_delivery(outcome) for outcome in tally.outcomes],
        "omitted": received - len(tally.outcomes),
    }, tally


def _delivery(outcome: Outcome) -> Json:
    entry = outcome.entry
    return {
        "id": entry.id,
        "type": entry.type,
        "contentId": entry.content_id,
        "disposition": entry.disposition,
        "verdict": entry.verdict,
        "reason": entry.reason,
        "deliveryCount": entry.delivery_count,
        "settled": outcome.failed is None,
        "failed": outcome.failed,
    }


async def inspect(runtime: Runtime, _: Request) -> Reply:
    """POST /api/inspect: publish a probe, see it received and rejected."""
    return reply.json(await runtime.inspect())


async def audit(runtime: Runtime, request: Request) -> Reply:
    """GET /api/audit: the newest entries, or the life of one event."""
    names = runtime.topology.names
    asked = query.audit_query(request.params, names, runtime.clock())
    ends = monotonic() + SEARCH_SECONDS
    found = await runtime.audit.find(asked, time_left=lambda: ends - monotonic())
    return reply.json(
        {
            "entries": found.entries,
            "complete": found.complete,
            "since": stamp(asked.since),
        }
    )


async def recent_activity(runtime: Runtime, request: Request) -> Reply:
    """GET /api/activity: counts and delays per minute, newest drains included."""
    values = Values(request.params, ("minutes",))
    minutes = values.number("minutes", 30, range(1, 24 * 60 + 1))
    values.check()
    until = runtime.clock()
    since = until.replace(second=0, microsecond=0) - timedelta(minutes=minutes - 1)
    names = runtime.topology.names
    summaries = await runtime.activity.read(names, since=since, until=until)
    last = activity.last_drains(summaries, names)
    by_minute = [
        {
            "minute": minute,
            "subscriptions": {name: _minute(one) for name, one in counted.items()},
        }
        for minute, counted in activity.by_minute(summaries).items()
    ]
    return reply.json({"minutes": by_minute, "lastDrain": last})


def _minute(summary: Summary) -> Json:
    counts = {one: summary.dispositions.get(one, 0) for one in query.DISPOSITIONS}
    return {
        "received": summary.received,
        **counts,
        "failed": sum(summary.failed.values()),
        "drains": summary.drains,
        "fullBatches": summary.full_batches,
        "types": summary.types,
        "categories": summary.categories,
        "severities": summary.severities,
        "queueDelayMs": _spread(summary.queue_delay),
        "handlingMs": _spread(summary.handling),
    }


def _spread(spread: Spread) -> Json:
    mean = spread.sum / spread.count if spread.count else None
    return {
        "mean": None if mean is None else round(mean, 1),
        "max": round(spread.max, 1) if spread.count else None,
    }
