"""One event's life over HTTP."""

import json
from datetime import timedelta
from typing import Any

import pytest

from console.endpoints.records import event_history
from console.endpoints.records.event_history import find_takers
from console.endpoints.records.event_history_steps import ELSEWHERE
from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.outcomes import Acknowledge, Disposition, Reject, Release, Verb
from eventgrid_pull.publishing.publish_stamp import ATTRIBUTE, PUBLISHER
from moderation.audit import actions
from moderation.audit import entry as audit_entry
from moderation.audit.entry import DeadLetterRef
from moderation.dead_letters import blob_paths
from moderation.dead_letters.attempts import Attempt
from moderation.event_key import EventKey
from moderation.events import Verdict
from tests.calling import Answer, Api
from tests.dead_letters import InMemoryDeadLetters
from tests.make import APPROVED, ESCALATED, NOW, a_delivery, an_event, minutes

DONE = Acknowledge(Verdict.QUARANTINED)
KEY = EventKey("/tests", "event-1")
PUBLISHED = stamp(NOW - minutes(60))
EVENT = an_event(time=PUBLISHED, traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
LETTER = "local/moderation-events/sub-flagged/2026/11/23/9/one.json"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


async def record(
    api: Api,
    subscription: str,
    disposition: Disposition,
    *,
    ago: float,
    count: int = 1,
    event: dict[str, Any] | None = None,
    **more: Any,
) -> None:
    now = NOW - minutes(ago)
    delivery = a_delivery(event or EVENT, count)
    entry = audit_entry.entry(subscription, delivery, disposition, stamp(now), **more)
    await api.runtime.audit.record(subscription, [entry], now)


async def life(api: Api, **query: str) -> Answer:
    return await api.call("GET", "life", params={"id": "event-1"} | query)


def steps(answer: Answer) -> list[tuple[str, str | None, str | None]]:
    told = answer.json()["steps"]
    return [(step["kind"], step["subscription"], step["disposition"]) for step in told]


async def test_a_life_goes_from_its_publication_to_its_end(api: Api) -> None:
    """Every event subscription that takes it, oldest first."""
    now = NOW - minutes(60)
    action = actions.action("publish", "ann", now, events=[KEY])
    await api.runtime.actions.note(action, now)
    await record(api, "sub-flagged", Release("boom"), ago=59)
    await record(api, "sub-all-events", DONE, ago=58)
    await record(api, "sub-flagged", DONE, ago=57, count=2)

    answer = await life(api, at=PUBLISHED)

    assert steps(answer) == [
        ("published", None, None),
        ("delivery", "sub-flagged", "release"),
        ("delivery", "sub-all-events", "acknowledge"),
        ("delivery", "sub-flagged", "acknowledge"),
    ]
    told = answer.json()
    assert told["steps"][0]["by"] == "ann"
    assert told["expected"] == ["sub-flagged", "sub-all-events"]
    assert (told["traceId"], told["complete"]) == ("a" * 32, True)
    assert told["event"]["data"]["redacted"] is True
    assert told["searched"]["until"] < stamp(NOW)


STAMPED = stamp(NOW - minutes(60) + timedelta(seconds=1))
SAYS = {ATTRIBUTE: STAMPED, PUBLISHER: "oid"}


@pytest.mark.parametrize(
    ("attributes", "lines", "told"),
    [
        (SAYS, ["oid"], [("oid", None, None)]),
        (SAYS, [], [(None, "oid", None)]),
        (SAYS, ["eve"], [("eve", None, None), (None, "oid", None)]),
        (SAYS, [None], [("ann", None, None), (None, "oid", None)]),
        ({ATTRIBUTE: STAMPED}, [None], [("ann", None, None)]),
        ({ATTRIBUTE: STAMPED}, [], [(None, None, ELSEWHERE)]),
        ({}, ["oid"], [("oid", None, None)]),
        ({}, [], [(None, None, f"{ELSEWHERE}, by the publisher's clock")]),
        ({PUBLISHER: "oid"}, [], [(None, "oid", "by the publisher's clock")]),
        (SAYS | {PUBLISHER: ""}, [], [(None, None, ELSEWHERE)]),
        (SAYS | {PUBLISHER: 7}, [], [(None, "7", None)]),
        (SAYS | {PUBLISHER: "x" * 900}, [], [(None, "x" * 100, None)]),
    ],
)
@pytest.mark.parametrize("seconds", [5.0, -1.0])
async def test_a_line_of_the_log_proves_who_published_and_all_else_is_a_claim(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    attributes: dict[str, Any],
    lines: list[str | None],
    told: list[tuple[str | None, str | None, str | None]],
    seconds: float,
) -> None:
    """
    Whoever may publish past the app can write the attribute; None is an older line.
    """
    monkeypatch.setattr(event_history, "SEARCH_SECONDS", seconds)
    for identity in lines:
        at = NOW - minutes(60) + timedelta(seconds=1)
        line: actions.Action = actions.action("publish", "ann", at, events=[KEY])
        if identity is not None:
            line = actions.publish_action(
                identity, identity, at, stamped=at, events=[KEY]
            )
        await api.runtime.actions.note(line, at)
    await record(api, "sub-flagged", DONE, ago=59, event=EVENT | attributes)

    found, cursor = [], {"at": PUBLISHED}
    while cursor:
        answer = (await life(api, **cursor)).json()
        found += [step for step in answer["steps"] if step["kind"] == "published"]
        cursor = {"cursor": answer["cursor"]} if answer["cursor"] else {}

    assert [(step["by"], step["claimedBy"], step["text"]) for step in found] == told


async def test_an_append_that_was_repeated_is_one_publish(api: Api) -> None:
    """
    Its answer was lost, so its lines stand there twice, a little later the second time.
    """
    at = NOW - minutes(60)
    for later in (1, 2, 2):
        moment = at + timedelta(seconds=later)
        line = actions.publish_action("ann", "oid", moment, stamped=at, events=[KEY])
        await api.runtime.actions.note(line, moment)
    again = NOW - minutes(50)
    twice = actions.publish_action("ann", "oid", again, stamped=again, events=[KEY])
    await api.runtime.actions.note(twice, again)
    await record(api, "sub-flagged", DONE, ago=49, event=EVENT | SAYS)

    steps = (await life(api, at=PUBLISHED)).json()["steps"]

    assert [step["at"] for step in steps if step["kind"] == "published"] == [
        stamp(at),
        stamp(again),
    ]


async def test_a_rejected_event_is_followed_to_its_dead_letter(api: Api) -> None:
    """What Event Grid says of it, and what was tried with it."""
    store = api.runtime.dead_letters = InMemoryDeadLetters()
    await record(api, "sub-flagged", Reject("never"), ago=59)
    buried = NOW - minutes(58)
    said = {"deadletterreason": "Rejected", "deliveryattempts": 1}
    letter = {"event": EVENT, "deadletterproperties": said}
    other = {"event": an_event(id="another"), "deadletterproperties": said}
    store.put(LETTER.replace("one", "two"), json.dumps([other]).encode(), buried)
    store.put(LETTER, json.dumps([other, letter]).encode(), buried)
    for attempt in (
        Attempt(at=stamp(NOW), index=1, number=1, by="bob", outcome=Verb.REJECT),
        Attempt(at=stamp(NOW), index=1, number=2, by="eve"),
    ):
        size = len(await store.ledger(LETTER))
        await store.note(LETTER, attempt.line(), after=size)

    answer = await life(api)

    assert steps(answer) == [
        ("published", None, None),
        ("delivery", "sub-flagged", "reject"),
        ("dead-lettered", "sub-flagged", None),
        ("redriven", "sub-flagged", "reject"),
        ("redriven", "sub-flagged", None),
    ]
    _, _, dead, redriven, begun = answer.json()["steps"]
    assert dead["deadLetter"] == {"name": LETTER, "index": 1}
    assert (dead["reason"], dead["deliveryCount"]) == ("Rejected", 1)
    assert (redriven["by"], begun["by"]) == ("bob", "eve")


async def test_what_was_noted_late_keeps_its_place(api: Api) -> None:
    """Publishing is noted after it is done, and storage's clock has whole seconds."""
    store = api.runtime.dead_letters = InMemoryDeadLetters()
    await record(api, "sub-flagged", Reject("never"), ago=59)
    now = NOW - minutes(58.999)
    action = actions.action("publish", "ann", now, events=[KEY])
    await api.runtime.actions.note(action, now)
    store.put(LETTER, json.dumps([{"event": EVENT}]).encode(), NOW - minutes(59.01))

    answer = await life(api)

    assert [kind for kind, _, _ in steps(answer)] == [
        *("published", "delivery", "dead-lettered")
    ]


async def test_an_archived_dead_letter_keeps_its_time(api: Api) -> None:
    """
    Its blob has the time of the move into the archive, which is not when it was lost.
    """
    store = api.runtime.dead_letters = InMemoryDeadLetters()
    await record(api, "sub-flagged", Reject("never"), ago=59)
    said = {"deliveryattemptutc": stamp(NOW - minutes(58))}
    letter = {"event": EVENT, "deadletterproperties": said}
    store.put(blob_paths.archived(LETTER), json.dumps([letter]).encode(), NOW)

    answer = await life(api)

    dead = answer.json()["steps"][-1]
    assert (dead["kind"], dead["at"]) == ("dead-lettered", stamp(NOW - minutes(58)))


async def test_a_redrive_is_shown_once(api: Api) -> None:
    """It stands in the audit log and in the dead letter's ledger."""
    store = api.runtime.dead_letters = InMemoryDeadLetters()
    await record(api, "sub-flagged", Reject("never"), ago=59)
    store.put(LETTER, json.dumps([{"event": EVENT}]).encode(), NOW - minutes(58))
    dead_letter = DeadLetterRef(LETTER, 0)
    await record(
        api, "sub-flagged", DONE, ago=1, count=2, by="bob", redrive=dead_letter
    )
    attempt = Attempt(
        at=stamp(NOW - minutes(1)),
        index=0,
        number=1,
        by="bob",
        outcome=Verb.ACKNOWLEDGE,
        verdict="quarantined",
    )
    await store.note(LETTER, attempt.line(), after=0)

    answer = await life(api)

    assert [kind for kind, _, _ in steps(answer)].count("redriven") == 1


async def test_a_search_that_takes_long_goes_on_with_its_cursor(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer has further steps; when it was published is told once."""
    monkeypatch.setattr(event_history, "SEARCH_SECONDS", -1.0)
    await record(api, "sub-flagged", Release("boom"), ago=59)
    await record(api, "sub-flagged", DONE, ago=57, count=2)
    found, calls, query = [], 0, dict[str, str]()
    while calls == 0 or query:
        answer = await life(api, **query)
        told = answer.json()
        found += steps(answer)
        query = {"cursor": told["cursor"]} if told["cursor"] else {}
        calls += 1
        assert told["expected"] in ([], ["sub-flagged", "sub-all-events"])

    assert sorted(found, key=str) == [
        ("delivery", "sub-flagged", "acknowledge"),
        ("delivery", "sub-flagged", "release"),
        ("published", None, None),
    ]
    assert told["expected"] == ["sub-flagged", "sub-all-events"]
    assert (told["complete"], calls > 5) == (True, True)


@pytest.mark.parametrize("ago", [40, 42])
async def test_a_search_that_goes_on_ends_when_everyone_is_done(
    api: Api, monkeypatch: pytest.MonkeyPatch, ago: int
) -> None:
    """Who was seen to be done in an earlier answer need not be found again."""
    monkeypatch.setattr(event_history, "SEARCH_SECONDS", -1.0)
    await record(api, "sub-flagged", DONE, ago=59)
    await record(api, "sub-all-events", DONE, ago=ago)

    told = (await life(api, at=PUBLISHED)).json()
    while told["cursor"]:
        told = (await life(api, cursor=told["cursor"])).json()

    assert told["complete"]
    assert told["searched"]["until"] < stamp(NOW - minutes(30))


async def test_a_revealed_event_is_noted(api: Api) -> None:
    """And shown whole."""
    await record(api, "sub-flagged", DONE, ago=59)

    answer = await life(api, reveal="true")

    assert answer.json()["event"]["data"]["contentId"] == "doc-1"
    [noted] = await api.actions()
    assert (noted["action"], noted["ids"]) == ("reveal", ["event-1"])


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "noon", None]
)
async def test_an_event_whose_time_is_none_has_a_life(
    api: Api, monkeypatch: pytest.MonkeyPatch, time: str | None
) -> None:
    """Publishers may write anything there."""
    monkeypatch.setitem(EVENT, "time", time)
    await record(api, "sub-flagged", DONE, ago=59)

    answer = await life(api)

    [published, delivery] = answer.json()["steps"]
    assert published["text"].endswith("before its first delivery; when is not known")
    assert (delivery["kind"], delivery["at"]) == ("delivery", published["at"])


async def test_an_event_that_is_not_known_has_no_steps(api: Api) -> None:
    """A month was looked through."""
    told = (await life(api, id="nobody")).json()

    assert (told["steps"], told["event"], told["complete"]) == ([], None, True)
    assert told["searched"]["since"] == "2026-10-23T10:30:00.000000Z"


@pytest.mark.parametrize("query", [{"id": ""}, {"cursor": "x"}, {"at": "noon"}])
async def test_what_cannot_be_asked_is_refused(api: Api, query: dict[str, str]) -> None:
    """With the name of what is wrong."""
    answer = await life(api, **query)

    assert answer.status == 400
    assert answer.json()["problems"][0]["path"] in query


def test_the_filters_decide_who_takes_an_event(api: Api) -> None:
    """One that cannot be read goes to whoever takes everything."""
    declared = api.runtime.topology

    assert find_takers(declared, json.dumps(EVENT).encode()) == [
        "sub-flagged",
        "sub-all-events",
    ]
    approved = json.dumps(an_event(type=APPROVED)).encode()
    assert find_takers(declared, approved) == ["sub-approved", "sub-all-events"]
    escalated = json.dumps(an_event(type=ESCALATED)).encode()
    assert find_takers(declared, escalated) == ["sub-all-events"]
    assert find_takers(declared, b'"not an event"') == ["sub-all-events"]
