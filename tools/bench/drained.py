"""The app's whole way: receive, decide, record in Azurite, settle."""

import asyncio
import contextlib
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from azure.core.credentials import AzureKeyCredential
from azure.storage.blob.aio import BlobServiceClient

from eventgrid_pull.batch import Desk
from eventgrid_pull.blob import blob_client
from eventgrid_pull.blob.append_log import AppendLog
from eventgrid_pull.blob.blob_append_log import BlobAppendLog
from eventgrid_pull.blob.group_commit import GroupedAppendLog
from eventgrid_pull.client import Subscription
from eventgrid_pull.drain import Drain, drain
from eventgrid_pull.drain_result import Outcome, Tally
from moderation.audit.log import AuditLog
from moderation.handlers import HANDLERS
from tools.bench.contender import Place, Work

CONTAINER = "audit"
MOST_SECONDS = 100.0


def clock() -> datetime:
    """Now, on the machine's clock."""
    return datetime.now(UTC)  # noqa: TID251 - the edge that owns the clock


class Drains:
    """One drain for each event subscription of a place, side by side."""

    def __init__(self, place: Place, log: AppendLog) -> None:
        self._shares = place.shares
        self._audit = AuditLog(GroupedAppendLog(log))
        self._receivers = {
            name: Subscription(
                place.endpoint, place.topic, name, AzureKeyCredential(place.key)
            )
            for name in place.shares
        }

    async def run(
        self, events: int, ending: asyncio.Event | None = None
    ) -> list[Tally]:
        """Drain until as many are settled, or until `ending` is set."""
        return await asyncio.gather(
            *(
                drain(self._job(name, round(events * share), ending))
                for name, share in self._shares.items()
            )
        )

    def _job(self, name: str, events: int, ending: asyncio.Event | None) -> Drain:
        ends = time.monotonic() + MOST_SECONDS
        end = ending or asyncio.Event()
        desk = Desk(
            subscription=name,
            max_delivery_count=10,
            lock_seconds=60,
            handler_seconds=300,
            handler=HANDLERS.get(name, HANDLERS["sub-all-events"]),
            receiver=self._receivers[name],
            audit=self._audit,
            clock=clock,
            settled=_ignored if ending else _counting(events, end),
        )
        return Drain(
            desk=desk,
            receiver=self._receivers[name],
            time_left=lambda: ends - time.monotonic(),
            ending=end,
        )

    async def close(self) -> None:
        """Close the connections."""
        for receiver in self._receivers.values():
            await receiver.close()


def _ignored(outcomes: list[Outcome]) -> None:
    pass


def _counting(events: int, end: asyncio.Event) -> Callable[[list[Outcome]], None]:
    """Sets the end when so many events are settled; otherwise a drain would wait on."""
    left = events

    def settled(outcomes: list[Outcome]) -> None:
        nonlocal left
        left -= sum(outcome.failed is None for outcome in outcomes)
        if not left:
            end.set()

    return settled


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
        """Milliseconds from an event's own time until it was recorded."""
        appended, self._appended = self._appended, []
        return [
            (durable - event.timestamp()) * 1000
            for durable, lines in appended
            for event in map(_time_of, lines.splitlines())
        ]


class _Envelope(msgspec.Struct):
    time: datetime


class _Line(msgspec.Struct):
    event: _Envelope


def _time_of(line: bytes) -> datetime:
    return msgspec.json.decode(line, type=_Line).event.time


@contextlib.asynccontextmanager
async def _audit_log(place: Place) -> AsyncIterator[AppendLog]:
    service: BlobServiceClient = blob_client.service(place.storage, None)
    async with service:
        container = service.get_container_client(CONTAINER)
        yield BlobAppendLog(container, uuid.uuid4().hex[:12])


@contextlib.asynccontextmanager
async def draining(place: Place) -> AsyncIterator[Work]:
    """Drains until as many events are settled as there are."""
    async with _audit_log(place) as log:
        drains = Drains(place, log)

        async def work(events: int) -> dict[str, Any]:
            return _told(await drains.run(events))

        yield work
        await drains.close()


@contextlib.asynccontextmanager
async def lane(place: Place) -> AsyncIterator[Work]:
    """Drains beside others, until a line says that it is enough."""
    async with _audit_log(place) as log:
        drains = Drains(place, log)

        async def work(events: int) -> dict[str, Any]:
            ending = asyncio.Event()
            running = asyncio.create_task(drains.run(events, ending))
            await asyncio.to_thread(sys.stdin.readline)
            ending.set()
            return _told(await running)

        yield work
        await drains.close()


@contextlib.asynccontextmanager
async def recording(place: Place) -> AsyncIterator[Work]:
    """Drains events as they are published, and tells how late each was recorded."""
    async with _audit_log(place) as log:
        timed = Timed(log)
        drains = Drains(place, timed)

        async def work(events: int) -> dict[str, Any]:
            told = _told(await drains.run(events))
            return told | {"latencies": timed.latencies()}

        yield work
        await drains.close()


def _told(tallies: list[Tally]) -> dict[str, Any]:
    """What the drains counted; nothing may have failed."""
    for tally in tallies:
        if tally.error or tally.failed:
            problem = tally.error or dict(tally.failed)
            raise SystemExit(f"{tally.subscription}: {problem}")
    return {
        "settled": sum(tally.settled.total() for tally in tallies),
        "high": sum(tally.summary.severities.get("high", 0) for tally in tallies),
    }
