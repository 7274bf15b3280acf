"""The library as its users have it: the public API, data of a type of one's own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from azure.core.credentials import AzureKeyCredential

from eventgrid_pull import Event, EventGridPull, Record
from eventgrid_pull.blob.append_log import AppendLog, StoreUnavailable, stamp
from tools.bench.contenders.contender import Place, Work
from tools.bench.contenders.drained import append_log
from tools.bench.load.events import clock


class Result(msgspec.Struct, rename="camel"):
    """A moderation result, as far as it matters to whoever reads it here."""

    content_id: str
    confidence: float
    category: str
    severity: str


class Entry(msgspec.Struct):
    """A line of the log: what was decided about one delivery."""

    at: str
    source: str
    id: str
    delivery_count: int
    disposition: str
    reason: str | None
    event: msgspec.Raw


class Recorder:
    """Keeps a line for each delivery in Blob Storage."""

    down = StoreUnavailable

    def __init__(self, log: AppendLog) -> None:
        self._log = log

    async def open(self, subscription: str) -> None:
        """See that the log can be written to."""
        await self._log.open(subscription, clock())

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        """Append a line for each, all at once."""
        lines = b"\n".join([msgspec.json.encode(_entry(record)) for record in records])
        await self._log.append(subscription, records[0].at, lines + b"\n")


def _entry(record: Record) -> Entry:
    delivery, disposition = record.delivery, record.disposition
    event = delivery.event
    return Entry(
        stamp(record.at),
        event.source,
        event.id,
        event.delivery_count,
        disposition.VERB,
        disposition.reason,
        msgspec.Raw(delivery.line),
    )


@contextlib.asynccontextmanager
async def pulling(place: Place) -> AsyncIterator[Work]:
    """Pull until the handler has seen as many events as there are."""
    async with append_log(place, "library") as log:
        pull = EventGridPull(
            topic=place.topic,
            endpoint=place.endpoint,
            credential=AzureKeyCredential(place.key),
            recorder=Recorder(log),
        )
        yield _work(pull, place.subscription)
        await pull.close()


def _work(pull: EventGridPull, subscription: str) -> Work:
    left, high, all_seen = 0, 0, asyncio.Event()

    @pull.subscription(subscription, schedule="0 * * * * *")
    async def handle(event: Event[Result]) -> None:
        nonlocal left, high
        left, high = left - 1, high + (event.data.severity == "high")
        if not left:
            all_seen.set()

    namespace = pull.consumer.namespace()

    async def work(count: int) -> dict[str, Any]:
        nonlocal left, high
        left, high = count, 0
        all_seen.clear()
        consumer = pull.consumer.elsewhere(lambda: namespace)
        draining = asyncio.create_task(consumer.drain(subscription))
        await all_seen.wait()
        await consumer.stop()  # finishes what is in hand
        result = await draining
        if result.error or result.failed or result.settled.total() != count:
            raise SystemExit(f"not all was settled: {result}")
        return {"high": high}

    return work
