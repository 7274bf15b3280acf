"""A dead letter exists once, and only when its event has left the queue for good."""

import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from eventgrid_emulator.cloudevents import read_batch
from eventgrid_emulator.errors import Refusal
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.operations.request_line import Operation
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
