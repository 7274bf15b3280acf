"""Publishing over HTTP."""

from pathlib import Path

from moderation import intake
from moderation.console import reply
from moderation.console.asked import Asked
from moderation.console.reply import Reply, Request
from moderation.intake import Json
from moderation.publishing import Published

SAMPLES = Path(__file__).parents[1] / "samples" / "moderation_events.json"


async def publish(asked: Asked[None, bytes]) -> Reply:
    """Publish the moderation results or CloudEvents in the body."""
    request, runtime = asked.request, asked.runtime
    if not asked.body:
        return _no_body(request)
    events = intake.events_in(asked.body, request.headers, runtime.clock())
    return _published(await runtime.publish(events, request.headers))


async def publish_samples(asked: Asked[None, None]) -> Reply:
    """Publish the five sample events."""
    runtime, headers = asked.runtime, {"content-type": intake.PLAIN}
    events = intake.events_in(SAMPLES.read_bytes(), headers, runtime.clock())
    return _published(await runtime.publish(events, asked.request.headers))


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
