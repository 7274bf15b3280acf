"""The durable emulator is killed again and again under load, and everything is counted."""

import asyncio
import itertools
import json
import random
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from eventgrid_emulator.auth.credentials import LOCAL_KEY
from tests.eventgrid_emulator.emulator_process import EmulatorProcess, running, start
from tests.eventgrid_emulator.wire import Wire, lock_tokens

pytestmark = pytest.mark.contract

KILLS = 50
LIMITS = {"maxDeliveryCount": 10, "eventTimeToLive": "P1D"}
TOPOLOGY = {
    "topic": "moderation-events",
    "eventSubscriptions": [
        LIMITS | {"name": name} for name in ("sub-all-events", "sub-flagged")
    ],
}
NAMES = [each["name"] for each in TOPOLOGY["eventSubscriptions"]]  # type: ignore[index]
GONE = (aiohttp.ClientError, ConnectionError)


class Ledger:
    """What the emulator has answered, and what was asked without an answer."""

    def __init__(self) -> None:
        self.numbers = itertools.count()
        self.published: set[str] = set()
        self.maybe_published: set[str] = set()
        self.acknowledged: dict[str, set[str]] = {name: set() for name in NAMES}
        self.maybe_acknowledged: dict[str, set[str]] = {name: set() for name in NAMES}
        self.seen: dict[str, Counter[str]] = {name: Counter() for name in NAMES}


def session(endpoint: str) -> aiohttp.ClientSession:
    headers = {"Authorization": f"SharedAccessKey {LOCAL_KEY}"}
    return aiohttp.ClientSession(endpoint, headers=headers)


async def publish_until_it_dies(wire: Wire, ledger: Ledger) -> None:
    while True:
        ids = [str(next(ledger.numbers)) for _ in range(7)]
        event = {"specversion": "1.0", "source": "/s", "type": "t", "data": {}}
        ledger.maybe_published.update(ids)
        status, _, _ = await wire.publish(*(event | {"id": each} for each in ids))
        assert status == 200
        ledger.published.update(ids)


async def consume_until_it_dies(wire: Wire, name: str, ledger: Ledger) -> None:
    path = f"/topics/moderation-events/eventsubscriptions/{name}"
    while True:
        found = await wire.receive(5, path)
        ids = [each["event"]["id"] for each in found]
        for each in found:
            number = each["event"]["id"]
            count = each["brokerProperties"]["deliveryCount"]
            assert number not in ledger.acknowledged[name], "an acknowledged event came"
            assert count > ledger.seen[name][number], "a delivery count went back"
            ledger.seen[name][number] = count
        ledger.maybe_acknowledged[name].update(ids)
        _, _, body = await wire.settle("acknowledge", lock_tokens(found), path)
        assert body["failedLockTokens"] == []
        ledger.acknowledged[name].update(ids)


async def live_and_die(emulator: EmulatorProcess, ledger: Ledger, after: float) -> None:
    """Two publishers and three consumers work until the emulator is killed."""
    async with session(emulator.endpoint) as http:
        wire = Wire(http)
        work = [
            publish_until_it_dies(wire, ledger),
            publish_until_it_dies(wire, ledger),
            consume_until_it_dies(wire, NAMES[0], ledger),
            consume_until_it_dies(wire, NAMES[0], ledger),
            consume_until_it_dies(wire, NAMES[1], ledger),
        ]
        tasks = [asyncio.create_task(each) for each in work]
        await asyncio.wait(tasks, timeout=after)
        await emulator.kill()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for problem in ended:
        if not isinstance(problem, GONE):
            raise AssertionError("a client failed before the emulator died") from (
                problem if isinstance(problem, BaseException) else None
            )


async def remaining(emulator: EmulatorProcess, name: str) -> set[str]:
    """What is still queued, once every lock has ended."""
    found: set[str] = set()
    async with session(emulator.endpoint) as http:
        await http.post("/_local/clock", json={"advance": 61})
        wire = Wire(http)
        path = f"/topics/moderation-events/eventsubscriptions/{name}"
        async with http.get("/_local/subscriptions") as answer:
            [topic] = (await answer.json())["topics"]
        [depth] = [e for e in topic["eventSubscriptions"] if e["name"] == name]
        while len(found) < depth["ready"]:
            found |= {each["event"]["id"] for each in await wire.receive(100, path)}
    return found


async def test_nothing_that_was_answered_is_lost_by_a_kill(tmp_path: Path) -> None:
    """Fifty kills: published events are all there, acknowledged ones never come back."""
    topology = tmp_path / "topology.json"
    topology.write_text(json.dumps(TOPOLOGY))
    arguments = ("--data", str(tmp_path / "data"), "--topology", str(topology))
    chance = random.Random(7)
    ledger = Ledger()
    for _ in range(KILLS):
        emulator = await start(*arguments)
        await live_and_die(emulator, ledger, chance.uniform(0.005, 0.15))

    async with running(*arguments) as emulator:
        for name in NAMES:
            left = await remaining(emulator, name)
            settled = ledger.acknowledged[name]
            missing = ledger.published - left - settled
            assert not missing - ledger.maybe_acknowledged[name], "an event was lost"
            assert not left & settled, "an acknowledged event came back"
            assert left <= ledger.maybe_published
    assert len(ledger.published) > KILLS
