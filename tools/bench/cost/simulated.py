"""The library's own drain against an Event Grid that only counts, on a clock that jumps."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from eventgrid_pull.draining.batch import BatchContext
from eventgrid_pull.draining.drain import DrainJob, drain
from eventgrid_pull.draining.drain_summary import DrainSummary
from eventgrid_pull.event import AnyEvent, Delivery, Event
from eventgrid_pull.outcomes import Acknowledge, Disposition, ReleaseDelay, Settled
from eventgrid_pull.recorder import Record, RecorderDown
from eventgrid_pull.settings.ticks import Manner, seconds_to_run
from eventgrid_pull.wire.http_retry import loop_time
from tools.bench.cost.counts import Counts
from tools.bench.cost.virtual_time import Clock, VirtualLoop

# Seconds from asking Event Grid, or storage, to the answer.
TRIP, APPEND = 0.01, 0.01
# A run is charged for no less.
SHORTEST_BILLED = 1.0
HOST_SECONDS = 0.02
DONE = Acknowledge()
EVENT: Event[object] = Event("1", "/bench", "com.contoso.Bench", {})


@dataclass
class Queue:
    """Events that come evenly; those that were there are handed out at once."""

    rate: float
    counts: Counts = field(default_factory=Counts)
    _began: float = field(default_factory=loop_time)
    _taken: int = 0

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        """Answer with what is there, or when something comes, or nothing."""
        self.counts.receives += 1
        await asyncio.sleep(TRIP / 2)
        ends = loop_time() + max_wait
        if not self._there():
            await asyncio.sleep(min(self._next(), ends) - loop_time() + 1e-6)
        first, self._taken = (
            self._taken,
            self._taken + min(max_events, self._there()),
        )
        await asyncio.sleep(TRIP / 2)
        return [Delivery(str(number), EVENT) for number in range(first, self._taken)]

    def _there(self) -> int:
        return int((loop_time() - self._began) * self.rate) - self._taken

    def _next(self) -> float:
        return self._came(self._taken) if self.rate else math.inf

    def _came(self, number: int) -> float:
        return self._began + (number + 1) / self.rate

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        """Settle all, and note how long each had waited to be on record."""
        self.counts.settlements += 1
        recorded = loop_time()
        self.counts.delays += [recorded - self._came(int(token)) for token in tokens]
        await asyncio.sleep(TRIP)
        return Settled(frozenset(tokens), {})

    async def release(
        self, tokens: Sequence[str], delay: ReleaseDelay | None = None
    ) -> Settled:
        """Never asked: the handler acknowledges, and at once."""
        raise NotImplementedError

    reject = renew = release


class Recorder:
    """Takes its time over each append, and counts it."""

    down: type[Exception] = RecorderDown

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    async def open(self, subscription: str) -> None:
        """Take as long as a look at the log."""
        await asyncio.sleep(APPEND)

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        """Append."""
        self._counts.writes += 1
        await asyncio.sleep(APPEND)


def _at_a_tick() -> VirtualLoop:
    """Return a loop on whose clock a minute and five of them begin."""
    return VirtualLoop(Clock(999_900.0))


def run(
    rate: float, manner: Manner, pace: float, schedule: str, seconds: float
) -> Counts:
    """Return what so many seconds of one event subscription took."""
    with asyncio.Runner(loop_factory=_at_a_tick) as runner:
        return runner.run(_run(rate, manner, pace, schedule, seconds))


async def _run(
    rate: float, manner: Manner, pace: float, schedule: str, seconds: float
) -> Counts:
    queue = Queue(rate)
    ends = loop_time() + seconds
    while loop_time() < ends:
        began = loop_time()
        budget = seconds_to_run(schedule, _clock(), 900)
        await drain(_job(queue, manner, pace, began + budget))
        queue.counts.runs += 1
        queue.counts.open += loop_time() - began
        queue.counts.billed += max(SHORTEST_BILLED, loop_time() - began)
        tick = began + budget - 1  # the run may have gone on beyond it
        await asyncio.sleep(max(HOST_SECONDS, tick - loop_time()))
    queue.counts.seconds = loop_time() - (ends - seconds)
    return queue.counts


def _job(queue: Queue, manner: Manner, pace: float, ends: float) -> DrainJob:
    async def handle(event: AnyEvent) -> Disposition:
        return DONE

    async def note(summary: DrainSummary) -> None:
        queue.counts.writes += 1
        await asyncio.sleep(APPEND)

    context = BatchContext(
        subscription="sub",
        max_delivery_count=10,
        lock_seconds=60,
        for_batch=lambda _: handle,
        receiver=queue,
        recorder=Recorder(queue.counts),
        clock=_clock,
    )
    return DrainJob(
        context=context,
        time_left=lambda: ends - loop_time(),
        manner=manner,
        pace=pace,
        note=note,
    )


def _clock() -> datetime:
    return datetime.fromtimestamp(loop_time(), UTC)


def common_loop(rate: float, seconds: float) -> Counts:
    """Return what the loop of the SDK's samples takes: 10 a receive, nothing recorded."""
    with asyncio.Runner(loop_factory=_at_a_tick) as runner:
        return runner.run(_common_loop(rate, seconds))


async def _common_loop(rate: float, seconds: float) -> Counts:
    queue = Queue(rate)
    began = loop_time()
    while loop_time() - began < seconds:
        if deliveries := await queue.receive(10, 10, within=10):
            await queue.acknowledge([delivery.lock_token for delivery in deliveries])
    counts = queue.counts
    counts.seconds = counts.open = counts.billed = loop_time() - began
    counts.runs = 1
    return counts
