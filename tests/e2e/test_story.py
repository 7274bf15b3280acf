"""The pipeline as its users meet it: real host, real emulator, real storage."""

import http.client
import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import urlopen

import pytest

from tests.e2e.stacks import DECLARED, SCHEDULES, Stack, StartStack, until

pytestmark = pytest.mark.e2e

FLAGGED = "com.contoso.ai.ContentFlagged"
ESCALATED = "com.contoso.ai.ReviewEscalated"
EVERY_SECOND = "* * * * * *"
TICKING = dict.fromkeys(SCHEDULES, EVERY_SECOND)
JSON = "application/json"


def post(stack: Stack, path: str, content: object = None) -> Any:
    """What a POST that must succeed answers."""
    body = b"" if content is None else json.dumps(content).encode()
    answer = stack.call("POST", path, body, Content_Type=JSON)
    assert answer.status in (200, 202), answer.body
    return answer.json()


def pull(stack: Stack, path: str = "/api/pull") -> dict[str, Any]:
    """What each event subscription delivered just now."""
    answer = post(stack, path)
    return {
        subscription["subscription"]: subscription
        for subscription in answer["subscriptions"]
    }


def received(pulled: dict[str, Any]) -> dict[str, int]:
    return {name: subscription["received"] for name, subscription in pulled.items()}


def audit(stack: Stack, query: str = "limit=1000") -> list[dict[str, Any]]:
    """The newest audit entries."""
    answer = stack.call("GET", f"/api/audit?{query}")
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json()["entries"]
    return found


def a_result(content_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "contentId": content_id,
        "contentType": "text",
        "modelName": "text-moderator-v2",
        "modelVersion": "2.4.0",
        "confidence": 0.9,
        "category": "violence",
        "severity": "medium",
        "reviewRequired": True,
    } | changes


def closed_port() -> int:
    """A port where nothing answers."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def test_five_samples_reach_two_two_and_five(fresh_stack: Stack) -> None:
    """Each event subscription gets what its filter takes, once."""
    stack = fresh_stack
    published = post(stack, "/api/events/samples")

    first, second = pull(stack), pull(stack)

    assert published["published"] == 5
    counts = {"sub-flagged": 2, "sub-approved": 2, "sub-all-events": 5}
    assert received(first).items() >= counts.items()
    assert set(received(second).values()) == {0}
    kinds = {
        name: Counter(delivery["type"] for delivery in pulled["deliveries"])
        for name, pulled in first.items()
    }
    assert kinds["sub-all-events"][ESCALATED] == 1
    assert ESCALATED not in kinds["sub-flagged"] | kinds["sub-approved"]
    every = [delivery for pulled in first.values() for delivery in pulled["deliveries"]]
    assert {(delivery["disposition"], delivery["settled"]) for delivery in every} == {
        ("acknowledge", True)
    }
    ids = {event["id"] for event in published["events"]}
    assert {delivery["id"] for delivery in every} == ids


def test_every_content_mode_is_published(stack: Stack) -> None:
    """Plain, structured, batched and binary end as the same kind of event."""
    event = {
        "specversion": "1.0",
        "source": "/tests",
        "type": FLAGGED,
        "time": "2026-11-23T10:00:00.1234567Z",
    }
    structured = event | {"id": "structured-1", "data": a_result("structured")}
    batch = [event | {"id": "batched-1", "data": a_result("batched")}]
    binary = {f"ce_{name}": value for name, value in event.items()}
    sent = [
        ({"Content_Type": JSON}, a_result("plain")),
        ({"Content_Type": "application/cloudevents+json"}, structured),
        ({"Content_Type": "application/cloudevents-batch+json"}, batch),
        ({"Content_Type": JSON, "ce_id": "binary-1", **binary}, a_result("binary")),
    ]

    for headers, content in sent:
        body = json.dumps(content).encode()
        answer = stack.call("POST", "/api/events", body, **headers)
        assert answer.status == 202, answer.body
    pull(stack, "/api/pull?subscription=sub-flagged")

    handled = audit(stack, "subscription=sub-flagged&limit=1000")
    found = {entry["contentId"]: entry["id"] for entry in handled}
    assert found.keys() >= {"plain", "structured", "batched", "binary"}
    assert (found["structured"], found["batched"], found["binary"]) == (
        "structured-1",
        "batched-1",
        "binary-1",
    )


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "said"),
    [
        ("POST", "/api/events", {"Content_Type": JSON}, b"[{}]", 400, "$[0].contentId"),
        ("GET", "/api/audit?limit=0", {}, None, 400, "1 to 1000"),
        ("GET", "/api/nothing", {}, None, 404, "/api/events"),
        ("GET", "/api/events", {}, None, 405, "POST"),
    ],
)
def test_bad_input_is_answered_in_words(
    stack: Stack,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes | None,
    status: int,
    said: str,
) -> None:
    """Every refusal is a problem that says what is wrong and what to do."""
    answer = stack.call(method, path, body, **headers)

    assert answer.status == status
    content_type = {k.lower(): v for k, v in answer.headers.items()}["content-type"]
    assert content_type == "application/problem+json"
    assert said in answer.body.decode()
    assert answer.json()["next"]


def test_a_chunked_body_is_told_to_send_its_length(stack: Stack) -> None:
    """The host drops chunked bodies; the app knows it from the header."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port("host"), timeout=30)
    headers = {"Content-Type": JSON}
    connection.request(
        "POST", "/api/events", body=iter([b"{}"]), headers=headers, encode_chunked=True
    )
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()

    assert answer.status == 411
    assert "Content-Length" in said


def test_what_was_pulled_is_seen_to_flow(stack: Stack) -> None:
    """What the models said and how long events waited: noted behind the answer."""
    result = a_result("flowing", modelName="flow-moderator", modelVersion="1.2.3")
    post(stack, "/api/events", result)
    pull(stack)

    path = "/api/activity?minutes=5&subscription=sub-flagged"
    told = {"model": "flow-moderator 1.2.3", "count": 1}

    def noted() -> dict[str, Any] | None:
        totals: dict[str, Any] = stack.call("GET", path).json()["totals"]
        return totals if told in totals["models"] else None

    totals = until("what was drained to be noted", noted, patience=20)
    assert sum(totals["confidence"]) == sum(cell["count"] for cell in totals["matrix"])
    delay = totals["queueDelayMs"]
    assert delay["count"]
    assert delay["p50"] <= delay["p99"] <= delay["max"]


def test_timers_pull_without_being_called(start_stack: StartStack) -> None:
    """Every timer fires by its schedule; inspect works while they do."""
    stack = start_stack(settings=TICKING)
    published = post(stack, "/api/events/samples")
    wanted = {"sub-flagged": 2, "sub-approved": 2, "sub-all-events": 5}

    def recorded() -> bool:
        counts = Counter(entry["subscription"] for entry in audit(stack))
        return counts.items() >= wanted.items()

    until("the timers to drain everything", recorded, patience=30)
    inspected = post(stack, "/api/inspect")

    assert published["published"] == 5
    assert inspected["rejected"] is True, inspected
    activity = stack.call("GET", "/api/activity?minutes=5").json()
    assert list(activity["lastDrain"]) == DECLARED
    assert activity["stepSeconds"] == 60


def test_an_app_without_settings_starts_and_says_what_it_needs(
    unset_stack: Stack,
) -> None:
    """Every call answers 503 with all problems at once; the page is still served."""
    stack, wrong = unset_stack, unset_stack.settings

    answer = stack.call("POST", "/api/events/samples")
    health = stack.call("GET", "/api/health")

    assert (answer.status, health.status) == (503, 503)
    named = {problem["path"] for problem in answer.json()["problems"]}
    assert named == set(wrong)
    assert all(name in health.body.decode() for name in wrong)
    shown = stack.call("GET", "/api/settings").json()
    assert {
        setting["name"] for setting in shown["settings"] if setting["problem"]
    } == set(wrong)
    assert stack.call("GET", "/api/").status == 200


def test_without_event_grid_nothing_is_pretended(start_stack: StartStack) -> None:
    """Publish and pull answer 503 with the setting to look at; health names it."""
    nowhere = f"http://127.0.0.1:{closed_port()}"
    stack = start_stack(settings={"EVENTGRID_ENDPOINT": nowhere})

    paths = ("/api/events/samples", "/api/pull", "/api/inspect")
    with ThreadPoolExecutor(len(paths)) as pool:
        called = pool.map(lambda path: stack.call("POST", path), paths)
        answers = dict(zip(paths, called, strict=True))
    health = stack.call("GET", "/api/health")

    for path, answer in answers.items():
        assert (path, answer.status) == (path, 503)
        assert "EVENTGRID_ENDPOINT" in answer.body.decode()
    assert len(answers["/api/events/samples"].json()["notPublished"]) == 5
    failing = [check["name"] for check in health.json()["checks"] if not check["ok"]]
    assert health.status == 503
    assert failing == [f"Event Grid: {name}" for name in DECLARED]


def test_without_storage_no_event_is_taken(start_stack: StartStack) -> None:
    """An outage of the audit storage burns no delivery."""
    address = (
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm9uZQ==;"
        f"BlobEndpoint=http://127.0.0.1:{closed_port()}/devstoreaccount1"
    )
    stack = start_stack(settings={"AUDIT_STORAGE_CONNECTION_STRING": address})
    post(stack, "/api/events/samples")

    refused = stack.call("POST", "/api/pull")
    health = stack.call("GET", "/api/health").json()

    assert refused.status == 503
    assert "AUDIT_STORAGE" in refused.json()["detail"]
    assert [check["name"] for check in health["checks"] if not check["ok"]] == [
        *("audit storage", "action log")
    ]
    with urlopen(f"{stack.emulator}/_local/subscriptions") as answer:
        [topic] = json.load(answer)["topics"]
    assert {queue["received"] for queue in topic["eventSubscriptions"]} == {0}
