"""A batch of named events on a workbench: what their handlers do, and what they became."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from eventgrid_pull.blob.append_log import InMemoryAppendLog, StoreUnavailable
from eventgrid_pull.draining.batch import work
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import Disposition, Settled
from tests.eventgrid_pull import orders
from tests.eventgrid_pull.orders import (
    DONE,
    Entry,
    InMemoryReceiver,
    PaidEvent,
    a_context,
    a_delivery,
    an_event,
)
from tests.virtual_time import now

LOCK = 60.0


class Clocked(InMemoryReceiver):
    """An event subscription that remembers when each lock token was settled."""

    def __init__(self) -> None:
        super().__init__()
        self.began = now()
        self.settled_at: dict[str, float] = {}

    def _settle(self, verb: str, tokens: Sequence[str], delay: int = 0) -> Settled:
        answer = super()._settle(verb, tokens, delay)
        moment = round(now() - self.began, 3)
        self.settled_at |= dict.fromkeys(answer.succeeded, moment)
        return answer


class Store(InMemoryAppendLog):
    """An append log that can fail, and that can take its time."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.takes = 0.0

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        await asyncio.sleep(self.takes)
        if self.fails:
            raise StoreUnavailable("storage does not answer")
        await super().append(name, now, lines)


class Bench:
    """A batch of named events, what their handlers do, and what became of it."""

    def __init__(self, **handlers: Callable[[], Any]) -> None:
        self.handlers = handlers
        self.deliveries = {name: a_delivery(an_event(id=name)) for name in handlers}
        self.receiver = Clocked()
        self.store = Store()
        self.done = DrainResult("sub-paid")
        self.cancelled: list[str] = []
        self.stopping = False

    async def handle(self, event: PaidEvent) -> Disposition:
        """Do what that event's handler does; remember who was cancelled."""
        try:
            chosen = self.handlers[event.id]()
            given = await chosen if asyncio.iscoroutine(chosen) else chosen
        except asyncio.CancelledError:
            self.cancelled.append(event.id)
            raise
        disposition: Disposition = given
        return disposition

    async def work(self) -> DrainResult:
        context = a_context(
            self.receiver,
            self.handle,
            self.store,
            stopping=lambda: self.stopping,
        )
        await work(context, list(self.deliveries.values()), self.done)
        return self.done

    def count(self, name: str, count: int) -> None:
        """It is the `count`-th delivery of that event."""
        before = self.deliveries[name]
        event = msgspec.structs.replace(before.event, delivery_count=count)
        self.deliveries[name] = Delivery(before.lock_token, event)

    def became(self, name: str) -> tuple[str, int] | None:
        """How that event was settled, if it was."""
        return self.receiver.settled.get(self.deliveries[name].lock_token)

    def at(self, name: str) -> float:
        """Seconds from the start to that event's settlement."""
        return self.receiver.settled_at[self.deliveries[name].lock_token]

    def lose(self, name: str) -> None:
        """That event's lock is gone."""
        self.receiver.lose(self.deliveries[name].lock_token)

    async def entries(self) -> dict[str, Entry]:
        """What is on record, by event id."""
        return {entry.id: entry for entry in await orders.entries(self.store)}


def after(seconds: float, disposition: Disposition = DONE) -> Callable[[], Any]:
    """A handler that takes so long."""

    async def wait() -> Disposition:
        await asyncio.sleep(seconds)
        return disposition

    return wait


def raising(error: BaseException) -> Callable[[], Any]:
    """A handler that fails."""

    def act() -> Any:
        raise error

    return act


async def swallow(seconds: float) -> None:
    """Go on that long, cancelled or not."""
    ends = now() + seconds
    while now() < ends:
        try:
            await asyncio.sleep(ends - now())
        except asyncio.CancelledError:
            continue


def stubborn(seconds: float) -> Callable[[], Any]:
    """Return a handler that swallows its cancellation and goes on that long."""

    async def wait() -> Disposition:
        await swallow(seconds)
        return DONE

    return wait
