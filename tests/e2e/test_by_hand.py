"""A person with a stuck event: look at it, give it back, look again, reject it."""

import json
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from tests.e2e.stacks import Stack, until

pytestmark = pytest.mark.e2e

NAME = "sub-approved"
JSON = "application/json"


def post(stack: Stack, path: str, content: object) -> Any:
    """What a POST that must succeed answers."""
    body = json.dumps(content).encode()
    answer = stack.call("POST", f"/api/{path}", body, Content_Type=JSON)
    assert answer.status in (200, 202), answer.body
    return answer.json()


def a_result(content_id: str) -> dict[str, object]:
    return {
        "contentId": content_id,
        "contentType": "text",
        "modelName": "text-moderator-v2",
        "modelVersion": "2.4.0",
        "confidence": 0.9,
        "category": "safe",
        "severity": "none",
        "reviewRequired": False,
    }


def dead_letter_of(stack: Stack, event_id: str) -> dict[str, Any] | None:
    """The dead-lettered event on that subscription."""
    with BlobServiceClient.from_connection_string(stack.storage) as service:
        container = service.get_container_client("dead-letters")
        if not container.exists():
            return None
        for name in list(container.list_blob_names(name_starts_with="local/")):
            for letter in json.loads(container.download_blob(name).readall()):
                if letter["event"]["id"] == event_id and f"/{NAME}/" in name:
                    found: dict[str, Any] = letter
                    return found
    return None


def test_a_stuck_event_is_peeked_released_and_rejected(stack: Stack) -> None:
    """
    From publishing to the dead letter, over HTTP and with everything in storage.
    """
    stack.call("POST", f"/api/pull?subscription={NAME}")  # what other tests left
    checked = post(stack, "events/check", a_result("by-hand"))
    where = post(stack, "why", a_result("by-hand"))
    [event] = post(stack, "events", a_result("by-hand"))["events"]

    first = post(stack, "peek", {"subscription": NAME})
    [held] = first["deliveries"]
    body = {"subscription": NAME, "lockTokens": [held["lockToken"]]}
    renewed = post(stack, "settle", body | {"disposition": "renew"})
    [released] = post(stack, "settle", body | {"disposition": "release"})["results"]
    [again] = post(stack, "peek", {"subscription": NAME, "reveal": True})["deliveries"]
    body = {"subscription": NAME, "lockTokens": [again["lockToken"]]}
    reject = body | {"disposition": "reject", "reason": "a test"}
    [rejected] = post(stack, "settle", reject)["results"]
    [late] = post(stack, "settle", body | {"disposition": "release"})["results"]

    assert checked["valid"] is True
    taken = [s["name"] for s in where["events"][0]["subscriptions"] if s["takes"]]
    assert taken == [NAME, "sub-all-events"]
    assert (held["id"], held["deliveryCount"]) == (event["id"], 1)
    assert held["event"]["data"]["redacted"] is True
    assert renewed["lockedUntil"] > first["lockedUntil"]
    assert (released["settled"], rejected["settled"]) == (True, True)
    assert (again["deliveryCount"], again["event"]["data"]["contentId"]) == (
        2,
        "by-hand",
    )
    assert (late["settled"], late["failed"]) == (False, "TokenLost")
    answer = stack.call("GET", f"/api/audit?id={event['id']}&subscription={NAME}")
    life = [
        (entry["deliveryCount"], entry["disposition"], entry["reason"], entry["by"])
        for entry in answer.json()["entries"]
    ]
    assert life == [
        (2, "reject", "by hand: a test", "anyone"),
        (1, "release", "by hand", "anyone"),
    ]
    letter = until("the dead letter", lambda: dead_letter_of(stack, event["id"]), 20)
    assert letter["deadLetterProperties"]["deliveryattempts"] == 2
