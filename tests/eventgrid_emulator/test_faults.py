"""Faults that can be switched on, and throughput units."""

import json
import time
from typing import Any

import aiohttp
import pytest
from azure.core.credentials import AzureKeyCredential
from azure.eventgrid.aio import EventGridConsumerClient

from eventgrid_emulator import EmulatedNamespace
from eventgrid_emulator.errors import Code
from eventgrid_emulator.events.cloudevents import read_batch
from eventgrid_emulator.operations.throttle import Throttle
from tests.eventgrid_emulator.conftest import TOPOLOGY
from tests.eventgrid_emulator.wire import ALL, EVENT, Wire, emulated, lock_tokens

pytestmark = pytest.mark.contract


async def switch(wire: Wire, *faults: dict[str, Any], seed: int = 0) -> None:
    plan = {"faults": list(faults), "seed": seed}
    async with wire.http.post("/_local/faults", json=plan) as answer:
        assert answer.status == 200, await answer.text()


async def hits(wire: Wire) -> list[int]:
    async with wire.http.get("/_local/faults") as answer:
        return [fault["hits"] for fault in (await answer.json())["faults"]]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "TooManyRequests"),
        (403, "QuotaExceeded"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
    ],
)
@pytest.mark.parametrize("retry_after", [None, 2])
async def test_a_refusal_comes_as_often_as_asked(
    status: int, code: str, retry_after: int | None, wire: Wire
) -> None:
    """With or without `Retry-After`, and nothing is done for the request."""
    fault = {"kind": "error", "operation": "publish", "status": status, "times": 2}
    if retry_after:
        fault["retryAfter"] = retry_after
    await switch(wire, fault)

    answers = [await wire.publish(EVENT) for _ in range(3)]

    assert [answer[0] for answer in answers] == [status, status, 200]
    assert answers[0][1]["broker-errorcode"] == code
    assert answers[0][1].get("Retry-After") == (
        str(retry_after) if retry_after else None
    )
    assert await hits(wire) == [2]
    assert len(await wire.receive()) == 1


async def test_an_answer_is_lost_after_the_work_was_done(wire: Wire) -> None:
    """The client sees a broken connection; the event is acknowledged all the same."""
    await wire.publish(EVENT)
    tokens = lock_tokens(await wire.receive())
    await switch(wire, {"kind": "answer-lost", "operation": "acknowledge", "times": 1})

    with pytest.raises(aiohttp.ClientError):
        await wire.settle("acknowledge", tokens)

    _, _, body = await wire.settle("acknowledge", tokens)
    assert body["failedLockTokens"][0]["error"]["code"] == "TokenLost"


async def test_an_answer_is_cut_in_the_middle(wire: Wire) -> None:
    """Headers and half a body arrive."""
    await wire.publish(EVENT)
    await switch(wire, {"kind": "answer-cut", "operation": "receive", "times": 1})

    with pytest.raises(aiohttp.ClientPayloadError):
        await wire.receive()


async def test_a_slow_answer_takes_its_time(wire: Wire) -> None:
    """At least as long as asked."""
    await switch(wire, {"kind": "slow", "operation": "publish", "seconds": 0.2})
    started = time.monotonic()
    await wire.publish(EVENT)
    assert time.monotonic() - started >= 0.2


async def test_part_of_the_tokens_fail(wire: Wire) -> None:
    """They answer InternalServerError and stay locked; the seed says which."""
    await wire.publish(*[EVENT] * 40)
    tokens = lock_tokens(await wire.receive())
    fault = {"kind": "tokens-fail", "operation": "renewLock", "share": 0.5}

    failed = []
    for _ in range(2):
        await switch(wire, fault, seed=3)
        _, _, body = await wire.settle("renewLock", tokens)
        failed.append([token["lockToken"] for token in body["failedLockTokens"]])
        codes = {token["error"]["code"] for token in body["failedLockTokens"]}
        assert codes == {"InternalServerError"}
        assert len(body["succeededLockTokens"]) + len(failed[-1]) == 40

    assert failed[0] == failed[1]
    assert 5 < len(failed[0]) < 35
    await switch(wire)
    _, _, body = await wire.settle("acknowledge", tokens)
    assert body["failedLockTokens"] == []


async def test_a_lock_is_lost_before_its_time(wire: Wire) -> None:
    """The settlement fails and the event is delivered to the next receiver."""
    await wire.publish(EVENT)
    tokens = lock_tokens(await wire.receive())
    await switch(wire, {"kind": "lock-lost", "times": 1})

    _, _, body = await wire.settle("acknowledge", tokens)

    assert body["failedLockTokens"][0]["error"]["code"] == "TokenLost"
    [again] = await wire.receive()
    assert again["brokerProperties"]["deliveryCount"] == 2


async def test_a_publish_can_be_stored_twice(wire: Wire) -> None:
    """As after a publisher's retry."""
    await switch(wire, {"kind": "duplicate", "operation": "publish", "times": 1})
    await wire.publish(EVENT)

    assert [item["event"]["id"] for item in await wire.receive()] == ["1", "1"]


async def test_an_acknowledged_event_can_come_back(
    wire: Wire, namespace: EmulatedNamespace
) -> None:
    """The answer says yes, and the event is delivered again after its lock."""
    await wire.publish(EVENT)
    tokens = lock_tokens(await wire.receive())
    await switch(wire, {"kind": "duplicate", "operation": "acknowledge", "times": 1})

    _, _, body = await wire.settle("acknowledge", tokens)

    assert body["succeededLockTokens"] == tokens
    await namespace.advance(60)
    [again] = await wire.receive()
    assert again["brokerProperties"]["deliveryCount"] == 2


async def test_an_undecodable_event_breaks_the_sdk_s_receive(
    wire: Wire, namespace: EmulatedNamespace
) -> None:
    """Its neighbour arrives whole; the SDK loses both, which is what one wants to see."""
    await wire.publish(EVENT, EVENT | {"id": "2"})
    await switch(wire, {"kind": "undecodable"})

    first, second = await wire.receive()
    assert {"data", "data_base64"} <= first["event"].keys()
    assert second["event"] == EVENT | {"id": "2"}
    await namespace.advance(60)
    async with EventGridConsumerClient(
        namespace.endpoint,
        AzureKeyCredential(namespace.key),
        namespace_topic="moderation-events",
        subscription="sub-all-events",
    ) as consumer:
        with pytest.raises(ValueError, match="data"):
            await consumer.receive(max_events=2, max_wait_time=10)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "unknown"},
        {"kind": "error", "status": 418},
        {"kind": "slow", "seconds": -1},
        {"kind": "error", "probability": 2},
        {"kind": "undecodable", "operation": "publish"},
        {"kind": "error", "typo": 1},
        {},
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(
    fault: dict[str, Any], wire: Wire
) -> None:
    """The plan that was in force stays."""
    await switch(wire, {"kind": "slow", "seconds": 0})
    async with wire.http.post("/_local/faults", json={"faults": [fault]}) as answer:
        assert answer.status == 400
    assert await hits(wire) == [0]


async def test_faults_are_switched_off(wire: Wire) -> None:
    """DELETE ends all of them."""
    await switch(wire, {"kind": "error"})
    async with wire.http.delete("/_local/faults") as answer:
        assert (await answer.json())["faults"] == []
    assert (await wire.publish(EVENT))[0] == 200


@pytest.mark.parametrize(
    ("refusal", "status"), [(Code.TOO_MANY_REQUESTS, 429), (Code.QUOTA_EXCEEDED, 403)]
)
async def test_a_throughput_unit_takes_a_thousand_events_a_second(
    refusal: Code, status: int
) -> None:
    """What comes on top is refused, and taken again when the second has passed."""
    async with emulated(TOPOLOGY, throttle=Throttle(1, refusal)) as (_, wire):
        assert (await wire.publish(*[EVENT] * 1000))[0] == 200
        answers = [await wire.publish(*[EVENT] * 1000) for _ in range(3)]
        [refused, *_] = [answer for answer in answers if answer[0] == status]
        assert "Retry-After" not in refused[1]
        found = await wire.receive()
        _, _, body = await wire.settle("acknowledge", lock_tokens(found))
        assert body["failedLockTokens"] == []


async def test_a_throughput_unit_takes_a_megabyte_a_second_and_gives_two() -> None:
    """Bytes are metered as events are, in both directions."""
    throttle = Throttle(1)
    large = EVENT | {"data": "x" * 900_000}
    async with emulated(TOPOLOGY, throttle=throttle) as (namespace, wire):
        statuses = [(await wire.publish(large))[0] for _ in range(3)]
        assert statuses == [200, 200, 429]

        known = namespace.app.namespace
        [event] = read_batch(json.dumps([large]).encode())
        await known.publish(known.topic("moderation-events"), [event] * 4)
        assert len(await wire.receive()) == 6
        status, _, _ = await wire.post(f"{ALL}:receive")
        assert status == 429


async def test_a_receive_takes_its_events_from_the_egress() -> None:
    """Two thousand a second per unit; settlements have as many of their own."""
    throttle = Throttle(1)
    async with emulated(TOPOLOGY, throttle=throttle) as (_, wire):
        await wire.publish(*[EVENT] * 100)
        tokens = lock_tokens(await wire.receive())
        await wire.settle("acknowledge", tokens)
    for meter in (throttle.egress, throttle.settlements):
        assert meter.left[0] == 1900
