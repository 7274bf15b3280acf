"""One drain per event subscription; whoever asks while it works joins it."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from console.auth import Caller
from eventgrid_pull.blob.append_log import InMemoryAppendLog
from eventgrid_pull.event import Delivery
from eventgrid_pull.wire.http_retry import EventGridError
from moderation import events, topology
from moderation.audit.actions import action
from moderation.event_key import key_in
from moderation.inspection import probe
from moderation.pulling import pull
from moderation.runtime import Runtime, build
from moderation.settings import Settings
from moderation.storage import logs
from moderation.storage.dead_letter_blobs import BlobDeadLetters
from tests import runtimes
from tests.make import NOW, InMemoryReceiver, a_delivery, a_lock_token, an_event
from tests.runtimes import InMemory
from tests.virtual_time import in_virtual_time

ROOT = Path(__file__).parents[2]
EXAMPLE: dict[str, str] = json.loads(
    (ROOT / "local.settings.json.example").read_text(encoding="utf-8")
)["Values"]
FLAGGED = "sub-flagged"
BY = Caller("ann", "user", object_id="oid")


class Queue(InMemoryReceiver):
    """An event subscription whose long poll waits for `arrive`, as Event Grid's does."""

    def __init__(self) -> None:
        super().__init__()
        self._arrived = asyncio.Condition()
        self.polling = asyncio.Event()
        self.wait_for_ever = False

    async def arrive(self, *deliveries: Delivery) -> None:
        async with self._arrived:
            self.batches.append(list(deliveries))
            self._arrived.notify_all()

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        self.polling.set()
        if self.wait_for_ever:
            async with self._arrived:
                await self._arrived.wait_for(lambda: bool(self.batches))
        return await super().receive(max_events, max_wait, within=within)


class Echo:
    """A topic that delivers what is published to a queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self.fails = False

    async def publish(self, batch: Sequence[bytes]) -> None:
        if self.fails:
            raise EventGridError("Event Grid does not answer", transient=True)
        await self._queue.arrive(
            *(Delivery(a_lock_token(), events.read(raw, 1)) for raw in batch)
        )

    async def close(self) -> None:
        """Nothing to close."""


def a_runtime(queue: Queue) -> tuple[Runtime, Echo]:
    declared, echo = topology.load(), Echo(queue)
    receivers = {name: InMemoryReceiver() for name in declared.names} | {FLAGGED: queue}
    settings = Settings.from_environ(EXAMPLE, topic=declared.topic)
    namespace = InMemory(echo, receivers)
    return runtimes.a_runtime(settings, declared, namespace, InMemoryAppendLog()), echo


async def within(call: Any) -> Any:
    async with asyncio.timeout(10):
        return await call


async def inspect(runtime: Runtime) -> probe.Inspected:
    """What `POST /api/inspect` does: a probe is on record before it is published."""
    event = probe.probe(NOW)
    noted = action("inspect", "x", NOW, subscription=FLAGGED, events=[key_in(event)])
    await runtime.actions.note(noted, NOW)
    inspection = probe.Inspection(
        subscription=FLAGGED,
        consumer=runtime.consumer,
        publishing=runtime.publishing,
        audit=runtime.audit,
        began=NOW,
    )
    return await probe.inspect(inspection, event, BY)


async def test_dead_letters_may_be_in_an_account_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where no account is named for them, they are beside the audit log."""
    environ = EXAMPLE | {
        "AUDIT_STORAGE_CONNECTION_STRING": "",
        "AUDIT_STORAGE_ACCOUNT_URL": "https://entries.blob.core.windows.net",
    }
    other = {"DEAD_LETTER_STORAGE_ACCOUNT_URL": "https://letters.blob.core.windows.net"}
    accounts = []
    for given in (environ, environ | other):
        declared = topology.load()
        settings = Settings.from_environ(given, topic=declared.topic)
        monkeypatch.setenv("EVENTGRID_ENDPOINT", EXAMPLE["EVENTGRID_ENDPOINT"])
        monkeypatch.setenv("EVENTGRID_KEY", EXAMPLE["EVENTGRID_KEY"])
        built = build(settings, declared, logs.of(settings), pull.consumer)
        container = cast(BlobDeadLetters, built.dead_letters)._container
        accounts.append(container.account_name)
        await built.close()

    assert accounts == ["entries", "letters"]


async def test_a_second_pull_joins_the_first() -> None:
    """Both see the same deliveries, and say which of them began the drain."""
    queue = Queue()
    await queue.arrive(a_delivery())
    runtime, _ = a_runtime(queue)

    results = await within(
        asyncio.gather(runtime.pull_now(FLAGGED), runtime.pull_now(FLAGGED))
    )

    assert [joined for _, joined in results] == [False, True]
    assert results[0][0] is results[1][0]
    assert results[0][0].settled == {"acknowledge": 1}


@in_virtual_time
async def test_stopping_waits_for_calls_in_flight() -> None:
    """
    A publish that was begun is answered, and who it was is noted, before the process ends.
    """
    runtime, _ = a_runtime(Queue())
    go_on, answered = asyncio.Event(), []
    await runtime.publishing.publish([an_event(id="1")], NOW, BY)

    async def call() -> None:
        with runtime.attending():
            await go_on.wait()
            await runtime.publishing.publish([an_event(id="2")], NOW, BY)
            answered.append(True)

    calling = asyncio.create_task(call())
    await asyncio.sleep(0)
    stopping = asyncio.create_task(runtime.stop())
    await asyncio.sleep(1)
    assert not stopping.done()

    go_on.set()
    await within(stopping)

    assert answered == [True]
    assert calling.done()
    lines = runtime.actions.newest(since=NOW, until=NOW)
    noted = [json.loads(line)["ids"] async for line in lines]
    assert noted == [["2"], ["1"]]


async def test_inspect_answers_as_soon_as_its_probe_is_seen() -> None:
    """The drain that it began goes on: what its receive brings is handled."""
    queue = Queue()
    queue.wait_for_ever = True
    runtime, _ = a_runtime(queue)

    inspected = await within(inspect(runtime))

    assert (inspected.rejected, inspected.by) == (True, "this call")
    assert json.loads(bytes(inspected.event))["data"]["contentId"] == "test-inspect"
    await queue.arrive(a_delivery())
    await within(runtime.pull_now(FLAGGED))
    assert len(queue.settled) == 2
    queue.wait_for_ever = False
    await queue.arrive()


async def test_several_inspects_at_once_see_each_their_own_probe() -> None:
    """The first probe that is seen does not end the drain that the others wait for."""
    queue = Queue()
    runtime, _ = a_runtime(queue)

    inspected = await within(asyncio.gather(*(inspect(runtime) for _ in range(5))))

    ids = {json.loads(bytes(answer.event))["id"] for answer in inspected}
    assert len(ids) == 5
    assert all(answer.rejected for answer in inspected)


async def test_inspect_says_when_its_probe_could_not_be_published() -> None:
    """Nothing is drained for a probe that is not there."""
    queue = Queue()
    runtime, echo = a_runtime(queue)
    echo.fails = True

    with pytest.raises(EventGridError, match="does not answer"):
        await within(inspect(runtime))

    assert not queue.polling.is_set()
