"""The app's whole way: receive, decide, record in Azurite, settle."""

import asyncio
import contextlib
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from azure.core.credentials import AzureKeyCredential

from eventgrid_pull import Record
from eventgrid_pull.blob import blob_client
from eventgrid_pull.blob.append_log import StoreUnavailable
from eventgrid_pull.blob.blob_append_log import BlobAppendLog
from eventgrid_pull.blob.group_commit import GroupCommitLog
from eventgrid_pull.draining.batch import BatchContext
from eventgrid_pull.draining.drain import DrainJob, drain
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.draining.drain_summary import DrainSummary
from eventgrid_pull.event import Event
from eventgrid_pull.wire.client import Namespace
from moderation.activity.log import DrainCounts
from moderation.audit import recorder
from moderation.audit.log import AuditLog
from moderation.pulling import pull
from moderation.runtime import handled
from tools.bench.contenders.contender import Place, Work
from tools.bench.load.events import clock

MOST_SECONDS = 100.0

type Note = Callable[[Sequence[Record]], None]


class Drains:
    """One drain for each event subscription of a place, side by side."""

    def __init__(self, place: Place, log: AuditLog, note: Note | None) -> None:
        self._place, self._log, self._note = place, log, note
        self._counts = DrainCounts()
        self._client = Namespace(place.endpoint, AzureKeyCredential(place.key))
        self._receivers = {
            name: self._client.subscription(
                place.topic, name, pull.consumer.declared(_handled(name)).decode
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
                for name, share in self._place.shares.items()
            )
        )
        summary = self._counts.summary(DrainSummary(at="", subscription=""))
        return _settled(results) | {"high": summary.severities.get("high", 0)}

    def _job(self, name: str, count: int, ending: asyncio.Event | None) -> DrainJob:
        ends = time.monotonic() + MOST_SECONDS
        end = ending or asyncio.Event()
        left = float("inf") if ending else count
        context = BatchContext(
            subscription=name,
            max_delivery_count=10,
            lock_seconds=60,
            for_batch=pull.consumer.runner(_handled(name)).for_batch,
            receiver=self._receivers[name],
            recorder=_Counting(self._log, (self._counts.add, self._note), left, end),
            clock=clock,
        )
        return DrainJob(
            context=context,
            time_left=lambda: ends - time.monotonic(),
            pace=self._place.pace,
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
        self,
        log: AuditLog,
        notes: Sequence[Note | None],
        left: float,
        end: asyncio.Event,
    ) -> None:
        self._log, self._notes, self._left, self._end = log, notes, left, end

    async def open(self, subscription: str) -> None:
        await self._log.open(subscription, clock())

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        await recorder.record(self._log, subscription, records)
        for note in filter(None, self._notes):
            note(records)
        self._left -= len(records)
        if self._left <= 0:
            self._end.set()


@contextlib.asynccontextmanager
async def append_log(place: Place, container: str) -> AsyncIterator[GroupCommitLog]:
    """Open the place's log of lines for one writer."""
    async with blob_client.service(place.storage, None) as service:
        writer = uuid.uuid4().hex[:12]
        log = BlobAppendLog(service.get_container_client(container), writer)
        yield GroupCommitLog(log)


@contextlib.asynccontextmanager
async def _drains(place: Place, note: Note | None = None) -> AsyncIterator[Drains]:
    async with append_log(place, "audit") as log:
        drains = Drains(place, AuditLog(log), note)
        yield drains
        await drains.close()


@contextlib.asynccontextmanager
async def draining(place: Place) -> AsyncIterator[Work]:
    """Drain until as many events are settled as there are."""
    async with _drains(place) as drains:
        yield drains.run


@contextlib.asynccontextmanager
async def lane(place: Place) -> AsyncIterator[Work]:
    """Drain beside others, until a line says that it is enough."""
    async with _drains(place) as drains:

        async def work(events: int) -> dict[str, Any]:
            ending = asyncio.Event()
            running = asyncio.create_task(drains.run(events, ending))
            await asyncio.to_thread(sys.stdin.readline)
            ending.set()
            return await running

        yield work


@contextlib.asynccontextmanager
async def recording(place: Place) -> AsyncIterator[Work]:
    """Drain as events are published; count appends, and how late each event was on record."""
    delays: list[float] = []
    appends = 0

    def note(records: Sequence[Record]) -> None:
        nonlocal appends
        appends += 1
        now = clock()
        for record in records:
            event = record.delivery.event
            if isinstance(event, Event) and event.time:
                delays.append((now - event.time).total_seconds())

    async with _drains(place, note) as drains:

        async def work(events: int) -> dict[str, Any]:
            nonlocal appends
            appends = 0
            delays.clear()
            settled = await drains.run(events)
            return settled | {"appends": appends, "delays": delays}

        yield work


def _settled(results: list[DrainResult]) -> dict[str, Any]:
    """Return how many events the drains settled; nothing may have failed."""
    for result in results:
        if result.error or result.failed:
            problem = result.error or dict(result.failed)
            raise SystemExit(f"{result.subscription}: {problem}")
    return {"settled": sum(result.settled.total() for result in results)}
