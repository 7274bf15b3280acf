"""What the emulator answers under `/_local/`: clock, queues, history, filters, metrics."""

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from eventgrid_emulator import EmulatedNamespace
from tests.eventgrid_emulator.emulator_process import running, start_failing
from tests.eventgrid_emulator.wire import (
    EVENT,
    FLAGGED,
    TOPIC,
    Wire,
    connected,
    emulated,
    lock_tokens,
)

pytestmark = pytest.mark.contract

TYPE = "com.contoso.ai.ContentFlagged"


async def get(wire: Wire, path: str) -> Any:
    async with wire.http.get(f"/_local/{path}") as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def advance(wire: Wire, seconds: Any) -> tuple[int, Any]:
    body = {"advance": seconds}
    async with wire.http.post("/_local/clock", json=body) as answer:
        return answer.status, await answer.json()


async def counts(wire: Wire, name: str = "sub-all-events") -> dict[str, Any]:
    [topic] = (await get(wire, "subscriptions"))["topics"]
    [found] = [queue for queue in topic["eventSubscriptions"] if queue["name"] == name]
    return dict(found)


async def test_a_one_hour_delay_passes_in_a_moment(wire: Wire) -> None:
    """Delays follow the clock that was moved."""
    await wire.publish(EVENT)
    tokens = lock_tokens(await wire.receive())
    await wire.settle("release", tokens, releaseDelayInSeconds="3600")
    assert (await counts(wire))["delayed"] == 1

    status, body = await advance(wire, 3600)

    assert (status, body["ahead"]) == (200, 3600)
    [found] = await wire.receive()
    assert found["brokerProperties"]["deliveryCount"] == 2


async def test_the_clock_stays_within_the_calendar(
    namespace: EmulatedNamespace, wire: Wire
) -> None:
    """Past the year 9999 no time could be written any more."""
    namespace.app.namespace.clock.offset += 7950 * 365.25 * 86_400
    for _ in range(20):
        async with wire.http.post("/_local/clock", json={"advance": 31e6}) as answer:
            status = answer.status
    assert status == 400
    async with wire.http.get("/_local/subscriptions") as answer:
        assert answer.status == 200


async def test_depths_and_counts_are_reported(
    wire: Wire, namespace: EmulatedNamespace
) -> None:
    """Ready, locked, delayed, age, and how often what happened."""
    await wire.publish(EVENT, EVENT, EVENT, EVENT | {"type": TYPE})
    found = await wire.receive(3)
    await wire.settle("acknowledge", lock_tokens(found[:1]))
    await wire.settle("release", lock_tokens(found[1:2]), releaseDelayInSeconds="10")
    await wire.settle("acknowledge", ["x"])
    await namespace.advance(5)

    counted = await counts(wire)

    wanted = {"ready": 1, "locked": 1, "delayed": 1, "matched": 4, "received": 3}
    wanted |= {"acknowledged": 1, "released": 1, "failedTokens": 1, "dropped": 0}
    assert counted | wanted == counted
    assert 5 <= counted["oldestAgeSeconds"] < 6
    assert (await counts(wire, "sub-flagged"))["ready"] == 1


async def test_an_unmatched_event_is_counted(tmp_path: Path) -> None:
    """It is accepted with 200 and goes nowhere."""
    declared = {
        "topic": "moderation-events",
        "eventSubscriptions": [
            {"name": "sub-a", "filtersConfiguration": {"includedEventTypes": ["a"]}}
        ],
    }
    async with emulated(declared) as (_, wire):
        assert (await wire.publish(EVENT))[0] == 200
        [topic] = (await get(wire, "subscriptions"))["topics"]
    assert (topic["published"], topic["unmatched"]) == (1, 1)


async def test_one_event_s_history_is_listed(wire: Wire) -> None:
    """From publish to acknowledge, per event subscription."""
    await wire.publish(EVENT | {"id": "known", "type": TYPE})
    tokens = lock_tokens(await wire.receive())
    await wire.settle("release", tokens)
    await wire.receive()
    await advance(wire, 60)
    await wire.settle("acknowledge", lock_tokens(await wire.receive()))

    life = await get(wire, "events?id=known")

    steps = [
        step["what"]
        for step in life["steps"]
        if step.get("subscription") in (None, "sub-all-events")
    ]
    assert steps == [
        "published",
        "queued",
        "received",
        "released",
        "received",
        "lock expired",
        "received",
        "acknowledged",
    ]
    assert (await get(wire, "events?id=nobody"))["steps"] == []


async def test_an_event_is_explained_as_it_would_be_stored() -> None:
    """With what was found under each key, or why a publish would refuse it."""
    clauses = [
        {"operatorType": "StringBeginsWith", "key": "time", "values": ["2026-11-26T"]},
        {"operatorType": "IsNullOrUndefined", "key": "subject"},
        {"operatorType": "NumberGreaterThan", "key": "data.sure", "value": 0.9},
    ]
    filters = {"filters": clauses, "includedEventTypes": ["t"]}
    subscription = {"name": "sub-a", "filtersConfiguration": filters}
    declared = {"topic": "moderation-events", "eventSubscriptions": [subscription]}
    time = "2026-11-27T01:00:00+02:00"
    event = EVENT | {"time": time, "subject": None, "data": {"sure": 0.97}}
    async with emulated(declared) as (_, wire):
        answers = []
        changes: list[dict[str, Any]]
        changes = [{}, {"source": None}, {"data": {}}, {"type": "u"}]
        for sent in (event | change for change in changes):
            async with wire.http.post("/_local/explain", json=sent) as answer:
                answers.append(await answer.json())
    whole, partial, unsure, other = answers

    [verdict] = whole["eventSubscriptions"]
    assert (verdict["matches"], whole["problem"]) == (True, None)
    assert verdict["filters"][0]["found"] == "2026-11-26T23:00:00Z"
    assert verdict["filters"][2]["found"] == 0.97
    assert partial["problem"] == "`source` attribute is required"
    assert partial["eventSubscriptions"][0]["matches"] is True
    [verdict] = unsure["eventSubscriptions"]
    clause = verdict["filters"][2]
    assert (verdict["matches"], clause["missing"], clause["matches"]) == (
        False,
        True,
        False,
    )
    assert "has no data.sure" in clause["why"]
    [verdict] = other["eventSubscriptions"]
    included = {"wanted": ["t"], "found": "u", "matches": False}
    assert (verdict["matches"], verdict["includedEventTypes"]) == (False, included)


async def test_metrics_are_prometheus_text(wire: Wire) -> None:
    """Every line is a comment or a sample, and the counts are there."""
    await wire.publish(EVENT)
    async with wire.http.get("/_local/metrics") as answer:
        text = await answer.text()
        assert answer.content_type == "text/plain"

    labels = '{topic="moderation-events",subscription="sub-all-events"}'
    assert f"eventgrid_matched_total{labels} 1" in text
    assert f"eventgrid_ready_events{labels} 1" in text
    assert 'eventgrid_requests_total{operation="publish",status="200"} 1' in text
    for line in text.splitlines():
        assert line.startswith("# TYPE ") or len(line.split()) == 2


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("", "text/html"),
        ("/", "text/html"),
        ("/page.js", "text/javascript"),
        ("/page.css", "text/css"),
    ],
)
async def test_the_page_is_served(path: str, kind: str, wire: Wire) -> None:
    """Its own files only, under a policy that allows no others."""
    async with wire.http.get(f"/_local{path}") as answer:
        assert (answer.status, answer.content_type) == (200, kind)
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def another_address() -> str | None:
    """Return an address of this machine that is not loopback; nothing is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith(("127.", "0.")) else address


async def test_health_needs_no_key_and_no_local_name(
    namespace: EmulatedNamespace,
) -> None:
    """A container's probe may ask from wherever it is."""
    url = f"{namespace.endpoint}/_local/health"
    headers = {"Host": "emulator:6500"}
    async with (
        aiohttp.ClientSession() as http,
        http.get(url, headers=headers) as answer,
    ):
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})


async def test_a_changed_topology_holds_without_a_restart(tmp_path: Path) -> None:
    """A new event subscription appears, the others keep what they hold."""
    path = tmp_path / "topology.json"
    names = ["sub-all-events"]

    def declare() -> None:
        listed = [{"name": name} for name in names]
        document = {"topic": "moderation-events", "eventSubscriptions": listed}
        path.write_text(json.dumps(document))

    declare()
    async with (
        running("--topology", str(path)) as emulator,
        connected(emulator.endpoint) as wire,
    ):
        await wire.publish(EVENT)
        path.write_text('{"broken')
        names.append("sub-flagged")
        declare()

        async def known() -> int:
            [topic] = (await get(wire, "subscriptions"))["topics"]
            return len(topic["eventSubscriptions"])

        async with asyncio.timeout(10):
            while await known() < 2:  # noqa: ASYNC110  (another process knows)
                await asyncio.sleep(0.02)
        assert len(await wire.receive()) == 1
        await wire.http.post("/_local/reset")
        assert await known() == 2, "a reset goes back to the file as it is now"
        await wire.publish(EVENT)
        assert len(await wire.receive(path=FLAGGED)) == 1


async def test_a_removed_event_subscription_keeps_its_events() -> None:
    """Out of reach until the topology names it again."""
    whole = {
        "topic": "moderation-events",
        "eventSubscriptions": [{"name": "sub-all-events"}, {"name": "sub-flagged"}],
    }
    part = whole | {"eventSubscriptions": [{"name": "sub-flagged"}]}
    async with emulated(whole) as (namespace, wire):
        await wire.publish(EVENT)
        await namespace.declare(part)
        path = f"{TOPIC}/eventsubscriptions/sub-all-events"
        assert (await wire.post(f"{path}:receive"))[0] == 404
        await namespace.declare(whole)
        assert len(await wire.receive()) == 1


async def test_changed_limits_and_filters_hold_at_once() -> None:
    """One delivery instead of ten, and only what the new filter lets through."""
    clause = {"operatorType": "StringIn", "key": "subject", "values": ["yes"]}
    before = {
        "topic": "moderation-events",
        "eventSubscriptions": [{"name": "sub-all-events"}],
    }
    limited = {
        "name": "sub-all-events",
        "maxDeliveryCount": 1,
        "filtersConfiguration": {"filters": [clause]},
    }
    async with emulated(before) as (namespace, wire):
        await wire.publish(EVENT)
        await namespace.declare(before | {"eventSubscriptions": [limited]})
        await wire.publish(EVENT, EVENT | {"subject": "YES"})
        found = await wire.receive()
        assert [item["event"].get("subject") for item in found] == [None, "YES"]
        await wire.settle("release", lock_tokens(found))
        _ = await get(wire, "deadletters")  # once they are there
        counted = await counts(wire)
    assert (counted["ready"], counted["deadLettered"]) == (0, 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "300.1.1.1"], "300.1.1.1 is not an address of this machine"),
        (["--host", "203.0.113.7"], "203.0.113.7 is not an address of this machine"),
        (["--host", "a..b"], "--host a..b is not an address of this machine"),
        (["--dead-letters", "{file}/x"], "--dead-letters"),
        (["--dead-letters", "a=b"], "no AccountName"),
        (["--data", "{file}/x"], "data folder"),
        (["--topology", "{file}"], "topology"),
        (["--topology", "no-such-file.json"], "no-such-file.json cannot be read"),
        (["--tls", "--tls-folder", "{file}/x"], "--tls-folder"),
        (["--topology", "{file}/x"], "cannot be read"),
    ],
)
async def test_what_cannot_be_used_is_named_in_one_line_at_the_start(
    options: list[str], words: str, tmp_path: Path
) -> None:
    """And not at the first dead letter, nor as a traceback; nothing is touched."""
    file = tmp_path / "topology-that-is-none"
    file.write_text("mine")

    code, problem = await start_failing(
        *(option.format(file=file) for option in options)
    )

    assert code == 1
    assert words in problem
    assert len(problem.strip().splitlines()) == 1
    assert file.read_text() == "mine"


@pytest.mark.parametrize("option", ["--port", "--identity-port"])
async def test_a_taken_port_is_named_with_what_to_do(
    option: str, namespace: EmulatedNamespace, tmp_path: Path
) -> None:
    """The port, and the option that chooses another."""
    port = namespace.endpoint.rpartition(":")[2]
    code, problem = await start_failing(
        "--tls", "--tls-folder", str(tmp_path), option, port
    )
    assert code == 1
    assert f"Port {port}" in problem
    assert f"another {option}" in problem


@pytest.mark.skipif(os.name != "posix", reason="Windows ends it without asking")
async def test_it_stops_as_it_says_while_its_standard_input_is_open() -> None:
    """With 0, and not with an abort of whoever waits for the end of that input."""
    async with running("--exit-with-parent") as emulator:
        assert await emulator.terminate() == 0
