"""The whole way of a dead letter: rejected, listed, redriven, and seen in the end."""

import json
import uuid
from typing import Any

import pytest

from tests.e2e.stacks import Stack, until
from tests.make import a_result

pytestmark = pytest.mark.e2e


def posted(stack: Stack, path: str, **body: Any) -> Any:
    """The answer to a POST of that JSON."""
    content = json.dumps(body).encode() if body else b""
    answer = stack.call(
        "POST", f"/api/{path}", content, Content_Type="application/json"
    )
    assert answer.status in (200, 202), answer.body
    return answer.json()


def got(stack: Stack, path: str) -> Any:
    """The answer to a GET."""
    answer = stack.call("GET", f"/api/{path}")
    assert answer.status == 200, answer.body
    return answer.json()


def dead_lettered(stack: Stack, event_id: str, query: str = "") -> dict[str, Any]:
    """The event's dead letter, as soon as it is listed."""

    def look() -> dict[str, Any] | None:
        path = f"deadletters?subscription=sub-flagged&limit=200{query}"
        letters: list[dict[str, Any]] = got(stack, path)["deadLetters"]
        return next((letter for letter in letters if letter["id"] == event_id), None)

    return until("the dead letter to be listed", look, patience=30)


def redriven(stack: Stack, letter: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
    """What became of that dead letter."""
    chosen = [{"name": letter["name"], "index": letter["index"]}]
    answer = posted(stack, "redrive", deadLetters=chosen, dryRun=dry_run)
    [result] = answer["results"]
    assert isinstance(result, dict)
    return result


def test_a_dead_letter_is_redriven_to_the_end(stack: Stack) -> None:
    """
    A probe's handler rejects it again: it stays. An event that a person rejected is
    handled in the end: it is archived, and the audit log says who wanted it. Who
    published it is in all that tells of it.
    """
    probe = posted(stack, "inspect")["event"]["id"]
    rejected = dead_lettered(stack, probe)
    assert rejected["reason"] == "Event was rejected."
    assert rejected["ourReason"].startswith("a probe of inspect and reject")

    again = redriven(stack, rejected, dry_run=False)
    stays = dead_lettered(stack, probe)
    assert (again["outcome"], again["archived"]) == ("reject", False)
    assert [redrive["outcome"] for redrive in stays["redriven"]] == ["reject"]

    posted(stack, "pull?subscription=sub-flagged")
    content_id = f"redrive-{uuid.uuid4()}"
    # What a pull has left open may get the first of them.
    event = until("a person to get one", lambda: rejected_by_hand(stack, content_id))
    letter = dead_lettered(stack, event["id"])
    assert (letter["contentId"], letter["redacted"]) == (content_id, True)
    assert "the model was wrong" in letter["ourReason"]

    planned = redriven(stack, letter, dry_run=True)
    done = redriven(stack, letter, dry_run=False)
    repeated = redriven(stack, letter, dry_run=False)

    assert planned["outcome"] == "notBegun"
    assert (done["outcome"], done["archived"]) == ("acknowledge", True)
    assert (repeated["outcome"], repeated["archived"]) == ("already", True)
    archived = dead_lettered(stack, event["id"], "&archived=true")
    assert [redrive["by"] for redrive in archived["redriven"]] == ["anyone"]
    entries = got(stack, f"audit?id={event['id']}&subscription=sub-flagged")["entries"]
    assert [entry["disposition"] for entry in entries] == ["acknowledge", "reject"]
    assert entries[0]["redrive"] == {"name": letter["name"], "index": 0}
    for found in (archived, *entries):
        assert found["event"]["egpublishedby"] == "anyone"
    published = got(stack, f"life?id={event['id']}")["steps"][0]
    assert (published["kind"], published["by"]) == ("published", "anyone")


def rejected_by_hand(stack: Stack, content_id: str) -> dict[str, Any] | None:
    """Publish an event, receive from sub-flagged and reject it; None if it is not there.

    What else there is, acknowledge.
    """
    [event] = posted(stack, "events", **a_result(contentId=content_id))["events"]
    held = posted(stack, "peek", subscription="sub-flagged")["deliveries"]
    for delivery in held:
        is_it = delivery["id"] == event["id"]
        posted(
            stack,
            "settle",
            subscription="sub-flagged",
            disposition="reject" if is_it else "acknowledge",
            lockTokens=[delivery["lockToken"]],
            reason="the model was wrong" if is_it else "in the way",
        )
    ids = [delivery["id"] for delivery in held]
    return {**event} if event["id"] in ids else None
