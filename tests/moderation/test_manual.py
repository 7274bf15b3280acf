"""What is received by hand from a namespace, and what becomes of it there."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential

from eventgrid_emulator import EmulatedNamespace
from eventgrid_emulator.namespace.subscription import Subscription as Queue
from eventgrid_pull.outcomes import ReleaseDelay, Settled, Verb
from eventgrid_pull.publishing import publish as publishing
from eventgrid_pull.wire.client import Namespace, Subscription
from moderation.audit.entry import AuditEntry
from moderation.audit.log import Query
from moderation.manual import peek as manual_peek
from moderation.manual import settle as manual_settle
from moderation.manual.peek import Peek, PeekSession
from moderation.manual.settle import Result, SettleRequest
from moderation.settings import Settings
from tests import make
from tests.eventgrid_emulator.wire import until
from tests.eventgrid_pull.workbench import Store
from tests.make import an_event, minutes
from tests.runtimes import a_runtime

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
EXAMPLE: dict[str, str] = json.loads(
    (ROOT / "local.settings.json.example").read_text(encoding="utf-8")
)["Values"]
TOPOLOGY = json.loads(make.TOPOLOGY.read_text("utf-8"))
TOPIC, NAME = "moderation-events", "sub-flagged"


class Table:
    """A namespace, one process of the app beside it, and someone with a hand in it."""

    def __init__(self, namespace: EmulatedNamespace, store: Store) -> None:
        self.namespace = namespace
        self.store = store
        self.ahead = timedelta()
        settings = Settings.from_environ(
            EXAMPLE
            | {
                "EVENTGRID_ENDPOINT": namespace.endpoint,
                "EVENTGRID_KEY": namespace.key,
            },
            topic=TOPIC,
        )
        client = Namespace(namespace.endpoint, AzureKeyCredential(namespace.key))
        declared = make.declared()
        self.runtime = a_runtime(
            settings, declared, client, store, clock=self.clock, manner="stay"
        )

    def clock(self) -> datetime:
        """The time as the emulator has it, too."""
        return datetime.now(UTC) + self.ahead  # noqa: TID251 - the edge of the test

    async def advance(self, seconds: float) -> None:
        """Time passes for everyone."""
        self.ahead += timedelta(seconds=seconds)
        await self.namespace.advance(seconds)

    def session(self, receiver: Any = None) -> PeekSession:
        """Someone's hand; another receiver stands in for one that breaks."""
        runtime = self.runtime
        return PeekSession(
            declared=make.declared().subscription(NAME),
            receiver=receiver or runtime.subscription(NAME),
            audit=runtime.audit,
            actions=runtime.actions,
            clock=self.clock,
            places=runtime.peeks,
            turn=runtime.by_hand,
            by="someone",
        )

    @property
    def queue(self) -> Queue:
        """The emulator's side of the event subscription."""
        return self.namespace.app.namespace.subscription(TOPIC, NAME)

    async def publish(self, *ids: str) -> None:
        events = [an_event(id=event_id) for event_id in ids]
        await publishing.publish(events, self.runtime.topic, self.clock())

    async def peek(self, most: int = 10) -> Peek:
        return await manual_peek.peek(self.session(), most, reveals=False)

    async def settle(self, peek: Peek, disposition: Any, **more: Any) -> list[Result]:
        tokens = [delivery.lock_token for delivery in peek.deliveries]
        request = SettleRequest(disposition=disposition, tokens=tokens, **more)
        return await manual_settle.settle(self.session(), request)

    async def entries(self) -> list[AuditEntry]:
        """What is on record, newest first."""
        now = self.clock()
        query = Query(since=now - minutes(120), until=now, subscriptions=[NAME])
        return (await self.runtime.audit.find(query)).entries


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    """A namespace that nobody else uses."""
    async with EmulatedNamespace(TOPOLOGY) as namespace:
        made = Table(namespace, Store())
        yield made
        await made.runtime.close()


def told(results: list[Result]) -> list[tuple[str | None, str | None]]:
    return [(result.id, result.failed) for result in results]


async def test_released_by_hand_it_comes_again_after_the_delay(table: Table) -> None:
    """With the next delivery count."""
    await table.publish("e1")
    first = await table.peek()

    results = await table.settle(first, "release", delay=ReleaseDelay.ONE_MINUTE)
    depth = table.queue.queue.depth()
    await table.advance(61)
    second = await table.peek()

    assert told(results) == [("e1", None)]
    assert (depth.delayed, depth.locked) == (1, 0)
    assert [delivery.delivery_count for delivery in second.deliveries] == [2]


async def test_a_renewed_lock_lasts_longer(table: Table) -> None:
    """The same lock token settles after the first lock would have ended."""
    await table.publish("e1")
    peek = await table.peek()
    tokens = [delivery.lock_token for delivery in peek.deliveries]

    await table.advance(40)
    renewed, until_ = await manual_settle.renew(table.session(), tokens)
    await table.advance(40)
    results = await table.settle(peek, "acknowledge")

    assert told(renewed) == told(results) == [("e1", None)]
    assert until_ is not None
    assert until_ > peek.locked_until


async def test_a_lock_that_ran_out_settles_nothing_and_records_nothing(
    table: Table,
) -> None:
    """The event belongs to whoever receives it next."""
    await table.publish("e1")
    peek = await table.peek()
    await table.advance(61)
    again = await table.peek()

    late = await table.settle(peek, "reject", reason="too late")
    renewed, until_ = await manual_settle.renew(
        table.session(), [peek.deliveries[0].lock_token]
    )
    in_time = await table.settle(again, "acknowledge")

    assert told(late) == told(renewed) == [("e1", "TokenLost")]
    assert until_ is None
    assert told(in_time) == [("e1", None)]
    assert [entry.delivery_count for entry in await table.entries()] == [2]


async def test_a_lock_renewed_for_an_hour_can_be_settled_to_its_end(
    table: Table,
) -> None:
    """In its last minute Event Grid does not renew it any more."""
    await table.publish("e1")
    peek = await table.peek()
    tokens = [delivery.lock_token for delivery in peek.deliveries]
    for _ in range(66):
        await table.advance(54)
        await manual_settle.renew(table.session(), tokens)
    await table.advance(50)  # 1 h 14 s after it was received

    renewed, _ = await manual_settle.renew(table.session(), tokens)
    results = await table.settle(peek, "acknowledge")

    assert told(renewed) == [("e1", "TokenLost")]
    assert told(results) == [("e1", None)]


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_was_acknowledged_is_not_released_by_a_closing_page(
    table: Table, at_once: bool
) -> None:
    """The page gives back all it shows, and the entry of the acknowledgement stands."""
    await table.publish("e1")
    peek = await table.peek()

    calls = [table.settle(peek, "acknowledge"), table.settle(peek, "release")]
    if at_once:
        first, second = await asyncio.gather(*calls)
    else:
        first, second = [await call for call in calls]

    assert told(first) == [("e1", None)]
    assert told(second) == [("e1", "TokenLost")]
    assert [entry.disposition for entry in await table.entries()] == ["acknowledge"]


async def test_a_peek_takes_its_share_beside_a_drain_at_work(table: Table) -> None:
    """Every event is in one hand or the other, and the drain goes on."""
    await table.publish(*(f"e{number}" for number in range(10)))
    held = await table.peek(4)
    tick = asyncio.create_task(table.runtime.consumer.drain(NAME))
    await until(lambda: table.queue.counts.acknowledged == 6)
    await until(lambda: table.queue.waiters)

    waiting = asyncio.create_task(table.peek())
    await until(lambda: len(table.queue.waiters) == 2)
    await table.publish("late")
    await until(lambda: table.queue.counts.acknowledged == 7)
    await table.settle(held, "acknowledge")
    await table.publish("later")
    found = [delivery.event.id for delivery in (await waiting).deliveries]
    await table.runtime.stop()
    await tick

    everything = {f"e{number}" for number in range(10)} | {"late", "later"}
    on_record = [entry.id for entry in await table.entries()]
    assert sorted([*on_record, *found]) == sorted(everything)


class Dying:
    """An event subscription that is reached for the last time before a settlement."""

    def __init__(self, real: Subscription) -> None:
        self._real = real
        self.receive, self.renew = real.receive, real.renew
        self.release, self.reject = real.release, real.reject
        self.asked = asyncio.Event()

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError("never")


async def test_killed_between_record_and_settlement_the_event_comes_again(
    table: Table,
) -> None:
    """Two deliveries, two entries, and nothing is lost."""
    await table.publish("e1")
    [delivery] = (await table.peek()).deliveries
    dying = Dying(table.runtime.subscription(NAME))
    request = SettleRequest(disposition=Verb.ACKNOWLEDGE, tokens=[delivery.lock_token])
    work = asyncio.create_task(manual_settle.settle(table.session(dying), request))
    await dying.asked.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)

    await table.advance(61)
    tick = asyncio.create_task(table.runtime.consumer.drain(NAME))
    await until(lambda: table.queue.counts.acknowledged)
    await table.runtime.stop()
    await tick

    entries = await table.entries()
    assert [(entry.delivery_count, entry.by) for entry in entries] == [
        (2, None),
        (1, "someone"),
    ]


async def test_another_process_can_settle_what_was_shown(table: Table) -> None:
    """It knows from storage what it never received."""
    await table.publish("e1")
    peek = await table.peek()
    other = Table(table.namespace, table.store)

    results = await other.settle(peek, "acknowledge")
    await other.runtime.close()

    assert told(results) == [("e1", None)]
    [entry] = await table.entries()
    assert json.loads(bytes(entry.event))["data"]["contentId"] == "doc-1"
