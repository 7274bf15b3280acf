"""The durable emulator is killed again and again under load, and everything is counted."""

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.eventgrid_emulator.emulator_process import EmulatorProcess, running, start
from tests.eventgrid_emulator.wire import Wire, connected, lock_tokens

pytestmark = pytest.mark.contract

KILLS = 50
KEPT, REJECTING = "sub-all-events", "sub-flagged"
TOPOLOGY = {
    "topic": "moderation-events",
    "eventSubscriptions": [{"name": KEPT}, {"name": REJECTING}],
}
GONE = (aiohttp.ClientError, ConnectionError)


def path_of(name: str) -> str:
    return f"/topics/moderation-events/eventsubscriptions/{name}"


def ids_of(found: Iterable[dict[str, Any]]) -> list[str]:
    return [item["event"]["id"] for item in found]


class Ledger:
    """What the emulator has answered, and what was asked without an answer."""

    def __init__(self) -> None:
        self.numbers = itertools.count()
        self.published: set[str] = set()
        self.maybe_published: set[str] = set()
        self.settled = {KEPT: set[str](), REJECTING: set[str]()}
        self.maybe_settled = {KEPT: set[str](), REJECTING: set[str]()}
        self.rejected: set[str] = set()
        self.seen = {KEPT: Counter[str](), REJECTING: Counter[str]()}


async def publish_until_it_dies(wire: Wire, ledger: Ledger) -> None:
    while True:
        ids = [str(next(ledger.numbers)) for _ in range(7)]
        event = {"specversion": "1.0", "source": "/s", "type": "t", "data": {}}
        ledger.maybe_published.update(ids)
        status, _, _ = await wire.publish(*(event | {"id": number} for number in ids))
        assert status == 200
        ledger.published.update(ids)


async def consume_until_it_dies(wire: Wire, name: str, ledger: Ledger) -> None:
    """Settle what comes; where events are rejected, those with odd numbers are."""
    while True:
        found = await wire.receive(5, path_of(name))
        for item in found:
            number = item["event"]["id"]
            count = item["brokerProperties"]["deliveryCount"]
            assert number not in ledger.settled[name], "a settled event came"
            assert count > ledger.seen[name][number], "a delivery count went back"
            ledger.seen[name][number] = count
        odd = [item for item in found if int(item["event"]["id"]) % 2]
        rejected = odd if name == REJECTING else []
        rest = [item for item in found if item not in rejected]
        for verb, items in (("acknowledge", rest), ("reject", rejected)):
            if not items:
                continue
            ledger.maybe_settled[name].update(ids_of(items))
            _, _, body = await wire.settle(verb, lock_tokens(items), path_of(name))
            assert body["failedLockTokens"] == []
            ledger.settled[name].update(ids_of(items))
        ledger.rejected.update(ids_of(rejected))


async def live_and_die(emulator: EmulatorProcess, ledger: Ledger, after: float) -> None:
    """Run two publishers and three consumers until the emulator is killed."""
    async with connected(emulator.endpoint) as wire:
        work = [publish_until_it_dies(wire, ledger) for _ in range(2)]
        work += [
            consume_until_it_dies(wire, name, ledger)
            for name in (KEPT, KEPT, REJECTING)
        ]
        tasks = [asyncio.create_task(task) for task in work]
        await asyncio.wait(tasks, timeout=after)
        await emulator.kill()
        for problem in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(problem, GONE):
                raise AssertionError("a client failed first") from problem


async def remaining(wire: Wire, name: str) -> set[str]:
    """Return what is queued once every dead letter has gone to its destination."""

    async def overview() -> Any:
        async with wire.http.get("/_local/subscriptions") as answer:
            return await answer.json()

    async with asyncio.timeout(10):
        while (await overview())["deadLettersWaiting"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    [topic] = (await overview())["topics"]
    ready = {queue["name"]: queue["ready"] for queue in topic["eventSubscriptions"]}
    found: set[str] = set()
    while len(found) < ready[name]:
        found.update(ids_of(await wire.receive(100, path_of(name))))
    return found


async def test_nothing_that_was_answered_is_lost_by_a_kill(tmp_path: Path) -> None:
    """Fifty kills: published events are all there, settled ones never come back.

    What was rejected is a dead letter, once, and what is one is nowhere else.
    """
    topology = tmp_path / "topology.json"
    topology.write_text(json.dumps(TOPOLOGY))
    arguments = (
        *("--topology", str(topology), "--data", str(tmp_path / "data")),
        *("--dead-letters", str(tmp_path / "to")),
    )
    chance = random.Random(7)
    ledger = Ledger()
    for _ in range(KILLS):
        emulator = await start(*arguments)
        await live_and_die(emulator, ledger, chance.uniform(0.005, 0.15))

    async with running(*arguments) as emulator, connected(emulator.endpoint) as wire:
        await wire.http.post("/_local/clock", json={"advance": 61})
        left = {name: await remaining(wire, name) for name in (KEPT, REJECTING)}
    for name, ids in left.items():
        missing = ledger.published - ids - ledger.settled[name]
        assert not missing - ledger.maybe_settled[name], "an event was lost"
        assert not ids & ledger.settled[name], "a settled event came back"
        assert ids <= ledger.maybe_published
    blobs = (tmp_path / "to").rglob("*.json")
    items = itertools.chain.from_iterable(json.loads(b.read_text()) for b in blobs)
    letters = Counter(ids_of(items))
    assert [number for number, times in letters.items() if times > 1] == []
    assert not letters.keys() & left[REJECTING], "dead-lettered, and still queued"
    assert all(int(number) % 2 for number in letters)
    assert ledger.rejected <= letters.keys()
    assert len(ledger.published) > KILLS
    assert len(ledger.rejected) > KILLS / 2
