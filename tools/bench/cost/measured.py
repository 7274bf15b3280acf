"""The same, measured: the emulator, Azurite, and drains that count what they ask."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import msgspec
from azure.core.credentials import AzureKeyCredential
from azure.storage.blob.aio import BlobServiceClient

from eventgrid_pull.blob import blob_client
from eventgrid_pull.blob.append_log import AppendLog, StoreUnavailable, stamp
from eventgrid_pull.blob.blob_append_log import BlobAppendLog
from eventgrid_pull.blob.group_commit import GroupedAppendLog
from eventgrid_pull.draining.batch import BatchContext
from eventgrid_pull.draining.drain import DrainJob, drain
from eventgrid_pull.event import AnyEvent, Delivery
from eventgrid_pull.events.event_decoder import decoder
from eventgrid_pull.outcomes import Acknowledge, Disposition, Settled
from eventgrid_pull.recorder import Record
from eventgrid_pull.wire.client import Namespace, Subscription, Topic
from eventgrid_pull.wire.http_retry import loop_time
from tools.bench.contenders.drained import clock
from tools.bench.cost.counts import Counts
from tools.bench.load.events import APPROVED, FLAGGED, event
from tools.bench.load.servers import KEY, TOPIC, running_emulator, running_storage

SUBSCRIPTIONS = {"sub-flagged": [FLAGGED], "sub-approved": [APPROVED], "sub-all": None}
# More often a publisher does not send; what it sends at once is what came meanwhile.
PUBLISHES = 100
DONE = Acknowledge()
# A busy machine records what was published last so late at most.
LATE_SECONDS = 30.0


class Receiver:
    """An event subscription, and how often it is asked."""

    def __init__(self, inner: Subscription, counts: Counts) -> None:
        self._inner, self._counts = inner, counts
        self.release, self.reject, self.renew = inner.release, inner.reject, inner.renew

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        """Count, and receive."""
        self._counts.receives += 1
        return await self._inner.receive(max_events, max_wait, within=within)

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        """Count, and acknowledge."""
        self._counts.settlements += 1
        return await self._inner.acknowledge(tokens)


class Recorder:
    """Appends each event as it came, and notes how long it had waited by then."""

    down: type[Exception] = StoreUnavailable

    def __init__(self, log: AppendLog, counts: Counts) -> None:
        self._log, self._counts = log, counts

    async def open(self, subscription: str) -> None:
        """See that the log is there."""
        await self._log.open(subscription, clock())

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        """Append all in one write."""
        lines = b"\n".join(record.delivery.event.raw for record in records) + b"\n"
        await self._log.append(subscription, clock(), lines)
        self._counts.writes += 1
        now = clock()
        self._counts.delays += [
            (
                now - datetime.fromisoformat(record.delivery.event.subject or "")
            ).total_seconds()
            for record in records
        ]


@dataclass(frozen=True, slots=True)
class Stand:
    """The emulator and Azurite, for one measurement after the other."""

    namespace: Namespace
    service: BlobServiceClient

    async def stay(self, rate: int, pace: float, seconds: float) -> Counts:
        """Return what it took to stay with so many events a second, at that pace."""
        total, published = Counts(), 2 * int(rate * seconds)
        each = {name: Counts() for name in SUBSCRIPTIONS}
        ending = asyncio.Event()
        began = loop_time()
        async with asyncio.TaskGroup() as group:
            for name, counts in each.items():
                job = _job(self, name, pace, ending, counts)
                group.create_task(drain(job))
            await _publish(self.namespace.topic(TOPIC), rate, seconds)
            await asyncio.sleep(pace + 1)  # what waits for its batch is handled, too
            late = loop_time() + LATE_SECONDS
            while sum(counts.events for counts in each.values()) < published:
                if loop_time() > late:
                    break  # lost, which is told below
                await asyncio.sleep(0.05)
            ending.set()
        for counts in each.values():
            counts.runs, counts.seconds = 1, loop_time() - began
            counts.open = counts.billed = counts.seconds
            total.add(counts)
        if total.events != published:
            raise SystemExit(f"{total.events} of {published} were recorded")
        return total


@asynccontextmanager
async def standing() -> AsyncIterator[Stand]:
    """Start the emulator and Azurite, for as long as the block."""
    async with (
        running_emulator(SUBSCRIPTIONS) as server,
        running_storage() as storage,
        blob_client.service(storage, None) as service,
    ):
        namespace = Namespace(server.endpoint, AzureKeyCredential(KEY))
        yield Stand(namespace, service)
        await namespace.close()


def _job(
    stand: Stand,
    name: str,
    pace: float,
    ending: asyncio.Event,
    counts: Counts,
) -> DrainJob:
    async def handle(event: AnyEvent) -> Disposition:
        return DONE

    log = BlobAppendLog(
        stand.service.get_container_client("audit"), uuid.uuid4().hex[:12]
    )
    receiver = Receiver(
        stand.namespace.subscription(TOPIC, name, decoder(dict)), counts
    )
    context = BatchContext(
        subscription=name,
        max_delivery_count=10,
        lock_seconds=60,
        for_batch=lambda _: handle,
        receiver=receiver,
        recorder=Recorder(GroupedAppendLog(log), counts),
        clock=clock,
    )
    return DrainJob(
        context=context,
        time_left=lambda: 600.0,
        pace=pace,
        ending=ending,
    )


async def _publish(topic: Topic, rate: int, seconds: float) -> None:
    """Publish evenly by the clock, flagged and approved in turns."""
    began, sent = loop_time(), 0
    total = int(rate * seconds)
    async with asyncio.TaskGroup() as group:
        while sent < total:
            due = min(total, int((loop_time() - began) * rate) + 1)
            if due > sent:
                group.create_task(topic.publish(_events(range(sent, due))))
                sent = due
            await asyncio.sleep(max(1 / PUBLISHES, began + sent / rate - loop_time()))


def _events(numbers: range) -> list[bytes]:
    now = stamp(clock())
    return [
        msgspec.json.encode(
            event(number, (FLAGGED, APPROVED)[number % 2]) | {"subject": now}
        )
        for number in numbers
    ]
