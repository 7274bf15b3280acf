"""Paid orders: events of no domain that is ours, their handler, and a recorder of them.

Builders have sensible defaults, and a receiver holds what it is given.
"""

import base64
import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from eventgrid_pull import testing
from eventgrid_pull.blob.append_log import (
    AppendLog,
    InMemoryAppendLog,
    StoreUnavailable,
    stamp,
)
from eventgrid_pull.draining.batch import BatchContext
from eventgrid_pull.draining.decide import Handler
from eventgrid_pull.draining.settle import Receiver
from eventgrid_pull.event import Delivery, Event, MalformedEvent
from eventgrid_pull.events import event_decoder
from eventgrid_pull.outcomes import (
    Acknowledge,
    Disposition,
    Reject,
    Release,
    Settled,
)
from eventgrid_pull.recorder import Record
from eventgrid_pull.wire.http_retry import EventGridError

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
NAME, TYPE = "sub-paid", "com.shop.Paid"
DONE = Acknowledge("kept")


class Paid(msgspec.Struct):
    """An order that is paid."""

    order: str
    cents: int


type PaidEvent = Event[Paid] | MalformedEvent

read = event_decoder.decoder(Paid)


async def keep(event: PaidEvent) -> Disposition:
    """Keep an order, unless it cannot be."""
    if isinstance(event, MalformedEvent):
        return Reject(event.reason)
    return Reject("a negative amount") if event.data.cents < 0 else DONE


def an_event(data: Any = None, *, type: str = TYPE, **changes: Any) -> dict[str, Any]:
    """A CloudEvent about an order; a change to None leaves a key out."""
    event = {
        "specversion": "1.0",
        "id": "event-1",
        "source": "/tests",
        "type": type,
        "subject": "/orders/o1",
        "time": "2026-11-23T10:29:59Z",
        "data": {"order": "o1", "cents": 5} if data is None else data,
    } | changes
    return {key: value for key, value in event.items() if value is not None}


def a_lock_token() -> str:
    """Random, and of the shape that Event Grid's tokens have."""
    guid = b"E0A1C2CB-A2AC-4C37-8454-278C5CD240FB"
    return base64.b64encode(
        b"\x0a\x26\x0a\x24" + guid + b"\x12\x12\x0a\x10" + os.urandom(16)
    ).decode()


def a_delivery(event: dict[str, Any] | bytes | None = None, count: int = 1) -> Delivery:
    """An event on loan for the `count`-th time."""
    if event is None:
        event = an_event()
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    return Delivery(a_lock_token(), read(raw, count))


class Entry(msgspec.Struct):
    """What is on record of a delivery."""

    at: str
    id: str
    source: str
    delivery_count: int
    lock_token: str
    disposition: str
    reason: str | None
    delay_seconds: int | None


class LogRecorder:
    """Keeps an entry for each delivery in an append log, a line each."""

    down = StoreUnavailable

    def __init__(
        self, log: AppendLog, clock: Callable[[], datetime] = lambda: NOW
    ) -> None:
        self._log, self._clock = log, clock

    async def open(self, subscription: str) -> None:
        await self._log.open(subscription, self._clock())

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        lines = [msgspec.json.encode(_entry(record)) for record in records]
        whole = b"".join(line + b"\n" for line in lines)
        await self._log.append(subscription, records[0].at, whole)


def _entry(record: Record) -> Entry:
    event, outcome = record.delivery.event, record.disposition
    delay = int(outcome.delay or 0) if isinstance(outcome, Release) else None
    return Entry(
        at=stamp(record.at),
        id=event.id,
        source=event.source,
        delivery_count=event.delivery_count,
        lock_token=record.delivery.lock_token,
        disposition=outcome.VERB,
        reason=outcome.reason,
        delay_seconds=delay,
    )


def a_context(
    receiver: Receiver,
    handler: Handler = keep,
    log: AppendLog | None = None,
    **changes: Any,
) -> BatchContext:
    """Where batches of paid orders are worked on, recorded in the log."""
    made: dict[str, Any] = {
        "subscription": NAME,
        "max_delivery_count": 10,
        "lock_seconds": 60,
        "for_batch": lambda _: handler,
        "receiver": receiver,
        "recorder": LogRecorder(log or InMemoryAppendLog()),
        "clock": lambda: NOW,
    }
    return BatchContext(**(made | changes))


async def entries(log: AppendLog, name: str = NAME) -> list[Entry]:
    """What is on record, the newest first."""
    lines = log.newest(name, since=NOW - minutes(1), until=NOW)
    return [msgspec.json.decode(line, type=Entry) async for line in lines]


class InMemoryReceiver(testing.InMemorySubscription):
    """An event subscription that hands out the given batches, then nothing.

    `fails` names verbs that do not answer.
    """

    def __init__(self, *batches: list[Delivery]) -> None:
        super().__init__()
        self.batches = list(batches)
        self.waits: list[int] = []
        self.renewals = 0
        self.fails: set[str] = set()

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        self.waits.append(max_wait)
        self._check("receive")
        return self.batches.pop(0) if self.batches else []

    async def renew(self, tokens: Sequence[str]) -> Settled:
        self.renewals += 1
        self._check("renew")
        return await super().renew(tokens)

    def _settle(self, verb: str, tokens: Sequence[str], delay: int = 0) -> Settled:
        self._check(verb)
        return super()._settle(verb, tokens, delay)

    def _check(self, verb: str) -> None:
        if verb in self.fails:
            raise EventGridError(f"{verb}: Event Grid does not answer")


class Budget:
    """Seconds that remain; each look at it uses some up."""

    def __init__(self, seconds: float, *, each: float = 0.0) -> None:
        self._left = seconds
        self._each = each

    def __call__(self) -> float:
        left = self._left
        self._left -= self._each
        return left


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)
