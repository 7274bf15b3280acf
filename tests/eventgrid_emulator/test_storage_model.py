"""Whatever happened, a restart finds the namespace as it was."""

import asyncio
import contextlib
import json
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from eventgrid_emulator.events.cloudevents import read_batch
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.operations.query_parameters import Operation
from eventgrid_emulator.operations.settlement import DONE, settle
from eventgrid_emulator.queue import lock_tokens
from eventgrid_emulator.queue.clock import Clock
from eventgrid_emulator.queue.entries import State
from eventgrid_emulator.storage.sqlite import FILE_NAME, Store
from eventgrid_emulator.topology.topology import parse

START = 1_800_000_000.0
DECLARED = parse(
    json.dumps(
        {
            "topic": "orders",
            "eventSubscriptions": [
                {"name": "sub-all", "maxDeliveryCount": 2, "eventTimeToLive": "PT1H"},
                {
                    "name": "sub-some",
                    "filtersConfiguration": {"includedEventTypes": ["a"]},
                },
            ],
        }
    )
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from(["a", "b"]), st.integers(1, 4)),
        st.tuples(st.just("receive"), st.sampled_from([0, 1]), st.integers(1, 5)),
        st.tuples(st.just("receive"), st.sampled_from([0, 1]), st.integers(1, 5)),
        st.tuples(st.just("wait"), st.sampled_from([1, 59, 60, 600, 3600]), st.just(0)),
        st.tuples(st.sampled_from(list(DONE)), st.integers(0, 9), st.integers(0, 4)),
        st.tuples(st.sampled_from(list(DONE)), st.integers(0, 9), st.integers(0, 4)),
    ),
    min_size=8,
    max_size=25,
)
DELAYS = (0, 10, 60, 600, 3600)


def snapshot(namespace: Namespace) -> Any:
    """Return all that matters of every queue, once what is due has happened."""
    namespace.sweep()
    found = {}
    for subscription in namespace.topics["orders"].subscriptions.values():
        queue = subscription.queue
        entries = {
            number: (
                entry.count,
                entry.state,
                entry.due if entry.state is not State.READY else None,
                (entry.secret, entry.received) if entry.state is State.LOCKED else None,
                entry.event.body,
                entry.event.reference_count,
            )
            for number, entry in queue._entries.items()
        }
        fresh = [(event.number, event.body, event.published) for event in queue._fresh]
        found[subscription.name] = (entries, fresh, queue.depth())
    return found


class Driver:
    """Takes the steps on a namespace."""

    def __init__(self, folder: Path) -> None:
        self.now = START
        self.folder = folder
        self.tokens: list[tuple[str, str]] = []
        self.namespace = self.open()

    def open(self) -> Namespace:
        """Open the namespace as the folder has it."""
        clock = Clock(lambda: self.now)
        return Namespace(DECLARED, clock=clock, store=Store(self.folder))

    async def take(self, step: tuple[Any, Any, int]) -> None:
        what, which, amount = step
        match what:
            case "publish":
                event = {"specversion": "1.0", "id": "1", "source": "/", "data": amount}
                batch = json.dumps([event | {"type": which}] * amount).encode()
                topic = self.namespace.topic("orders")
                await self.namespace.publish(topic, read_batch(batch))
            case "wait":
                self.now += which
            case "receive":
                await self.receive(("sub-all", "sub-some")[which], amount)
            case _:
                self.settle(what, which, DELAYS[amount])

    async def receive(self, name: str, limit: int) -> None:
        subscription = self.namespace.subscription("orders", name)
        answer = await self.namespace.receive(subscription, limit, 0)
        self.tokens += [
            (name, item["brokerProperties"]["lockToken"])
            for item in json.loads(answer)["value"]
        ]

    def settle(self, operation: Operation, which: int, delay: int) -> None:
        start = which % (len(self.tokens) or 1)
        for name, token in self.tokens[start : start + 2]:
            subscription = self.namespace.subscription("orders", name)
            assert lock_tokens.decode(token) is not None
            settle(self.namespace, subscription, operation, [token], delay)


async def live(folder: Path, steps: list[tuple[Any, Any, int]]) -> None:
    driver = Driver(folder)
    await driver.namespace.start()
    for step in steps:
        await driver.take(step)
    before = snapshot(driver.namespace)
    await driver.namespace.close()
    again = driver.open()
    await again.start()
    after = snapshot(again)
    await again.close()
    assert after == before
    assert stored(folder, "SELECT number FROM event") == held_events(after)
    entries = sum(len(entries) + len(fresh) for entries, fresh, _ in after.values())
    assert stored(folder, "SELECT count(*) FROM entry") == {entries}


def held_events(found: Any) -> set[int]:
    """Return the numbers of the events that some queue holds."""
    return {
        number
        for entries, fresh, _ in found.values()
        for number in [*entries, *(event[0] for event in fresh)]
    }


def stored(folder: Path, query: str) -> set[int]:
    """Return the numbers that the file answers with."""
    with contextlib.closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        return {number for (number,) in connection.execute(query)}


@settings(max_examples=150)
@given(STEPS)
def test_a_restart_changes_nothing(steps: list[tuple[Any, Any, int]]) -> None:
    """Queues, locks, counts, delays and bytes, after any sequence of requests."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder), steps))
