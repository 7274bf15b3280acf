"""Events received by hand are on record before they are shown, and before they are settled."""

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from eventgrid_pull.blob.append_log import StoreUnavailable
from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import Settled
from moderation.audit.entry import AuditEntry
from moderation.audit.log import Query
from moderation.manual import peek, recall
from moderation.manual.peek import MOST_PEEKS
from tests.calling import Api
from tests.make import NOW, InMemoryReceiver, a_delivery, an_event, minutes

FLAGGED = "sub-flagged"
KEY = {"x-functions-key": "secret"}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """The app's API."""
    return Api(monkeypatch)


def queue(api: Api, *deliveries: Delivery) -> InMemoryReceiver:
    """The event subscription, with these waiting."""
    receiver = api.receivers[FLAGGED]
    receiver.batches.append(list(deliveries))
    return receiver


async def post(api: Api, path: str, status: int = 200, **body: Any) -> Any:
    content = json.dumps({"subscription": FLAGGED} | body).encode()
    answer = await api.call("POST", path, content, headers=KEY)
    assert answer.status == status, answer.body
    return answer.json()


async def settle(api: Api, disposition: str, *tokens: str, **more: Any) -> Any:
    body: dict[str, Any] = {"disposition": disposition, "lockTokens": list(tokens)}
    return await post(api, "settle", **body, **more)


async def entries(api: Api) -> list[AuditEntry]:
    query = Query(since=NOW - minutes(1), until=NOW, subscriptions=[FLAGGED])
    return (await api.runtime.audit.find(query)).entries


async def test_one_peek_too_many_is_told_when_to_try_again(api: Api) -> None:
    """The endpoint is well; others are only faster."""
    places = api.runtime.peeks
    taken = [await places.acquire() for _ in range(MOST_PEEKS)]

    body = json.dumps({"subscription": FLAGGED}).encode()
    answer = await api.call("POST", "peek", body, headers=KEY)
    for _ in taken:
        places.release()

    assert (answer.status, answer.headers["Retry-After"]) == (429, "10")
    assert "too many others" in answer.json()["detail"]
    await post(api, "peek")


async def test_a_peek_shows_the_envelope_and_what_it_cost(api: Api) -> None:
    """Lock, delivery count and the notice; the data only when it is asked for."""
    delivery = a_delivery(count=3)
    queue(api, delivery)

    said = await post(api, "peek", maxEvents=5)

    assert (said["lockSeconds"], said["maxDeliveryCount"]) == (60, 10)
    assert said["lockedUntil"] == "2026-11-23T10:30:57.000000Z"
    assert "used one of its 10 permitted deliveries" in said["notice"]
    [held] = said["deliveries"]
    event = held.pop("event")
    assert held == {
        "lockToken": delivery.lock_token,
        "deliveryCount": 3,
        "id": "event-1",
        "source": "/tests",
        "type": "com.contoso.ai.ContentFlagged",
        "contentId": "doc-1",
        "time": "2026-11-23T10:29:59.000000Z",
        "malformed": None,
        "lastDelivery": False,
        "redacted": True,
    }
    assert event["source"] == "/tests"
    assert event["data"]["redacted"] is True


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("0001-01-01T00:00:00+10:00", None),
        ("9999-12-31T23:59:59-10:00", None),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ],
)
async def test_an_event_of_any_time_is_shown(
    api: Api, time: str, shown: str | None
) -> None:
    """Otherwise all that came with it would be held, and nobody could settle it."""
    queue(api, a_delivery(), a_delivery(an_event(time=time)))

    said = await post(api, "peek")

    assert [delivery["time"] for delivery in said["deliveries"]][1] == shown


async def test_a_peek_is_on_record_with_all_that_settling_needs(api: Api) -> None:
    """Whole lock tokens are not: nobody could settle with what is written."""
    delivery = a_delivery(an_event(traceparent="00-1-2-01"))
    queue(api, delivery)

    await post(api, "peek")

    [noted] = await api.actions()
    assert delivery.lock_token not in json.dumps(noted)
    assert noted["by"].startswith("key ")
    known = {"action", "subscription", "ids", "deliveryCount", "contentId"}
    assert {name: noted[name] for name in known} == {
        "action": "peek",
        "subscription": FLAGGED,
        "ids": ["event-1"],
        "deliveryCount": 1,
        "contentId": "doc-1",
    }
    assert noted["event"]["data"]["category"] == "violence"
    assert noted["traceparent"] == "00-1-2-01"


async def test_what_is_revealed_is_noted(api: Api) -> None:
    """With who saw it, in the same append."""
    queue(api, a_delivery())

    said = await post(api, "peek", reveal=True)

    [held] = said["deliveries"]
    assert held["event"]["data"]["contentId"] == "doc-1"
    assert held["redacted"] is False
    assert [action["action"] for action in await api.actions()] == ["reveal", "peek"]


async def test_an_empty_peek_says_who_else_may_have_been_faster(api: Api) -> None:
    """Nothing was done, so nothing is noted."""
    said = await post(api, "peek")

    assert (said["deliveries"], said["lockedUntil"]) == ([], None)
    assert "The timers drain sub-flagged, too" in said["notice"]
    assert api.receivers[FLAGGED].waits == [10]
    assert await api.actions() == []


async def test_what_cannot_be_kept_is_given_back_and_not_shown(api: Api) -> None:
    """Nobody could settle it later."""
    delivery = a_delivery()
    receiver = queue(api, delivery)
    api.store.fails = True

    problem = await post(api, "peek", status=503)

    assert "storage" in problem["detail"]
    assert receiver.settled == {delivery.lock_token: ("release", 0)}


async def test_without_storage_no_delivery_is_used_up(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is opened before anything is received."""
    receiver = queue(api, a_delivery())

    async def no_storage(name: str, now: datetime) -> None:
        raise StoreUnavailable("storage does not answer")

    monkeypatch.setattr(api.runtime.actions._log, "open", no_storage)

    await post(api, "peek", status=503)

    assert receiver.waits == []


async def test_the_locks_expire_when_nothing_at_all_works(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """One line says so."""
    queue(api, a_delivery()).fails = {"release"}
    api.store.fails = True

    with caplog.at_level(logging.ERROR):
        await post(api, "peek", status=503)

    assert "the locks have to expire" in caplog.text


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id": "1"\n, "type": "t"}',
        b'{"id": "\xff"}',
        b'"text"',
        b'{"id":"1","data":' + b"[" * 3000 + b"]" * 3000 + b"}",
    ],
)
async def test_a_malformed_event_can_be_seen_and_rejected(api: Api, raw: bytes) -> None:
    """The reason is said, and what came is in the entry."""
    delivery = a_delivery(raw)
    queue(api, delivery)

    said = await post(api, "peek", reveal=True)
    await settle(api, "reject", delivery.lock_token, reason="not JSON")

    [held] = said["deliveries"]
    assert "not a CloudEvent" in held["malformed"]
    [entry] = await entries(api)
    assert json.loads(bytes(entry.event)) == held["event"]
    assert (entry.id, entry.type) == (delivery.event.id, delivery.event.type)


@pytest.mark.parametrize(
    ("disposition", "more", "became", "verdict", "reason"),
    [
        ("acknowledge", {}, ("acknowledge", 0), "settled-by-hand", "by hand"),
        (
            "acknowledge",
            {"reason": " seen\n\u2028 to\x00 "},
            ("acknowledge", 0),
            "settled-by-hand",
            "by hand: seen to",
        ),
        ("release", {"delaySeconds": 600}, ("release", 600), None, "by hand"),
        (
            "reject",
            {"reason": "a duplicate"},
            ("reject", 0),
            None,
            "by hand: a duplicate",
        ),
    ],
)
async def test_what_is_settled_by_hand_is_recorded_with_who_did_it(
    api: Api,
    disposition: str,
    more: dict[str, Any],
    became: tuple[str, int],
    verdict: str | None,
    reason: str,
) -> None:
    """As an entry like any other, in the log of the event subscription."""
    delivery, other = a_delivery(), a_delivery(an_event(id="event-2"), count=4)
    receiver = queue(api, delivery, other)
    await post(api, "peek")

    said = await settle(api, disposition, delivery.lock_token, other.lock_token, **more)

    assert [(r["id"], r["settled"], r["failed"]) for r in said["results"]] == [
        ("event-1", True, None),
        ("event-2", True, None),
    ]
    assert receiver.settled == {delivery.lock_token: became, other.lock_token: became}
    found = {entry.id: entry for entry in await entries(api)}
    entry = found["event-2"]
    assert (entry.disposition, entry.verdict, entry.reason) == (
        disposition,
        verdict,
        reason,
    )
    assert entry.by is not None
    assert entry.by.startswith("key ")
    assert (entry.delivery_count, entry.lock_token) == (4, other.short_token)
    assert bytes(entry.event) == other.raw
    assert [action["action"] for action in await api.actions()] == [
        "settle",
        "peek",
        "peek",
    ]


async def test_a_token_that_was_not_received_here_is_refused(api: Api) -> None:
    """Nothing is recorded about an event that nobody saw."""
    delivery, other = a_delivery(), a_delivery()
    receiver = queue(api, delivery)
    await post(api, "peek")

    said = await settle(api, "acknowledge", other.lock_token, delivery.lock_token)

    unknown, known = said["results"]
    assert (unknown["id"], unknown["settled"]) == (None, False)
    assert unknown["failed"] == "NotPeeked"
    assert "did not receive it by hand" in unknown["why"]
    assert known["settled"] is True
    assert list(receiver.settled) == [delivery.lock_token]


async def test_a_token_belongs_to_its_event_subscription(api: Api) -> None:
    """Received from one, it cannot be settled on another."""
    delivery = a_delivery()
    queue(api, delivery)
    await post(api, "peek")

    said = await settle(
        api, "acknowledge", delivery.lock_token, subscription="sub-all-events"
    )

    assert said["results"][0]["failed"] == "NotPeeked"


async def test_what_was_received_long_ago_is_not_looked_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lock lasts longer than an hour and five minutes."""
    delivery = a_delivery()
    queue(api, delivery)
    await post(api, "peek")
    monkeypatch.setattr(api.runtime, "clock", lambda: NOW + minutes(67))

    said = await settle(api, "acknowledge", delivery.lock_token)

    assert said["results"][0]["failed"] == "NotPeeked"


async def test_a_search_that_takes_too_long_settles_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks is told to try again, instead of that it is not known."""
    delivery, other = a_delivery(), a_delivery(an_event(id="event-2"))
    receiver = queue(api, delivery, other)
    await post(api, "peek")
    monkeypatch.setattr(recall, "SEARCH_SECONDS", -1.0)
    body: dict[str, Any] = {"lockTokens": [delivery.lock_token]}

    problem = await post(api, "settle", 503, disposition="acknowledge", **body)

    assert "takes too long" in problem["detail"]
    assert receiver.settled == {}


async def test_lines_of_others_in_the_log_are_passed_over(api: Api) -> None:
    """Whatever they hold, and whatever an event pretends to be."""
    delivery = a_delivery()
    queue(api, delivery, a_delivery(an_event(note=peek.hash_of(delivery.lock_token))))
    await post(api, "peek")
    pretends = b'{"at":"2026-11-23T10:30:00.000000Z","tokenHash":"%s"}\n'
    line = pretends % peek.hash_of(delivery.lock_token).encode()
    await api.store.append("actions", NOW, line)

    said = await settle(api, "acknowledge", delivery.lock_token)

    assert [r["id"] for r in said["results"]] == ["event-1"]
    assert said["results"][0]["settled"] is True


async def test_event_grids_own_fault_with_a_renewal_does_not_end_the_settlement(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock may be there all the same, and settling tells."""
    delivery = a_delivery()
    receiver = queue(api, delivery)
    await post(api, "peek")

    async def faulty(tokens: Sequence[str]) -> Settled:
        return Settled(frozenset(), dict.fromkeys(tokens, "InternalServerError"))

    monkeypatch.setattr(receiver, "renew", faulty)

    said = await settle(api, "acknowledge", delivery.lock_token)
    renewed = await settle(api, "renew", delivery.lock_token)

    assert said["results"][0]["settled"] is True
    assert renewed["results"][0]["failed"] == "InternalServerError"
    assert "try again" in renewed["results"][0]["why"]


async def test_without_event_grid_nothing_is_recorded(api: Api) -> None:
    """The locks are asked for first."""
    delivery = a_delivery()
    queue(api, delivery).fails = {"renew"}
    await post(api, "peek")
    body: dict[str, Any] = {"lockTokens": [delivery.lock_token]}

    await post(api, "settle", 503, disposition="acknowledge", **body)
    await post(api, "settle", 503, disposition="renew", **body)

    assert await entries(api) == []


async def test_a_lock_that_is_gone_is_reported_and_not_recorded(api: Api) -> None:
    """The entry of whoever settled it meanwhile stands."""
    delivery, other = a_delivery(), a_delivery(an_event(id="event-2"))
    receiver = queue(api, delivery, other)
    await post(api, "peek")
    receiver.lose(delivery.lock_token)

    said = await settle(api, "acknowledge", delivery.lock_token, other.lock_token)

    gone, kept = said["results"]
    assert (gone["id"], gone["settled"], gone["failed"]) == (
        "event-1",
        False,
        "TokenLost",
    )
    assert "its lock is gone" in gone["why"]
    assert kept["settled"] is True
    assert [entry.id for entry in await entries(api)] == ["event-2"]


async def test_a_settlement_without_an_answer_is_not_called_settled(api: Api) -> None:
    """Its entry is overruled when the event comes again."""
    delivery = a_delivery()
    receiver = queue(api, delivery)
    await post(api, "peek")
    receiver.fails = {"acknowledge"}

    said = await settle(api, "acknowledge", delivery.lock_token)

    [result] = said["results"]
    assert (result["settled"], result["failed"]) == (False, "Unanswered")
    assert "Event Grid does not answer" in result["why"]


async def test_nothing_is_settled_that_cannot_be_recorded(api: Api) -> None:
    """The locks stay, for another try."""
    delivery = a_delivery()
    receiver = queue(api, delivery)
    await post(api, "peek")
    api.store.fails = True

    await post(
        api,
        "settle",
        status=503,
        disposition="acknowledge",
        lockTokens=[delivery.lock_token],
    )

    assert receiver.settled == {}


async def test_the_last_delivery_is_not_released_unknowingly(api: Api) -> None:
    """Released, it would be dead-lettered without a word; given up, with the reason."""
    delivery = a_delivery(count=10)
    receiver = queue(api, delivery)
    peeked = await post(api, "peek")

    refused = await settle(api, "release", delivery.lock_token, reason="later")
    before = await entries(api)
    given_up = await settle(
        api, "release", delivery.lock_token, reason="no", giveUp=True
    )

    assert peeked["deliveries"][0]["lastDelivery"] is True
    assert refused["results"][0]["failed"] == "LastDelivery"
    assert "dead-lettered" in refused["results"][0]["why"]
    assert before == []
    assert given_up["results"][0]["disposition"] == "reject"
    assert receiver.settled == {delivery.lock_token: ("reject", 0)}
    [entry] = await entries(api)
    assert entry.reason == "gave up after 10 deliveries: by hand: no"


async def test_a_lock_can_be_renewed(api: Api) -> None:
    """It is an action, but no decision: the audit log has no entry for it."""
    delivery, unknown = a_delivery(), a_delivery()
    receiver = queue(api, delivery)
    await post(api, "peek")

    said = await settle(api, "renew", unknown.lock_token, delivery.lock_token)

    assert [r["failed"] for r in said["results"]] == ["NotPeeked", None]
    assert said["lockedUntil"] == "2026-11-23T10:30:57.000000Z"
    assert receiver.renewals == 1
    assert await entries(api) == []
    assert (await api.actions())[0]["action"] == "renew"


async def test_the_same_token_twice_is_one(api: Api) -> None:
    """The second would be told lost."""
    delivery = a_delivery()
    queue(api, delivery)
    await post(api, "peek")

    said = await settle(api, "acknowledge", delivery.lock_token, delivery.lock_token)

    assert [r["settled"] for r in said["results"]] == [True]


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("peek", {"subscription": "sub-x"}, "$.subscription"),
        ("peek", {"maxEvents": 11}, "$.maxEvents"),
        ("peek", {"maxEvents": 0}, "$.maxEvents"),
        ("settle", {"disposition": "done", "lockTokens": ["a"]}, "$.disposition"),
        ("settle", {"disposition": "release", "lockTokens": []}, "$.lockTokens"),
        (
            "settle",
            {"disposition": "release", "lockTokens": ["a"] * 11},
            "$.lockTokens",
        ),
        ("settle", {"disposition": "release", "lockTokens": [""]}, "$.lockTokens[0]"),
        ("settle", {"disposition": "reject", "lockTokens": ["a"]}, "$.reason"),
        (
            "settle",
            {"disposition": "release", "lockTokens": ["a"], "delaySeconds": 30},
            "$.delaySeconds",
        ),
        (
            "settle",
            {"disposition": "reject", "lockTokens": ["a"], "reason": "x" * 501},
            "$.reason",
        ),
        ("settle", {"disposition": "release", "lockTokens": [1]}, "$.lockTokens[0]"),
    ],
)
async def test_what_is_not_allowed_is_refused_with_where(
    api: Api, path: str, body: dict[str, Any], where: str
) -> None:
    """Before anything is received or settled."""
    problem = await post(api, path, status=400, **body)

    assert [entry["path"] for entry in problem["problems"]] == [where]


def test_giving_everything_back_fits_into_what_a_closing_page_may_send() -> None:
    """A browser allows 64 KB to requests that outlive their page."""
    longest = {
        "subscription": "s" * 64,
        "disposition": "release",
        "lockTokens": ["t" * 1024] * 10,
        "reason": "\u2028" * 500,
        "giveUp": True,
    }

    assert len(json.dumps(longest).encode()) < 64 * 1024
