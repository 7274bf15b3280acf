"""A dead letter exists once, and only when its event has left the queue for good."""

import asyncio
import contextlib
import itertools
import json
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from eventgrid_emulator.dead_letters.document import DeadLetter
from eventgrid_emulator.dead_letters.outbox import Outbox
from eventgrid_emulator.dead_letters.recent import RecentDeadLetters
from eventgrid_emulator.errors import Refusal
from eventgrid_emulator.events.cloudevents import read_batch
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.operations.query_parameters import Operation
from eventgrid_emulator.operations.settlement import settle
from eventgrid_emulator.storage.sqlite import Store
from eventgrid_emulator.topology import topology
from tests.eventgrid_emulator.wire import EVENT, lock_tokens, until

pytestmark = pytest.mark.contract

TOPIC = "moderation-events"
DECLARED = {
    "topic": TOPIC,
    "deadLetterContainer": "letters",
    "eventSubscriptions": [{"name": "sub-all-events", "maxDeliveryCount": 2}],
}


class Flaky:
    """A destination that keeps what it is given and says that it could not, for a while."""

    def __init__(self, failures: int = 0) -> None:
        self.blobs: dict[str, list[Any]] = {}
        self.failures = failures

    def put(self, container: str, name: str, content: bytes) -> None:
        self.blobs[f"{container}/{name}"] = json.loads(content)
        if self.failures:
            self.failures -= 1
            raise OSError("the answer was lost")

    @property
    def ids(self) -> list[str]:
        """Return the id of every event of every blob."""
        items = itertools.chain.from_iterable(self.blobs.values())
        return sorted(item["event"]["id"] for item in items)


class Slow(Flaky):
    """A destination that answers when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.sending, self.may_answer = threading.Event(), threading.Event()

    def put(self, container: str, name: str, content: bytes) -> None:
        self.sending.set()
        assert self.may_answer.wait(10)
        super().put(container, name, content)


class Driven:
    """A durable namespace, its dead letters going to `to`, asked without HTTP."""

    def __init__(self, data: Path, to: Flaky) -> None:
        self.store = Store(data)
        declared = topology.parse(json.dumps(DECLARED))
        self.namespace = Namespace(declared, store=self.store, dead_letters=to)
        self.queue = self.namespace.subscription(TOPIC, "sub-all-events")

    async def publish(self, number: str) -> None:
        batch = read_batch(json.dumps([EVENT | {"id": number}]).encode())
        await self.namespace.publish(self.namespace.topic(TOPIC), batch)

    async def receive(self) -> list[str]:
        answer = await self.namespace.receive(self.queue, 100, 10)
        return lock_tokens(json.loads(answer)["value"])

    async def settle(self, operation: Operation, tokens: list[str]) -> None:
        settle(self.namespace, self.queue, operation, tokens)
        await self.namespace.commits.flush()

    async def expire(self, tokens: list[str]) -> None:
        self.namespace.clock.advance(7 * 86_400)
        self.namespace.sweep()
        await self.namespace.commits.flush()

    async def reject(self, tokens: list[str]) -> None:
        await self.settle(Operation.REJECT, tokens)

    @property
    def recent(self) -> list[str]:
        """Return the id of every dead letter that is remembered."""
        found = self.namespace.dead_lettering.recent.find(None, None)
        return [json.loads(letter)["event"]["id"] for letter in found]

    async def wear_out(self, tokens: list[str]) -> None:
        await self.settle(Operation.RELEASE, tokens)


@contextlib.asynccontextmanager
async def driven(data: Path, to: Flaky) -> AsyncIterator[Driven]:
    emulator = Driven(data, to)
    await emulator.namespace.start()
    yield emulator
    await emulator.namespace.close()


@pytest.mark.parametrize("end", [Driven.reject, Driven.wear_out, Driven.expire])
async def test_no_dead_letter_of_an_event_that_comes_back(
    end: Callable[[Driven, list[str]], Awaitable[None]], tmp_path: Path
) -> None:
    """What could not be stored has not happened: the event stays, and is no dead letter."""
    to = Flaky()
    async with driven(tmp_path, to) as emulator:
        commits = emulator.namespace.commits
        await emulator.publish("1")
        await emulator.settle(Operation.RELEASE, await emulator.receive())
        tokens = await emulator.receive()

        await emulator.store.recover(lambda c: c.execute("PRAGMA query_only = ON"))
        with pytest.raises(Refusal):
            await end(emulator, tokens)
        await until(lambda: commits.failure is None)
        assert (to.ids, len(emulator.namespace.dead_lettering.outbox)) == ([], 0)

        await emulator.store.recover(lambda c: c.execute("PRAGMA query_only = OFF"))
        with contextlib.suppress(Refusal):  # the sweep may have met the same
            await end(emulator, tokens)
        await until(lambda: to.ids == ["1"])


async def test_an_answer_that_was_lost_makes_no_second_blob(tmp_path: Path) -> None:
    """The next attempt writes the same events under the same name, and so does a restart."""
    to = Flaky(failures=2)
    async with driven(tmp_path, to) as emulator:
        for number in "12":
            await emulator.publish(number)
            await emulator.reject(await emulator.receive())
            await until(lambda: to.failures == 1)
        await emulator.namespace.advance(10)
        await until(lambda: to.failures == 0)
    async with driven(tmp_path, to) as emulator:
        await until(lambda: not len(emulator.namespace.dead_lettering.outbox))
    assert to.ids == ["1", "2"]


async def test_one_that_arrives_twice_is_remembered_once(tmp_path: Path) -> None:
    """It is sent again when that could not be stored; what is new is not sent before."""
    to = Slow()
    async with driven(tmp_path, to) as emulator:
        await emulator.publish("1")
        await emulator.publish("2")
        first, second = await emulator.receive()
        await emulator.reject([first])
        await asyncio.to_thread(to.sending.wait, 10)
        await emulator.store.recover(lambda c: c.execute("PRAGMA query_only = ON"))
        settle(emulator.namespace, emulator.queue, Operation.REJECT, [second])
        to.may_answer.set()
        await until(lambda: emulator.namespace.commits.failure is not None)

        await emulator.store.recover(lambda c: c.execute("PRAGMA query_only = OFF"))
        await until(lambda: emulator.queue.counts.dead_lettered == 1)

        assert (emulator.recent, to.ids) == (["1"], ["1"])


async def test_a_dead_letter_that_is_not_stored_yet_is_awaited() -> None:
    """Whoever waits for all waits for it, too, and the loop is not kept busy."""
    readings = itertools.count(1.0)
    outbox = Outbox(None, lambda: next(readings), lambda *_: None)
    outbox.add(DeadLetter(number, f"letters/{number}", 0.0, b"{}") for number in (1, 2))
    running = asyncio.create_task(outbox.run())
    all_sent = asyncio.create_task(outbox.wait_until_sent(10))
    outbox.send(1)
    await until(lambda: len(outbox) == 1)

    before = next(readings)
    for _ in range(20):
        await asyncio.sleep(0)
    assert (all_sent.done(), next(readings)) == (False, before + 1)

    outbox.send(2)
    await all_sent
    assert len(outbox) == 0
    running.cancel()


@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize("phase", ["being stored", "on its way", "there"])
async def test_a_reset_leaves_no_dead_letter(
    phase: str, is_whole: bool, tmp_path: Path
) -> None:
    """Wherever one is, it is not among those of the next test, nor counted there."""
    to = Slow()
    async with driven(tmp_path, to) as emulator:
        namespace = emulator.namespace
        await emulator.publish("1")
        tokens = await emulator.receive()
        settle(namespace, emulator.queue, Operation.REJECT, tokens)
        namespace.commits.commit()
        if phase != "being stored":
            await asyncio.to_thread(to.sending.wait, 10)
        if phase == "there":
            to.may_answer.set()
            await until(lambda: emulator.queue.counts.dead_lettered == 1)

        await namespace.reset(None if is_whole else [emulator.queue])

        to.may_answer.set()
        await emulator.publish("2")
        await emulator.reject(await emulator.receive())
        await until(lambda: "2" in to.ids and not len(namespace.dead_lettering.outbox))
        assert emulator.recent == ["2"]
        assert ("1" in to.ids) == (phase != "being stored")
    assert emulator.queue.counts.dead_lettered == 1


async def test_a_reset_ends_the_pause_before_another_attempt(tmp_path: Path) -> None:
    """The clock goes back by more than the pause was long."""
    to = Flaky(failures=1)
    async with driven(tmp_path, to) as emulator:
        await emulator.namespace.advance(3600)
        await emulator.publish("1")
        await emulator.reject(await emulator.receive())
        await until(lambda: emulator.namespace.dead_lettering.outbox.failures == 1)

        await emulator.namespace.reset()

        await emulator.publish("2")
        await emulator.reject(await emulator.receive())
        await until(lambda: emulator.recent == ["2"])


@pytest.mark.parametrize(("size", "kept"), [(1, 1000), (5 * 2**20, 3)])
def test_memory_holds_the_newest(size: int, kept: int) -> None:
    """A thousand, or sixteen megabytes of them; those that are removed take no room."""
    recent, document = RecentDeadLetters(), b"{" + b"x" * size
    letters = [
        DeadLetter(number, f"letters/local/t{number % 2}/sub/1.json", 0.0, document)
        for number in range(2 * kept + 1)
    ]
    *old, new = letters
    for letter in old:
        recent.remember([letter, letter])

    assert len(recent.find(None, None)) == kept

    recent.remove(lambda letter: letter.place == ("t1", "sub"))
    left = len(recent.find("t0", None))
    recent.remember([new])
    assert len(recent.find(None, None)) == left + 1


async def test_one_that_version_1_0_stored_gets_its_blob(tmp_path: Path) -> None:
    """That version stored the place of the event subscription alone."""
    store = Store(tmp_path)
    row = (7, f"letters/local/{TOPIC}/sub-all-events", 0.0, b'{"event":{"id":"7"}}')
    insert = "INSERT INTO dead_letter VALUES (?, ?, ?, ?)"
    store.read(lambda connection: connection.execute(insert, row))
    await store.close()

    to = Flaky()
    async with driven(tmp_path, to):
        await until(lambda: to.ids == ["7"])

    [blob] = to.blobs
    assert re.fullmatch(rf"{row[1]}/1970/1/1/0/[0-9a-f-]{{36}}\.json", blob)
