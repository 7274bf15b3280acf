"""The library as its users have it: the public API, data of a type of one's own."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from azure.core.credentials import AzureKeyCredential

from eventgrid_pull import Event, EventGridPull, Record
from eventgrid_pull.blob import blob_client
from eventgrid_pull.blob.append_log import AppendLog, StoreUnavailable, stamp
from eventgrid_pull.blob.blob_append_log import BlobAppendLog
from eventgrid_pull.blob.group_commit import GroupedAppendLog
from tools.bench.contenders.contender import Place, Work
from tools.bench.contenders.drained import clock

CONTAINER = "library"


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
        lines = b"\n".join([msgspec.json.encode(_entry(each)) for each in records])
        await self._log.append(subscription, records[0].at, lines + b"\n")


def _entry(record: Record) -> Entry:
    delivery, said = record.delivery, record.disposition
    event = delivery.event
    return Entry(
        stamp(record.at),
        event.source,
        event.id,
        event.delivery_count,
        said.VERB,
        said.reason,
        msgspec.Raw(delivery.line),
    )


@contextlib.asynccontextmanager
async def pulling(place: Place) -> AsyncIterator[Work]:
    """Pulls until the handler has seen as many events as there are."""
    left, high, all_seen = 0, 0, asyncio.Event()
    service = blob_client.service(place.storage, None)
    log = BlobAppendLog(service.get_container_client(CONTAINER), uuid.uuid4().hex[:12])
    pull = EventGridPull(
        topic=place.topic,
        endpoint=place.endpoint,
        credential=AzureKeyCredential(place.key),
        recorder=Recorder(GroupedAppendLog(log)),
    )

    @pull.subscription(place.subscription, schedule="0 * * * * *")
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
        draining = asyncio.create_task(consumer.drain(place.subscription))
        await all_seen.wait()
        await consumer.stop()  # finishes what is in hand
        result = await draining
        if result.error or result.failed or result.settled.total() != count:
            raise SystemExit(f"not all was settled: {result}")
        return {"high": high}

    async with service:
        yield work
        await pull.close()
