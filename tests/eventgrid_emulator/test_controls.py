"""What a test does to a namespace between requests: reset, look, wait, declare anew."""

import asyncio
import json
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridConsumerClient, EventGridPublisherClient

from eventgrid_emulator import EmulatedNamespace
from eventgrid_emulator.admin import openapi
from tests.eventgrid_emulator.wire import EVENT, Wire, emulated, lock_tokens, until

pytestmark = pytest.mark.contract


async def ask(wire: Wire, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body)
    async with wire.http.request(method, f"/_local{path}", data=data) as answer:
        return answer.status, await answer.json()


async def held(wire: Wire, query: str = "") -> list[dict[str, Any]]:
    _, found = await ask(wire, "GET", f"/events{query}")
    return list(found["events"])


async def test_a_reset_leaves_nothing(wire: Wire) -> None:
    """Events in line, locked and delayed, faults, clock, history, dead letters, topology."""
    await wire.publish(EVENT, EVENT, EVENT | {"id": "known"})
    tokens = lock_tokens(await wire.receive())
    await wire.settle("release", tokens[:1], releaseDelayInSeconds="3600")
    await wire.settle("reject", tokens[1:2])
    await ask(wire, "POST", "/faults", {"faults": [{"kind": "error"}]})
    await ask(wire, "POST", "/clock", {"advance": 30})
    await ask(wire, "PUT", "/topology", {"topic": "other"})

    assert (await ask(wire, "POST", "/reset"))[0] == 200

    assert await held(wire) == []
    assert (await ask(wire, "GET", "/clock"))[1]["ahead"] == 0
    assert (await ask(wire, "GET", "/faults"))[1]["faults"] == []
    assert (await ask(wire, "GET", "/deadletters"))[1]["deadLetters"] == []
    assert (await ask(wire, "GET", "/events?id=known"))[1]["steps"] == []
    [topic] = (await ask(wire, "GET", "/topology"))[1]["topics"]
    assert topic["topic"] == "moderation-events"
    _, _, answer = await wire.settle("acknowledge", tokens[2:])
    assert answer["failedLockTokens"][0]["error"]["code"] == "TokenLost"
    await wire.publish(EVENT)
    assert [event["deliveryCount"] for event in await held(wire)] == [0]


async def test_a_reset_of_one_event_subscription_spares_the_others(wire: Wire) -> None:
    """A suite that shares a namespace empties what it used."""
    kind = "com.contoso.ai.ContentFlagged"
    await wire.publish(EVENT | {"type": kind})

    await ask(wire, "POST", "/reset", {"subscription": "sub-flagged"})

    assert [event["subscription"] for event in await held(wire)] == ["sub-all-events"]


async def test_a_reset_of_a_topic_without_event_subscriptions_spares_all() -> None:
    """What is empty is not everything."""
    sub = {"topic": "moderation-events", "eventSubscriptions": [{"name": "sub-all"}]}
    async with emulated({"topics": [sub, {"topic": "empty"}]}) as (_, wire):
        await wire.publish(EVENT)

        assert (await ask(wire, "POST", "/reset", {"topic": "empty"}))[0] == 200

        assert len(await held(wire)) == 1


async def test_a_reset_answers_receivers_that_wait(
    wire: Wire, namespace: EmulatedNamespace
) -> None:
    """No test waits for the receive of the one before it."""
    queue = namespace.app.namespace.subscription("moderation-events", "sub-all-events")
    waiting = asyncio.create_task(wire.receive())
    await until(lambda: queue.waiters)

    await ask(wire, "POST", "/reset")

    assert await waiting == []


async def test_a_moved_clock_ends_a_receive_that_has_waited_so_long(
    wire: Wire, namespace: EmulatedNamespace
) -> None:
    """That nothing came costs a moment instead of ten seconds."""
    queue = namespace.app.namespace.subscription("moderation-events", "sub-all-events")
    waiting = asyncio.create_task(wire.receive())
    await until(lambda: queue.waiters)
    await namespace.advance(9)
    assert not waiting.done()

    await namespace.advance(1)

    assert await waiting == []


async def test_what_is_held_is_seen_without_receiving_it(wire: Wire) -> None:
    """State, delivery count and event; nothing is locked by it."""
    await wire.publish(EVENT, EVENT | {"id": "2"})
    await wire.receive(1)

    found = await held(wire, "?topic=moderation-events&subscription=sub-all-events")

    assert sorted((event["state"], event["deliveryCount"]) for event in found) == [
        ("locked", 1),
        ("ready", 0),
    ]
    assert {item["event"]["id"] for item in found} == {"1", "2"}


async def test_dead_letters_are_kept_where_they_are_sent_nowhere(wire: Wire) -> None:
    """As a blob would hold them, with the path that it would have."""
    await wire.publish(EVENT)
    await wire.settle("reject", lock_tokens(await wire.receive()))

    _, found = await ask(wire, "GET", "/deadletters?subscription=sub-all-events")

    [letter] = found["deadLetters"]
    start = "dead-letters/local/moderation-events/sub-all-events/"
    assert letter["blob"].startswith(start)
    reason = letter["deadLetterProperties"]["deadletterreason"]
    assert reason == "Event was rejected."
    assert letter["event"]["id"] == "1"


async def test_waiting_ends_with_what_is_waited_for(wire: Wire) -> None:
    """For so many events, or for none; 408 when it does not come to that."""
    waiting = asyncio.create_task(ask(wire, "POST", "/wait", {"events": 2}))
    await wire.publish(EVENT)
    await wire.publish(EVENT)
    assert (await waiting)[0] == 200

    idle = asyncio.create_task(ask(wire, "POST", "/wait"))
    await wire.settle("acknowledge", lock_tokens(await wire.receive()))
    assert (await idle)[1] == {"events": 0}

    status, answer = await ask(wire, "POST", "/wait", {"events": 1, "seconds": 0})
    assert (status, answer["error"]["code"]) == (408, "Timeout")


async def test_a_stop_ends_a_wait(wire: Wire, namespace: EmulatedNamespace) -> None:
    """Nobody who stops the emulator waits for what no longer happens."""
    waiting = asyncio.create_task(
        ask(wire, "POST", "/wait", {"events": 1, "seconds": 60})
    )
    await until(lambda: namespace.app.namespace.watchers.waiting)

    await namespace.app.namespace.close()

    assert (await asyncio.wait_for(waiting, 30))[0] == 408


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/reset", {"topic": "none"}, 404),
        ("POST", "/reset", {"subscription": "none"}, 404),
        ("POST", "/reset", {"subscribtion": "sub-flagged"}, 400),
        ("POST", "/reset", [], 400),
        ("POST", "/wait", {"seconds": 3600}, 400),
        ("POST", "/wait", {"events": -1}, 400),
        ("POST", "/wait", {"events": 1.5}, 400),
        ("PUT", "/topology", {"topics": []}, 400),
        ("PUT", "/topology", {"topic": "x"}, 400),
        ("PUT", "/topology", "x", 400),
        ("GET", "/deadletters?subscription=none", None, 404),
        ("GET", "/events?subscription=none", None, 404),
        ("GET", "/events?topic=none", None, 404),
        *(
            ("POST", "/clock", {"advance": s}, 400)
            for s in (-1, "60", None, True, 1e12)
        ),
        ("POST", "/clock", None, 400),
        ("GET", "/nothing", None, 404),
        ("GET", "/../topics", None, 404),
        ("DELETE", "/clock", None, 405),
        ("DELETE", "/events", None, 405),
        ("GET", "/reset", None, 405),
    ],
)
async def test_what_cannot_be_done_is_refused_and_changes_nothing(
    method: str, path: str, body: Any, status: int, wire: Wire
) -> None:
    """A misspelt name does not empty everything."""
    await wire.publish(EVENT)

    found, answer = await ask(wire, method, path, body)

    assert (found, "error" in answer) == (status, True)
    assert len(await held(wire)) == 1
    assert (await ask(wire, "GET", "/clock"))[1]["ahead"] == 0


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize("body", [b"", b"a=1", b"--x--"])
async def test_a_web_form_does_nothing(kind: str, body: bytes, wire: Wire) -> None:
    """A page can send one to anybody, and some browsers do not say whose it is."""
    await wire.publish(EVENT)
    for path in ("/reset", "/wait", "/clock", "/faults"):
        headers = {"Content-Type": kind}
        url = f"/_local{path}"
        async with wire.http.post(url, data=body, headers=headers) as answer:
            assert answer.status in (400, 415), path

    assert len(await held(wire)) == 1


async def test_a_topology_is_returned_as_a_file_declares_it(wire: Wire) -> None:
    """What is returned can be put back, filters and limits with it."""
    declared = {
        "topic": "orders",
        "eventRetentionInDays": 2,
        "deadLetterContainer": False,
        "eventSubscriptions": [
            {
                "name": "sub-a",
                "receiveLockDurationInSeconds": 90,
                "maxDeliveryCount": 3,
                "eventTimeToLive": "PT5400S",
                "filtersConfiguration": {
                    "includedEventTypes": ["t"],
                    "filters": [
                        {"operatorType": "StringIn", "key": "a", "values": ["x"]},
                        {"operatorType": "BoolEquals", "key": "b", "value": True},
                        {"operatorType": "IsNotNull", "key": "c"},
                    ],
                },
            }
        ],
    }

    _, answer = await ask(wire, "PUT", "/topology", declared)

    assert answer == {"topics": [declared]}
    assert (await ask(wire, "GET", "/topology"))[1] == answer


async def test_every_request_is_in_the_openapi_document(
    wire: Wire, namespace: EmulatedNamespace
) -> None:
    """Whoever writes a client for another language reads it there."""
    _, document = await ask(wire, "GET", "/openapi.json")

    listed = {
        (method.upper(), path.removeprefix("/_local"))
        for path, operations in document["paths"].items()
        for method in operations
    }
    handled = set(namespace.app.routes.admin.handlers)
    assert listed == handled | {("GET", "/health")}
    assert len(openapi.ROWS) == len(listed)


async def test_an_empty_receive_may_be_answered_at_once() -> None:
    """For suites with many tests in which nothing comes."""
    async with emulated(shortest_wait=0) as (_, wire):
        path = "/topics/events/eventsubscriptions/all"
        async with asyncio.timeout(5):
            assert await wire.receive(path=path) == []


def test_a_namespace_serves_code_without_a_loop() -> None:
    """The synchronous SDK is used inside a plain `with`."""
    with EmulatedNamespace(shortest_wait=0) as namespace:
        key = AzureKeyCredential(namespace.key)
        topic = {"namespace_topic": "events"}
        with EventGridPublisherClient(namespace.endpoint, key, **topic) as publisher:
            publisher.send(CloudEvent(source="/s", type="t", data={}))
        with EventGridConsumerClient(
            namespace.endpoint, key, **topic, subscription="all"
        ) as consumer:
            [detail] = consumer.receive(max_events=1, max_wait_time=10)
            consumer.reject(lock_tokens=[detail.broker_properties.lock_token])
        assert len(namespace.dead_letters(subscription="all")) == 1
        namespace.reset()
        assert namespace.dead_letters() == []
        assert namespace.idle(seconds=0)
