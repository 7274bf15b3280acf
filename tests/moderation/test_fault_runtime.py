"""The whole runtime against a namespace: ticks that overlap, stop, or cannot get in."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from azure.core.credentials import AzureKeyCredential

from eventgrid_emulator import EmulatedNamespace
from eventgrid_emulator.namespace.subscription import Subscription as Queue
from eventgrid_pull.blob.append_log import InMemoryAppendLog, StoreUnavailable
from eventgrid_pull.publishing import publish
from eventgrid_pull.wire.client import Namespace
from eventgrid_pull.wire.error_messages import SettingNames
from moderation.audit.entry import AuditEntry
from moderation.runtime import Runtime
from moderation.settings import Settings
from tests import make, runtimes
from tests.eventgrid_emulator.wire import until
from tests.functions_host.hosting import a_free_port
from tests.make import NOW, an_event

pytestmark = pytest.mark.contract

TOPIC, NAME = "moderation-events", "sub-flagged"

EXAMPLE: dict[str, str] = json.loads(
    (Path(__file__).parents[2] / "local.settings.json.example").read_text("utf-8")
)["Values"]


class Store(InMemoryAppendLog):
    """An append log that can be told not to open; `entries` has what it kept."""

    def __init__(self) -> None:
        super().__init__()
        self.opens = True
        self.entries: list[AuditEntry] = []

    async def open(self, name: str, now: datetime) -> None:
        if not self.opens:
            raise StoreUnavailable("storage does not answer")

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        for line in lines.splitlines():
            self.entries.append(msgspec.json.decode(line, type=AuditEntry))


@asynccontextmanager
async def a_runtime(
    namespace: EmulatedNamespace, store: Store, **settings: str
) -> AsyncIterator[Runtime]:
    """A runtime as `runtime.build` makes it, but for where its logs are kept."""
    declared = make.declared()
    made = {"EVENTGRID_ENDPOINT": namespace.endpoint, "EVENTGRID_KEY": namespace.key}
    read = Settings.from_environ(EXAMPLE | made | settings, topic=declared.topic)
    names = SettingNames("EVENTGRID_ENDPOINT", "EVENTGRID_KEY", "EVENTGRID_TOPIC_NAME")
    given = made | settings
    key = AzureKeyCredential(given["EVENTGRID_KEY"])
    client = Namespace(given["EVENTGRID_ENDPOINT"], key, names)
    runtime = runtimes.a_runtime(
        read,
        declared,
        client,
        store,
        clock=lambda: datetime.now(UTC),  # noqa: TID251 - the edge that owns the clock
        # So little is left after a long poll's ten seconds that it soon gives up.
        budget=11,
    )
    try:
        yield runtime
    finally:
        await runtime.close()


async def tick(runtime: Runtime) -> str | None:
    """Why a drain ended early, if it did."""
    return (await runtime.consumer.drain(NAME)).error


@pytest.fixture
async def space() -> AsyncIterator[EmulatedNamespace]:
    """A namespace that nobody else uses."""
    async with EmulatedNamespace(make.TOPOLOGY) as made:
        yield made


def queue_of(space: EmulatedNamespace) -> Queue:
    return space.app.namespace.subscription(TOPIC, NAME)


async def test_overlapping_ticks_do_not_double_up(space: EmulatedNamespace) -> None:
    """In one process they are one drain: one long poll, and each event once."""
    store = Store()
    async with a_runtime(space, store) as runtime:
        ticks = [asyncio.create_task(tick(runtime)) for _ in range(5)]
        await until(lambda: queue_of(space).waiters)
        assert len(queue_of(space).waiters) == 1

        await publish.publish(
            [an_event(id=f"e{number}") for number in range(20)], runtime.topic, NOW
        )
        await until(lambda: queue_of(space).counts.acknowledged == 20)
        await runtime.stop()
        await asyncio.gather(*ticks)

    assert sorted(one.id for one in store.entries) == sorted(f"e{n}" for n in range(20))


async def test_a_stop_leaves_the_long_poll_and_locks_nothing(
    space: EmulatedNamespace,
) -> None:
    """At once; an event that comes afterwards waits for someone else."""
    async with a_runtime(space, Store()) as runtime:
        ticking = asyncio.create_task(tick(runtime))
        await until(lambda: queue_of(space).waiters)

        async with asyncio.timeout(2):
            await runtime.stop()
            await ticking
        await until(lambda: not queue_of(space).waiters)
        await publish.publish([an_event(id="late")], runtime.topic, NOW)
        await tick(runtime)

    depth = queue_of(space).queue.depth()
    assert (depth.ready, depth.locked) == (1, 0)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("EVENTGRID_KEY", "d3Jvbmc="),
        ("EVENTGRID_TOPIC_NAME", "no-such-topic"),
        ("EVENTGRID_ENDPOINT", "nowhere"),
    ],
)
async def test_a_tick_that_cannot_get_in_names_what_to_look_at(
    space: EmulatedNamespace, setting: str, value: str
) -> None:
    """In one line, and the events keep their deliveries."""
    if value == "nowhere":
        value = f"http://127.0.0.1:{a_free_port()}"
    async with a_runtime(space, Store()) as publisher:
        await publish.publish([an_event()], publisher.topic, NOW)
    async with a_runtime(space, Store(), **{setting: value}) as runtime:
        assert setting in (await tick(runtime) or "")

    assert queue_of(space).counts.received == 0


async def test_a_tick_without_storage_fails_and_the_next_makes_up_for_it(
    space: EmulatedNamespace,
) -> None:
    """Nothing is taken meanwhile, so nothing has been used up."""
    store = Store()
    store.opens = False
    async with a_runtime(space, store) as runtime:
        await publish.publish([an_event()], runtime.topic, NOW)
        for _ in range(12):
            assert await tick(runtime) == "storage does not answer"
        store.opens = True

        ticking = asyncio.create_task(tick(runtime))
        await until(lambda: queue_of(space).counts.acknowledged)
        await runtime.stop()
        await ticking

    assert [entry.delivery_count for entry in store.entries] == [1]
