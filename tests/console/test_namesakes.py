"""An event is its source and its id: events that share an id are never taken for one."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from console.endpoints.records import event_history
from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import Acknowledge, Disposition, Reject
from moderation.audit import actions
from moderation.audit import entry as audit_entry
from moderation.event_key import EventKey
from moderation.events import Verdict
from tests.calling import Api
from tests.dead_letters import InMemoryDeadLetters
from tests.make import NOW, a_delivery, a_result, an_event, minutes

ID = "A234"
DONE = Acknowledge(Verdict.QUARANTINED)
SOURCES = ("/team-a", "/team-b", "/team-c")
KEY = {"x-functions-key": "a key"}
ROOT = "local/moderation-events/sub-flagged/2026/11/23"


def of(source: str, **changes: Any) -> dict[str, Any]:
    """The event with that id from there."""
    content = f"img{source.replace('/', '-')}"
    time = stamp(NOW - minutes(60))
    return an_event(
        a_result(contentId=content), id=ID, source=source, time=time, **changes
    )


@pytest.fixture
async def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """Three events were published: one was rejected, one acknowledged, one waits."""
    found = Api(monkeypatch)
    found.runtime.dead_letters = InMemoryDeadLetters()
    keys = [EventKey(source, ID) for source in SOURCES]
    published = actions.action("publish", "ann", NOW - minutes(59.9), events=keys)
    await found.runtime.actions.note(published, NOW - minutes(59.9))
    await record(found, "sub-flagged", of("/team-a"), Reject("a picture of a"), 59)
    await record(found, "sub-flagged", of("/team-b"), DONE, 58)
    await record(found, "sub-all-events", of("/team-b"), DONE, 57)
    for name, source in (("b", "/team-b"), ("a", "/team-a")):
        said = {
            "deadletterreason": f"that of {source}",
            "deliveryattemptutc": stamp(NOW - minutes(59)),
        }
        letter = {"event": of(source), "deadLetterProperties": said}
        found.runtime.dead_letters.put(
            f"{ROOT}/9/{name}.json", json.dumps([letter]).encode(), NOW - minutes(58)
        )
    return found


async def record(
    api: Api,
    name: str,
    event: dict[str, Any],
    disposition: Disposition,
    ago: float,
    **more: Any,
) -> None:
    now = NOW - minutes(ago)
    delivery = more.pop("delivery", a_delivery(event))
    entry = audit_entry.entry(name, delivery, disposition, stamp(now), **more)
    await api.runtime.audit.record(name, [entry], now)


async def life(api: Api, **query: str) -> Any:
    answer = await api.call("GET", "life", params={"id": ID} | query, headers=KEY)
    assert answer.status == 200, answer.body
    return answer.json()


def steps(told: Any) -> list[tuple[str, str | None, str | None]]:
    return [
        (step["kind"], step["subscription"], step["disposition"])
        for step in told["steps"]
    ]


async def test_an_id_of_several_is_answered_with_which_they_are(api: Api) -> None:
    """And with what asks for the life of each; nothing is told as if they were one."""
    told = await life(api)

    assert [event["source"] for event in told["events"]] == [
        *("/team-c", "/team-a", "/team-b")
    ]
    by_source = {event["source"]: event for event in told["events"]}
    assert by_source["/team-a"]["contentId"] == "img-team-a"
    assert by_source["/team-c"]["type"] is None
    assert (told["source"], told["event"], told["steps"]) == (None, None, [])
    assert (told["expected"], told["waiting"], told["complete"]) == ([], [], True)
    for event in told["events"]:
        path, _, query = event["link"].partition("?")
        assert path == "life"
        assert (await life(api, **dict(parse_qsl(query))))["source"] == event["source"]


async def test_each_has_a_life_of_its_own(api: Api) -> None:
    """Rejected and dead-lettered, acknowledged everywhere, or waiting."""
    rejected, done, waiting = [await life(api, source=source) for source in SOURCES]

    assert steps(rejected) == [
        ("published", None, None),
        ("delivery", "sub-flagged", "reject"),
        ("dead-lettered", "sub-flagged", None),
    ]
    assert rejected["steps"][-1]["reason"] == "that of /team-a"
    assert rejected["waiting"] == ["sub-all-events"]
    assert steps(done) == [
        ("published", None, None),
        ("delivery", "sub-flagged", "acknowledge"),
        ("delivery", "sub-all-events", "acknowledge"),
    ]
    assert done["waiting"] == []
    assert steps(waiting) == [("published", None, None)]
    assert (waiting["event"], waiting["expected"]) == (None, [])
    for told, source in zip((rejected, done, waiting), SOURCES, strict=True):
        assert (told["source"], told["complete"]) == (source, True)
        assert [event["source"] for event in told["events"]] == [source]


async def test_what_another_one_is_done_with_ends_no_search(api: Api) -> None:
    """With a time, a search ends when everyone is done with the event that is meant."""
    at = stamp(NOW - minutes(60))
    done = await life(api, source="/team-b", at=at)
    rejected = await life(api, source="/team-a", at=at)

    assert done["searched"]["until"] < stamp(NOW - minutes(30))
    assert rejected["searched"]["until"] > stamp(NOW)


@pytest.mark.parametrize(
    ("ago", "seconds"), [(0.5, 5.0), (60 * 30, -1.0), (60 * 24 * 20, 5.0)]
)
async def test_one_from_another_day_is_found_too(
    api: Api, monkeypatch: pytest.MonkeyPatch, ago: float, seconds: float
) -> None:
    """Whatever times they say of themselves, and however often the search stops."""
    monkeypatch.setattr(event_history, "SEARCH_SECONDS", seconds)
    await record(api, "sub-flagged", of("/elsewhere"), DONE, ago)

    found, told = set(), await life(api)
    while True:
        found |= {event["source"] for event in told["events"]}
        if told["cursor"] is None:
            break
        told = await life(api, cursor=told["cursor"])

    assert found == {*SOURCES, "/elsewhere"}
    assert (told["source"], told["steps"]) == (None, [])


async def test_a_uuid_is_nobody_elses(api: Api) -> None:
    """Its search ends with its life, as quickly as ever."""
    unique = "4dd87ab5-5b0c-4b5f-9d0a-6b1d8f7c2a11"
    event = an_event(id=unique, time=stamp(NOW - minutes(50)))
    await record(api, "sub-flagged", event, DONE, 49)
    await record(api, "sub-all-events", event, DONE, 49)

    told = await life(api, id=unique)

    assert told["complete"]
    assert told["searched"]["since"] > stamp(NOW - minutes(180))


async def test_what_an_event_says_of_its_time_hides_no_delivery(api: Api) -> None:
    """A publisher's clock an hour ahead: its first delivery, long released, is told."""
    event = of("/fast") | {"time": stamp(NOW - minutes(5))}
    later = a_delivery(event, 2)
    await record(api, "sub-flagged", event, Reject("no"), 300)
    await record(api, "sub-flagged", event, DONE, 1, delivery=later)

    told = await life(api, source="/fast")

    kinds = [step["kind"] for step in told["steps"]]
    assert kinds.count("delivery") == 2
    assert [step["text"] for step in told["steps"] if step["kind"] == "published"] == [
        "not published through this app, by the publisher's clock"
    ]


async def test_a_dead_letter_has_the_reason_of_its_own_event(api: Api) -> None:
    """Though one with its id was rejected at the same time."""
    await record(api, "sub-flagged", of("/team-c"), Reject("a picture of c"), 59)
    answer = await api.call("GET", "deadletters", params={"day": "2026-11-23"})

    letters = {
        letter["source"]: letter["ourReason"] for letter in answer.json()["deadLetters"]
    }
    assert letters == {"/team-a": "a picture of a", "/team-b": None}


async def test_deliveries_of_two_are_not_folded(api: Api) -> None:
    """Without a lock token and in one moment, the source alone tells them apart."""
    for source in ("/team-x", "/team-y"):
        raw = json.dumps(of(source)).encode()
        delivery = Delivery("", a_delivery(raw).event)
        await record(api, "sub-approved", of(source), DONE, 5, delivery=delivery)

    answer = await api.call("GET", "audit", params={"subscription": "sub-approved"})

    found = [entry["source"] for entry in answer.json()["entries"]]
    assert sorted(found) == ["/team-x", "/team-y"]


async def test_what_was_done_by_hand_to_one_is_not_shown_of_another(api: Api) -> None:
    """Peeked, settled and revealed: each is noted with its source."""
    api.receivers["sub-flagged"].batches = [[a_delivery(of("/team-c"), 2)]]
    body = {"subscription": "sub-flagged", "reveal": True}
    peeked = await api.call("POST", "peek", json.dumps(body).encode(), headers=KEY)
    [held] = peeked.json()["deliveries"]
    assert (held["id"], held["source"]) == (ID, "/team-c")
    wish = {"disposition": "acknowledge", "lockTokens": [held["lockToken"]]}
    body = {"subscription": "sub-flagged", **wish}
    settled = await api.call("POST", "settle", json.dumps(body).encode(), headers=KEY)
    await life(api, source="/team-b", reveal="true")

    [result] = settled.json()["results"]
    assert (result["source"], result["settled"]) == ("/team-c", True)
    assert ("peek", "sub-flagged", None) in steps(await life(api, source="/team-c"))
    assert "peek" not in [
        kind for kind, _, _ in steps(await life(api, source="/team-a"))
    ]
    noted = sorted(
        (action["action"], *action["sources"]) for action in await api.actions()
    )
    assert noted == [
        ("peek", "/team-c"),
        ("reveal", "/team-b"),
        ("reveal", "/team-c"),
        ("settle", "/team-c"),
    ]


async def test_a_redrive_names_the_event_whole(api: Api) -> None:
    """In what it answers, in what is noted, and in the life of the right one."""
    name = f"{ROOT}/9/a.json"
    body = {"deadLetters": [{"name": name}], "dryRun": False}
    answer = await api.call("POST", "redrive", json.dumps(body).encode(), headers=KEY)

    [result] = answer.json()["results"]
    assert (result["source"], result["outcome"]) == ("/team-a", "acknowledge")
    [noted] = [
        action for action in await api.actions() if action["action"] == "redrive"
    ]
    assert (noted["ids"], noted["sources"]) == ([ID], ["/team-a"])
    assert "redriven" in [
        kind for kind, _, _ in steps(await life(api, source="/team-a"))
    ]
    assert "redriven" not in [
        kind for kind, _, _ in steps(await life(api, source="/team-b"))
    ]


async def test_a_pull_names_the_source(api: Api) -> None:
    """Of each delivery that is listed; the others are counted."""
    batches = [[a_delivery(of(source)) for _ in range(150) for source in SOURCES]]
    api.receivers["sub-flagged"].batches = batches
    answer = await api.call("POST", "pull", params={"subscription": "sub-flagged"})

    [drained] = answer.json()["subscriptions"]
    listed = [delivery["source"] for delivery in drained["deliveries"]]
    assert listed[:3] == list(SOURCES)
    assert drained["omitted"] == drained["received"] - len(listed) > 0
