"""Publishing over HTTP."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from console import http
from console.http import Reply
from console.validation import ApiRequest
from eventgrid_pull.events import traceparent
from eventgrid_pull.publishing.publish import Published
from moderation.publishing import publish_request
from moderation.publishing.publish_request import Json

SAMPLES = (
    Path(__file__).parents[3] / "moderation" / "samples" / "moderation_events.json"
)


class Receipt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One event that is in the topic now."""

    id: str
    source: str
    content_id: str | None
    type: str
    category: str | None
    confidence: float | None
    status: Literal["published"] = "published"


class Receipts(msgspec.Struct, frozen=True):
    """How many events were published, and which."""

    STATUS: ClassVar[int] = 202

    published: int
    events: Sequence[Receipt]


async def publish(request: ApiRequest[None, bytes]) -> Receipts | Reply:
    """Publish the moderation results or CloudEvents in the body."""
    return await _publish(request, request.body, request.http.headers)


async def publish_samples(request: ApiRequest[None, None]) -> Receipts | Reply:
    """Publish the five sample events."""
    headers = {"content-type": publish_request.PLAIN}
    return await _publish(request, SAMPLES.read_bytes(), headers)


async def _publish(
    request: ApiRequest[Any, Any], body: bytes, headers: Mapping[str, str]
) -> Receipts | Reply:
    runtime = request.runtime
    now = runtime.clock()
    events = publish_request.events_in(body, headers, now)
    outgoing = traceparent.stamp(events, request.http.headers)
    result = await runtime.publishing.publish(outgoing, now, request.caller)
    return _to_response(result)


def _to_response(result: Published) -> Receipts | Reply:
    if result.failure is None:
        accepted = [_receipt(event) for event in result.accepted]
        return Receipts(len(accepted), accepted)
    status = 502 if result.failure.refused else 503
    return http.problem(
        status,
        str(result.failure),
        next=(
            "publish what is not in again, with the same ids; some of it may be in "
            "when Event Grid did not answer"
        ),
        published=[event["id"] for event in result.accepted],
        notPublished=[event["id"] for event in result.missing],
    )


def _receipt(event: Json) -> Receipt:
    """Return what was published: its members are valid."""
    data = event["data"]
    content: dict[str, Any] = data if isinstance(data, dict) else {}
    return Receipt(
        id=str(event["id"]),
        source=str(event["source"]),
        content_id=content.get("contentId"),
        type=str(event["type"]),
        category=content.get("category"),
        confidence=content.get("confidence"),
    )
