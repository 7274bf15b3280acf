"""The app's whole way: receive, decide, record in Azurite, settle."""

import asyncio
import contextlib
import sys
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from azure.core.credentials import AzureKeyCredential
from azure.storage.blob.aio import BlobServiceClient

from eventgrid_pull import Record
from eventgrid_pull.blob import blob_client
from eventgrid_pull.blob.append_log import AppendLog, StoreUnavailable
from eventgrid_pull.blob.blob_append_log import BlobAppendLog
from eventgrid_pull.blob.group_commit import GroupedAppendLog
from eventgrid_pull.draining.batch import BatchContext
from eventgrid_pull.draining.drain import DrainJob, drain
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.draining.drain_summary import DrainSummary
from eventgrid_pull.wire.client import Namespace
from moderation.activity.counting import DrainCounts
from moderation.audit import recorder
from moderation.audit.log import AuditLog
from moderation.pulling import pull
from moderation.runtime import handled
from tools.bench.contenders.contender import Place, Work

CONTAINER = "audit"
MOST_SECONDS = 100.0


def clock() -> datetime:
    """Now, on the machine's clock."""
    return datetime.now(UTC)  # noqa: TID251 - the edge that owns the clock


class Drains:
    """One drain for each event subscription of a place, side by side."""

    def __init__(self, place: Place, log: AppendLog) -> None:
        self._shares = place.shares
        self._counts = DrainCounts()
        self._audit = AuditLog(GroupedAppendLog(log))
        self._client = Namespace(place.endpoint, AzureKeyCredential(place.key))
        self._consumer = pull.consumer
        self._receivers = {
            name: self._client.subscription(
                place.topic, name, self._consumer.declared(_handled(name)).decode
            )
            for name in place.shares
        }

    async def run(
        self, count: int, ending: asyncio.Event | None = None
    ) -> dict[str, Any]:
        """Drain until as many are settled, or until `ending` is set; say what was."""
        results = await asyncio.gather(
            *(
                drain(self._job(name, round(count * share), ending))
                for name, share in self._shares.items()
            )
        )
        said = self._counts.summary(DrainSummary(at="", subscription=""))
        return _settled(results) | {"high": said.severities.get("high", 0)}

    def _job(self, name: str, count: int, ending: asyncio.Event | None) -> DrainJob:
        ends = time.monotonic() + MOST_SECONDS
        end = ending or asyncio.Event()
        left = float("inf") if ending else count
        runner = self._consumer.runner(_handled(name))
        desk = BatchContext(
            subscription=name,
            max_delivery_count=10,
            lock_seconds=60,
            for_batch=runner.for_batch,
            receiver=self._receivers[name],
            recorder=_Counting(self._audit, self._counts, left, end),
            clock=clock,
        )
        return DrainJob(
            context=desk,
            time_left=lambda: ends - time.monotonic(),
            ending=end,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _handled(name: str) -> str:
    """Return the event subscription whose handler gets what comes of that one."""
    return name if name in handled() else "sub-all-events"


class _Counting:
    """Records, and sets `end` after so many events: a drain would wait on."""

    down: type[Exception] = StoreUnavailable

    def __init__(
        self, log: AuditLog, counts: DrainCounts, left: float, end: asyncio.Event
    ) -> None:
        self._log, self._counts, self._left, self._end = log, counts, left, end

    async def open(self, subscription: str) -> None:
        await self._log.open(subscription, clock())

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        await recorder.record(self._log, subscription, records)
        self._counts.add(records)
        self._left -= len(records)
        if self._left <= 0:
            self._end.set()


class Timed:
    """An append log that remembers when what was appended was durable."""

    def __init__(self, log: AppendLog) -> None:
        self._log = log
        self._appended: list[tuple[float, bytes]] = []
        self.probe, self.open = log.probe, log.open
        self.newest, self.search = log.newest, log.search

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        """Append, then look at the clock."""
        await self._log.append(name, now, lines)
        self._appended.append((time.time(), lines))

    def latencies(self) -> list[float]:
        """Return milliseconds from an event's own time until it was recorded."""
        appended, self._appended = self._appended, []
        return [
            (durable - event.timestamp()) * 1000
            for durable, lines in appended
            for event in map(_time_of, lines.splitlines())
        ]


class _Envelope(msgspec.Struct):
    time: datetime


class Line(msgspec.Struct):
    """What a line of the audit log says of times: when it was decided, and the event's."""

    at: datetime
    event: _Envelope


def _time_of(line: bytes) -> datetime:
    return msgspec.json.decode(line, type=Line).event.time


@contextlib.asynccontextmanager
async def _audit_log(place: Place) -> AsyncIterator[AppendLog]:
    service: BlobServiceClient = blob_client.service(place.storage, None)
    async with service:
        container = service.get_container_client(CONTAINER)
        yield BlobAppendLog(container, uuid.uuid4().hex[:12])


@contextlib.asynccontextmanager
async def draining(place: Place) -> AsyncIterator[Work]:
    """Drain until as many events are settled as there are."""
    async with _audit_log(place) as log:
        drains = Drains(place, log)

        async def work(events: int) -> dict[str, Any]:
            return await drains.run(events)

        yield work
        await drains.close()


@contextlib.asynccontextmanager
async def lane(place: Place) -> AsyncIterator[Work]:
    """Drain beside others, until a line says that it is enough."""
    async with _audit_log(place) as log:
        drains = Drains(place, log)

        async def work(events: int) -> dict[str, Any]:
            ending = asyncio.Event()
            running = asyncio.create_task(drains.run(events, ending))
            await asyncio.to_thread(sys.stdin.readline)
            ending.set()
            return await running

        yield work
        await drains.close()


@contextlib.asynccontextmanager
async def recording(place: Place) -> AsyncIterator[Work]:
    """Drain events as they are published, and tell how late each was recorded."""
    async with _audit_log(place) as log:
        timed = Timed(log)
        drains = Drains(place, timed)

        async def work(events: int) -> dict[str, Any]:
            told = await drains.run(events)
            return told | {"latencies": timed.latencies()}

        yield work
        await drains.close()


def _settled(results: list[DrainResult]) -> dict[str, Any]:
    """Return how many events the drains settled; nothing may have failed."""
    for result in results:
        if result.error or result.failed:
            problem = result.error or dict(result.failed)
            raise SystemExit(f"{result.subscription}: {problem}")
    return {"settled": sum(result.settled.total() for result in results)}
