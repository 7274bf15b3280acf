"""Where a fault meets the consumer: a local namespace, the real door, a store that fails."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from azure.core.credentials import AzureKeyCredential

from eventgrid_emulator import EmulatedNamespace
from eventgrid_emulator.namespace.subscription import Subscription as Queue
from eventgrid_pull.blob.append_log import InMemoryAppendLog, StoreUnavailable
from eventgrid_pull.draining.decide import Handler
from eventgrid_pull.draining.drain import DrainJob, drain
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.outcomes import Verb
from eventgrid_pull.settings.ticks import Manner
from eventgrid_pull.wire.client import Namespace
from tests.eventgrid_pull.orders import Budget, Entry, a_context, an_event, read

TOPOLOGY = Path(__file__).parents[2] / "examples" / "orders" / "topology.json"
TOPIC, NAME = "orders", "sub-paid"
EVENTS = 4

type Doing = Callable[[], Awaitable[None]]


class Store(InMemoryAppendLog):
    """An append log that can be told to fail; `entries` has what it kept."""

    def __init__(self) -> None:
        super().__init__()
        self.opens = self.appends = self.admits = True
        self.entries: list[Entry] = []
        self.before_append: Doing | None = None

    async def open(self, name: str, now: datetime) -> None:
        if not self.opens:
            raise StoreUnavailable("storage does not answer")

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        if self.before_append is not None:
            await self.before_append()
        if not self.appends:
            raise StoreUnavailable("storage does not answer")
        for line in lines.splitlines():
            self.entries.append(msgspec.json.decode(line, type=Entry))
        if not self.admits:
            raise StoreUnavailable("storage does not say that it kept it")


class Stand:
    """One namespace with one consumer, and what both of them know afterwards."""

    manner: Manner = "stay"

    def __init__(self, namespace: EmulatedNamespace) -> None:
        credential = AzureKeyCredential(namespace.key)
        self.client = Namespace(namespace.endpoint, credential)
        self.namespace = namespace
        self.topic = self.client.topic(TOPIC)
        self.subscription = self.client.subscription(TOPIC, NAME, read)
        self.store = Store()
        self.ids = [f"e{number}" for number in range(EVENTS)]

    @property
    def queue(self) -> Queue:
        """The emulator's side of the event subscription."""
        return self.namespace.app.namespace.subscription(TOPIC, NAME)

    @property
    def held(self) -> int:
        """How many events the emulator still has."""
        return len(self.queue.queue)

    @property
    def hits(self) -> int:
        """How many requests a fault has struck."""
        return sum(self.namespace.app.routes.faults.hits)

    async def publish(self, *bodies: bytes) -> None:
        """Events in the queue; those with the ids of the stand when none are given."""
        events = [msgspec.json.encode(an_event(id=event_id)) for event_id in self.ids]
        await self.topic.publish(bodies or events)

    async def drain(
        self, handler: Handler, *, seconds: float = 16, **changes: Any
    ) -> DrainResult:
        """One receive's worth of draining."""
        return await drain(
            DrainJob(
                context=a_context(self.subscription, handler, self.store, **changes),
                time_left=Budget(seconds, each=seconds),
                manner=self.manner,
            )
        )

    def deliveries_on_record(self) -> Counter[tuple[str, int, str]]:
        """How often each event, delivery count and disposition was recorded."""
        return Counter(
            (entry.id, entry.delivery_count, entry.disposition)
            for entry in self.store.entries
        )

    def steps(self, event_id: str, what: str) -> int:
        """How often that happened to the event on this event subscription."""
        life = self.namespace.app.namespace.history.find(event_id)
        return sum(
            step["what"] == what and step.get("subscription") == NAME for step in life
        )

    def check_that_nothing_is_settled_without_an_entry(self) -> None:
        """What the emulator calls settled is on record as that."""
        for event_id in self.ids:
            on_record = Counter(
                entry.disposition
                for entry in self.store.entries
                if entry.id == event_id
            )
            for what, disposition in (
                ("acknowledged", Verb.ACKNOWLEDGE),
                ("rejected", Verb.REJECT),
            ):
                assert self.steps(event_id, what) <= on_record[disposition]

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()


@asynccontextmanager
async def standing() -> AsyncIterator[Stand]:
    """A stand for the length of a block."""
    async with EmulatedNamespace(TOPOLOGY) as namespace:
        stand = Stand(namespace)
        try:
            yield stand
        finally:
            await stand.close()
