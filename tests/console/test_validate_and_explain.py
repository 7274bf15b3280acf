"""Events can be checked, and their way explained, without publishing any."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console import dispatch, validation
from console.endpoints.app import health
from console.endpoints.app.topology import event_subscriptions
from moderation import topology
from tests.calling import Api
from tests.make import ESCALATED, FLAGGED, TOPOLOGY, a_result, an_event, declaring

PLAIN = {"content-type": "application/json"}
STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCHED = {"content-type": "application/cloudevents-batch+json"}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """The app's API."""
    return Api(monkeypatch)


async def ask(
    api: Api, path: str, content: Any, headers: dict[str, str] = PLAIN
) -> Any:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    answer = await api.call("POST", path, body, headers=headers)
    assert answer.status == 200, answer.body
    return answer.json()


@pytest.mark.parametrize(
    ("content", "headers", "count"),
    [
        (a_result(), PLAIN, 1),
        ([a_result(), a_result(category="safe")], PLAIN, 2),
        (an_event(), STRUCTURED, 1),
        ([an_event(), an_event(id="2")], BATCHED, 2),
        (
            a_result(),
            PLAIN
            | {
                "ce-id": "1",
                "ce-type": FLAGGED,
                "ce-source": "/s",
                "ce-specversion": "1.0",
            },
            1,
        ),
    ],
)
async def test_what_would_be_published_is_valid_and_is_not_published(
    api: Api, content: Any, headers: dict[str, str], count: int
) -> None:
    """In every form that publishing takes."""
    said = await ask(api, "events/check", content, headers)

    assert said == {"valid": True, "events": count, "problems": [], "detail": None}
    assert api.sink.events == []


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (a_result(confidence=7, severity="x"), PLAIN),
        ([a_result(), a_result(contentId=None)], PLAIN),
        (an_event(type="other"), STRUCTURED),
        ({**an_event(), "Bad": 1}, STRUCTURED),
        (b'{"contentId": ', PLAIN),
        (b"\xff", PLAIN),
        ([], PLAIN),
        (5, PLAIN),
        (b"[" * 100_000, PLAIN),
        (a_result(), {"content-type": "text/plain"}),
        (a_result(note="x" * 1_000_000), PLAIN),
        ([a_result()] * 1001, PLAIN),
        (an_event(), PLAIN),
        (a_result(), STRUCTURED),
        (a_result(), PLAIN | {"content-encoding": "gzip"}),
        (b"", PLAIN),
        (b"", PLAIN | {"transfer-encoding": "chunked"}),
    ],
)
async def test_a_check_says_what_publishing_would_say(
    api: Api, content: Any, headers: dict[str, str]
) -> None:
    """The same problems in the same words."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    refused = await api.call("POST", "events", body, headers=headers)

    said = await ask(api, "events/check", body, headers)

    assert refused.status in (400, 411, 413, 415)
    problem = refused.json()
    assert said == {
        "valid": False,
        "events": 0,
        "problems": problem["problems"],
        "detail": problem["detail"],
    }


async def test_an_event_of_nothing_but_mistakes_is_answered_shortly(api: Api) -> None:
    """An answer is never many times as large as what was asked."""
    event = {**an_event(), **{f"Bad-{number}": [] for number in range(10_000)}}

    said = await ask(api, "events/check", event, STRUCTURED)

    assert said["valid"] is False
    assert len(said["problems"]) < 100


def taking(explained: dict[str, Any]) -> list[str]:
    return [
        subscription["name"]
        for subscription in explained["subscriptions"]
        if subscription["takes"]
    ]


async def test_every_event_subscription_says_why_it_takes_an_event_or_not(
    api: Api,
) -> None:
    """By the topology that is deployed."""
    said = await ask(api, "why", an_event(type=ESCALATED), STRUCTURED)

    [event] = said["events"]
    assert (event["id"], event["type"]) == ("event-1", ESCALATED)
    assert taking(event) == ["sub-all-events"]
    [flagged, _, everything] = event["subscriptions"]
    assert flagged["clauses"] == [
        {
            "clause": f"type is one of {FLAGGED}",
            "holds": False,
            "because": f'type is "{ESCALATED}", which is none of them',
        }
    ]
    assert [clause["holds"] for clause in everything["clauses"]] == [True]


async def test_results_are_explained_as_the_events_they_become(api: Api) -> None:
    """A list of moderation results has one explanation each."""
    said = await ask(api, "why", [a_result(), a_result(category="safe")])

    assert [taking(event) for event in said["events"]] == [
        ["sub-flagged", "sub-all-events"],
        ["sub-approved", "sub-all-events"],
    ]
    assert said["problems"] == []


async def test_an_event_that_could_not_be_published_is_explained_all_the_same(
    api: Api,
) -> None:
    """Filters look at the envelope; what publishing would refuse is said beside it."""
    broken = an_event(data={"confidence": "high"}, id=7)

    said = await ask(api, "why", [broken, "not an event"], BATCHED)

    [event] = said["events"]
    assert (event["id"], taking(event)) == (None, ["sub-flagged", "sub-all-events"])
    paths = {problem["path"] for problem in said["problems"]}
    assert {"$[0].id", "$[0].data.confidence", "$[1]"} <= paths


async def test_a_type_that_the_app_does_not_know_is_explained(api: Api) -> None:
    """Only what takes everything gets it."""
    said = await ask(api, "why", a_result(type="ContentSeen"))

    [event] = said["events"]
    assert event["type"] == "com.contoso.ai.ContentSeen"
    assert taking(event) == ["sub-all-events"]
    assert [problem["path"] for problem in said["problems"]] == ["$.type"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 100_000, 400),
        (json.dumps([a_result()] * 101).encode(), 413),
    ],
)
async def test_what_carries_no_events_or_too_many_is_refused(
    api: Api, body: bytes, status: int
) -> None:
    """An answer is bounded."""
    answer = await api.call("POST", "why", body, headers=PLAIN)

    assert answer.status == status


@pytest.mark.parametrize("path", ["events", "events/check", "why", "peek", "settle"])
async def test_a_body_is_refused_in_words_however_deep_it_is(
    api: Api, path: str
) -> None:
    """Around our own limit, and around those of the decoder and of the encoder."""
    whole = json.dumps(a_result(x=0)).encode()
    depths = [*range(490, 510), *range(9_980, 10_010), 100_000]

    for depth in depths:
        deep = whole.replace(b'"x": 0', b'"x":' + b"[" * depth + b"]" * depth)
        answer = await api.call("POST", path, deep, headers=PLAIN)
        assert answer.status in (200, 202, 400), depth
        is_told = b"nested more than 500 deep" in answer.body
        assert is_told == (depth >= 500), depth


@pytest.mark.parametrize("path", ["events/check", "why"])
async def test_what_a_reader_may_send_is_bounded(api: Api, path: str) -> None:
    """
    Their events are looked at in this process's one thread, and drains wait meanwhile.
    """
    room = validation.MOST_BYTES - len(json.dumps(a_result(note="")))

    fits = await api.call(
        "POST", path, json.dumps(a_result(note="x" * room)).encode(), headers=PLAIN
    )
    refused = await api.call(
        "POST", path, b"x" * (validation.MOST_BYTES + 1), headers=PLAIN
    )

    assert (fits.status, refused.status) == (200, 413)


async def test_an_event_is_explained_as_it_would_be_stored(api: Api) -> None:
    """With its time in UTC, on the trace of the request, and without what is null."""
    api.runtime.topology = msgspec.json.decode(
        TOPOLOGY.read_bytes(), type=topology.Topology
    )
    everything = api.runtime.topology.subscription("sub-all-events")
    everything.filters_configuration.filters.extend(
        [
            {
                "operatorType": "StringBeginsWith",
                "key": "time",
                "values": ["2026-11-26T"],
            },
            {"operatorType": "IsNotNull", "key": "traceparent"},
            {"operatorType": "IsNullOrUndefined", "key": "subject"},
        ]
    )
    event = an_event(time="2026-11-27T01:00:00+02:00") | {"subject": None}

    said = await ask(api, "why", event, STRUCTURED)

    [explained] = said["events"]
    assert "sub-all-events" in taking(explained)


async def test_the_topology_is_shown_with_its_timers(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is declared, and what the settings say about it."""
    monkeypatch.setenv("PULL_FLAGGED_SCHEDULE", "0 * * * * *")
    monkeypatch.setenv("PULL_FLAGGED_LANES", "3")
    monkeypatch.delenv("PULL_APPROVED_SCHEDULE", raising=False)

    layout = (await api.call("GET", "topology")).json()

    assert layout["topic"] == "moderation-events"
    [flagged, approved, everything] = layout["subscriptions"]
    assert flagged == {
        "name": "sub-flagged",
        "includedEventTypes": [FLAGGED],
        "filters": [],
        "lockSeconds": 60,
        "maxDeliveryCount": 10,
        "timeToLive": "P1D",
        "schedule": "0 * * * * *",
        "lanes": 3,
        "manner": "visit",
        "pace": 0.8,
        "problems": [],
    }
    assert (approved["schedule"], approved["lanes"]) == ("0 */5 * * * *", 1)
    assert everything["includedEventTypes"] is None
    assert layout["inspected"] == "sub-flagged"


def test_an_event_subscription_in_error_is_shown_with_what_is_wrong() -> None:
    """No lane of it runs, and the others do."""
    shape = declaring("sub-flagged", "sub-new")

    [flagged, new] = event_subscriptions(
        shape, {"PULL_FLAGGED_SCHEDULE": "0 * * * * *"}
    )

    assert (flagged.lanes, flagged.problems) == (1, [])
    assert (new.lanes, [problem.path for problem in new.problems]) == (0, ["sub-new"])


def test_an_event_subscription_that_is_switched_off_has_no_lane() -> None:
    """The page shows which setting does it."""
    setting = "AzureWebJobs.pull_flagged.Disabled"

    [flagged] = event_subscriptions(declaring("sub-flagged"), {setting: "true"})

    assert (flagged.lanes, [problem.path for problem in flagged.problems]) == (
        0,
        [setting],
    )


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "cannot be read"),
        ("{", "not valid JSON"),
        ("clash", "sub-a-b and a-b have"),
    ],
)
async def test_a_topology_that_cannot_be_used_is_named_by_every_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, named: str
) -> None:
    """Nobody reads "a fault of this app" because of a comma."""
    file = tmp_path / "topology.json"
    if content is not None:
        clashing = msgspec.json.encode(declaring("sub-a-b", "a-b")).decode()
        file.write_text(clashing if content == "clash" else content)
    api = Api(monkeypatch)
    monkeypatch.setenv(topology.SETTING, str(file))
    for module in (dispatch, health):
        monkeypatch.setattr(module, "current", topology.load)

    for path in ("topology", "audit", "settings", "health"):
        answer = await api.call("GET", path)
        assert answer.status == 503
        assert file.name in answer.body.decode()
        assert named in answer.body.decode()
