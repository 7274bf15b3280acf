"""What the app and Event Grid would have written to storage, written at once."""

import json
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient, ContainerClient

from eventgrid_pull.draining.histogram import Histogram
from tests.e2e.stacks import Stack

TOPIC = "local/moderation-events"


def note(stack: Stack, at: datetime, **counts: Any) -> None:
    """One summary of the activity log; `counts` as `moderation.activity.log.Summary`."""
    subscription = counts.setdefault("subscription", "sub-flagged")
    line = {"at": stamp(at, "%Y-%m-%dT%H:%M:%S.%fZ"), **counts}
    path = f"{subscription}/{stamp(at, '%Y/%m/%d/%H')}/page-{uuid.uuid4().hex}.ndjson"
    with BlobServiceClient.from_connection_string(stack.storage) as service:
        blob = _container(service, "activity").get_blob_client(path)
        blob.create_append_blob()
        blob.append_block(json.dumps(line, separators=(",", ":")).encode() + b"\n")


def a_flagged_image(content_id: str) -> dict[str, Any]:
    """The data of an event that is quarantined."""
    return {
        "contentId": content_id,
        "contentType": "image",
        "modelName": "vision-moderator-v3",
        "modelVersion": "3.2.1",
        "confidence": 0.91,
        "category": "violence",
        "severity": "high",
        "reviewRequired": True,
    }


def an_event(**changes: Any) -> dict[str, Any]:
    """A CloudEvent that the handlers take; `data` is merged into its data."""
    content_id = changes.pop("contentId", f"img-{uuid.uuid4().hex[:8]}")
    data = a_flagged_image(content_id) | {"timestamp": "2026-11-23T10:00:00Z"}
    data |= changes.pop("data", {})
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/services/content-moderation",
        "type": "com.contoso.ai.ContentFlagged",
        "subject": f"/content/images/{content_id}",
        "time": stamp(now(), "%Y-%m-%dT%H:%M:%SZ"),
        "datacontenttype": "application/json",
        "data": data,
    } | changes


def bury(
    stack: Stack,
    *events: dict[str, Any],
    at: datetime | None = None,
    subscription: str = "sub-flagged",
    **said: Any,
) -> None:
    """Dead letters of one blob, as Event Grid writes them; `said` are its properties."""
    when = at or now()
    properties = {
        "deadletterreason": "MaxDeliveryAttemptsExceeded",
        "deliveryattempts": 10,
        "deliveryresult": "Released",
        "publishutc": stamp(when, "%Y-%m-%dT%H:%M:%S.%fZ"),
        "deliveryattemptutc": stamp(when, "%Y-%m-%dT%H:%M:%S.%fZ"),
    } | said
    items = [{"deadLetterProperties": properties, "event": event} for event in events]
    bury_text(stack, json.dumps(items), at=when, subscription=subscription)


def bury_text(
    stack: Stack,
    text: str,
    *,
    at: datetime | None = None,
    subscription: str = "sub-flagged",
) -> str:
    """A blob of dead letters that holds this text; its name."""
    when = at or now()
    hour = f"{when.year}/{when.month}/{when.day}/{when.hour}"
    path = f"{TOPIC}/{subscription}/{hour}/{uuid.uuid4()}.json"
    with BlobServiceClient.from_connection_string(stack.storage) as service:
        _container(service, "dead-letters").upload_blob(path, text)
    return path


def now() -> datetime:
    """The moment, as the app under test reads it, too."""
    return datetime.now(UTC)  # noqa: TID251  # the app is another process


def stamp(moment: datetime, pattern: str) -> str:
    """A moment in UTC."""
    return moment.astimezone(UTC).strftime(pattern)


def _container(service: BlobServiceClient, name: str) -> ContainerClient:
    container = service.get_container_client(name)
    with suppress(ResourceExistsError):
        container.create_container()
    return container


def an_hour(stack: Stack) -> None:
    """What an hour of moderation leaves behind: a summary a minute, some dead letters."""
    for minute in range(60):
        at = now() - timedelta(minutes=59 - minute, seconds=5)
        flagged, approved = 8 + minute % 7, 30 + (minute * 7) % 23
        _minute(stack, at, "sub-flagged", flagged, 0)
        _minute(stack, at, "sub-approved", 0, approved)
        _minute(stack, at, "sub-all-events", flagged, approved)
    bury(stack, an_event(contentId="img-5120"))
    bury(stack, an_event(contentId="doc-2054"), deliveryattempts=4)


def _minute(
    stack: Stack, at: datetime, subscription: str, flagged: int, approved: int
) -> None:
    total = flagged + approved
    released = flagged % 4
    note(
        stack,
        at,
        subscription=subscription,
        received=total,
        dispositions={"acknowledge": total - released, "release": released},
        types={
            "com.contoso.ai.ContentFlagged": flagged,
            "com.contoso.ai.ContentApproved": approved,
        },
        matrix={
            "violence": {"high": flagged // 2, "medium": flagged // 4},
            "hate-speech": {"low": 1, "medium": flagged // 3},
            "safe": {"none": approved},
        },
        models={
            "vision-moderator-v3 3.2.1": total // 2,
            "text-moderator-v2 2.4.0": total - total // 2,
        },
        confidences=[0, 0, 0, 1, 1, 2, 3, 4, total // 3, total // 2],
        waited=spread(2500 + 400 * (flagged % 5), total),
        handling=spread(12 + flagged, max(1, total // 10)),
    )


def spread(milliseconds: float, count: int) -> dict[str, Any]:
    """So many delays around that many milliseconds, as a summary has them."""
    made = Histogram()
    made.add(*(milliseconds * (1 + (n * n % 7) / 4) for n in range(count)))
    found: dict[str, Any] = msgspec.to_builtins(made, str_keys=True)
    return found
