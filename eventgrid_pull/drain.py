"""Draining an event subscription: receive, decide, record, settle, until empty.

A record is durable before its event is settled. A crash between the two costs a second
delivery and a second record; the other order could lose the record of something done.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from eventgrid_pull import batch, receive_size
from eventgrid_pull.batch import BatchContext
from eventgrid_pull.drain_result import DrainResult, DrainSummary
from eventgrid_pull.event import Delivery
from eventgrid_pull.http_retry import EventGridError, loop_time
from eventgrid_pull.receive_size import BATCH, FIRST
from eventgrid_pull.settle import Renewer

SHORTEST_WAIT, LONGEST_WAIT = 10, 20
RETRY_SECONDS = 5
MAX_RECEIVERS = 4

# A drain that goes on is noted that often: half an hour of it would be one bar.
NOTE_SECONDS = 60

# Some emulators answer an empty receive at once: they are not asked without a pause.
EARLY_SECONDS, PAUSE_SECONDS = 1.0, 0.2


class Receiver(Renewer, Protocol):
    """An event subscription to pull from; see `client.Subscription`."""

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        """Up to so many deliveries; waits so many seconds for the first one."""


class DrainJob(msgspec.Struct, frozen=True, kw_only=True):
    """One drain of one event subscription.

    `time_left` gives the seconds of the budget that remain; a receive that could
    outlive it is not started. `until_empty` stops at the first receive that brings
    nothing. Set, `ending` lets what is in hand be finished and nothing more be taken.
    `note` is given a summary once a minute and at the end; it never raises.
    """

    context: BatchContext
    receiver: Receiver
    time_left: Callable[[], float]
    until_empty: bool = False
    ending: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    note: Callable[[DrainSummary], Awaitable[None]] | None = None

    async def run(self) -> DrainResult:
        """Drain; see `drain`."""
        return await drain(self)


async def drain(job: DrainJob) -> DrainResult:
    """Pull from the event subscription until it is empty or time is up.

    Never raises for what Event Grid or the recorder do; the result has it as `error`.
    """
    name = job.context.subscription
    done = DrainResult(name)
    try:
        # Look before taking: while nothing can be recorded, no delivery is used up.
        await job.context.recorder.open(name)
    except job.context.recorder.down as error:
        done.fail(error)
    else:
        await _run(job, done)
    last = done.end(job.context.clock())
    if job.note is not None:
        await job.note(last)
    return done


async def _run(job: DrainJob, done: DrainResult) -> None:
    """Receive until there is a reason to stop; note once a minute what was done."""
    over = asyncio.Event()
    noting = asyncio.create_task(_note_each_minute(job, done, over))
    try:
        await _Receivers(job, done).run()
    finally:
        over.set()  # not cut off: a summary that is being noted is noted once
        await noting


async def _note_each_minute(
    job: DrainJob, done: DrainResult, over: asyncio.Event
) -> None:
    ending = asyncio.create_task(over.wait())
    while not over.is_set():
        await asyncio.wait((ending,), timeout=NOTE_SECONDS)
        # Silence is not noted: it is told by how long ago the last summary was.
        if done.is_alive() and not over.is_set() and job.note is not None:
            await job.note(done.take(job.context.clock()))
    await ending


class _Received(msgspec.Struct, frozen=True):
    """The answer to one receive, and how many events it asked for."""

    asked: int
    deliveries: list[Delivery]

    @property
    def is_full(self) -> bool:
        """Whether there may be more."""
        return len(self.deliveries) >= self.asked

    @property
    def fitting(self) -> int:
        """How many events like these a batch may have."""
        return receive_size.fitting(self.deliveries)


class _Receivers:
    """Receivers of one drain: one more for a full batch, one less for any other.

    A batch is full when it has as many events as were asked for. The first one asks for
    few and only tells what they weigh; `_fitting` is how many like the last ones may be
    in hand at once, `_size` how many there is time for.
    """

    def __init__(self, job: DrainJob, done: DrainResult) -> None:
        self._job = job
        self._done = done
        self._count = 0
        self._size = BATCH
        self._fitting: int | None = None

    async def run(self) -> None:
        """Receive until there is a reason to stop."""
        async with asyncio.TaskGroup() as group:
            self._add(group)

    def _add(self, group: asyncio.TaskGroup) -> None:
        self._count += 1
        group.create_task(self._receive_on(group))

    async def _receive_on(self, group: asyncio.TaskGroup) -> None:
        try:
            while (received := await self._receive()) is not None:
                is_first, self._fitting = self._fitting is None, received.fitting
                calls_for_more = received.is_full and not is_first
                if calls_for_more and self._count < MAX_RECEIVERS:
                    self._add(group)
                began = loop_time()
                await self._work(received)
                took = (loop_time() - began) / self._job.context.lock_seconds
                size = BATCH if is_first else received.asked
                self._size = receive_size.next_size(size, took)
                if not calls_for_more and self._count > 1:
                    return
        except (self._job.context.recorder.down, EventGridError) as error:
            self._done.fail(error)
            self._job.ending.set()
        finally:
            self._count -= 1

    async def _receive(self) -> _Received | None:
        """The next batch; None, with the reason in the result, when there is none."""
        job = self._job
        while not job.ending.is_set():
            left = job.time_left()
            if left < SHORTEST_WAIT:
                return self._none("budget")
            wait, within = min(int(left), LONGEST_WAIT), left
            if job.until_empty:  # someone waits for it
                wait, within = SHORTEST_WAIT, min(left, SHORTEST_WAIT + RETRY_SECONDS)
            received = await self._receive_unless_ending(wait, within)
            if received.deliveries:
                return received
            if self._count > 1:
                return None  # another one goes on
            if job.until_empty and not job.ending.is_set():
                return self._none("empty")
        return self._none("ended")

    def _none(self, why: str) -> _Received | None:
        if self._done.error is None:
            self._done.stopped = why
        return None

    async def _receive_unless_ending(self, wait: int, within: float) -> _Received:
        asked = FIRST if self._fitting is None else min(self._size, self._fitting)
        receiving = asyncio.create_task(
            self._job.receiver.receive(asked, wait, within=within)
        )
        ending = asyncio.create_task(self._job.ending.wait())
        began = loop_time()
        try:
            await asyncio.wait((receiving, ending), return_when=asyncio.FIRST_COMPLETED)
            deliveries = receiving.result() if receiving.done() else []
            received = _Received(asked, deliveries)
            if receiving.done():
                self._done.heard = True
                self._done.summary.last_full = received.is_full
            early = loop_time() - began < EARLY_SECONDS
            if early and not deliveries and not self._job.until_empty:
                await asyncio.wait((ending,), timeout=PAUSE_SECONDS)
            return received
        finally:
            ending.cancel()
            receiving.cancel()

    async def _work(self, received: _Received) -> None:
        deliveries = received.deliveries
        self._done.summary.full_batches += received.is_full
        context = self._job.context
        self._done.measure_waiting(deliveries, context.clock(), context.lives)
        self._done.working += 1
        try:
            await batch.work(self._job.context, deliveries, self._done)
        finally:
            self._done.working -= 1
