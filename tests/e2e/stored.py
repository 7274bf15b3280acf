"""What the app and Event Grid would have written to storage, written at once."""

import json
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient, ContainerClient

from tests.e2e.stacks import Stack

TOPIC = "local/moderation-events"


def note(stack: Stack, at: datetime, **counts: Any) -> None:
    """One summary of the activity log; `counts` as `moderation.activity.Summary`."""
    subscription = counts.setdefault("subscription", "sub-flagged")
    line = {"at": stamp(at, "%Y-%m-%dT%H:%M:%S.%fZ"), **counts}
    path = f"{subscription}/{stamp(at, '%Y/%m/%d/%H')}/page-{uuid.uuid4().hex}.ndjson"
    with BlobServiceClient.from_connection_string(stack.storage) as service:
        blob = _container(service, "activity").get_blob_client(path)
        blob.create_append_blob()
        blob.append_block(json.dumps(line, separators=(",", ":")).encode() + b"\n")


def an_event(**changes: Any) -> dict[str, Any]:
    """A CloudEvent that the handlers take; `data` is merged into its data."""
    content_id = changes.pop("contentId", f"img-{uuid.uuid4().hex[:8]}")
    data = {
        "contentId": content_id,
        "contentType": "image",
        "modelName": "vision-moderator-v3",
        "modelVersion": "3.2.1",
        "confidence": 0.91,
        "category": "violence",
        "severity": "high",
        "reviewRequired": True,
        "timestamp": "2026-11-23T10:00:00Z",
    } | changes.pop("data", {})
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
    hour = f"{when.year}/{when.month}/{when.day}/{when.hour}"
    path = f"{TOPIC}/{subscription}/{hour}/{uuid.uuid4()}.json"
    with BlobServiceClient.from_connection_string(stack.storage) as service:
        _container(service, "dead-letters").upload_blob(path, json.dumps(items))


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
