"""Draining an event subscription: receive, decide, record, settle, until empty.

A record is durable before its event is settled. A crash between the two costs a second
delivery and a second record; the other order could lose the record of something done.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import msgspec

from eventgrid_pull.draining import batch, receive_size
from eventgrid_pull.draining.batch import BatchContext
from eventgrid_pull.draining.callers import RETRY_SECONDS, Callers, Opening
from eventgrid_pull.draining.drain_parts import Note, Parts
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.draining.listeners import MAX_RECEIVERS, Listeners
from eventgrid_pull.draining.receive_size import BATCH, FIRST, Received
from eventgrid_pull.event import Delivery
from eventgrid_pull.handlers.run_handler import Runner
from eventgrid_pull.settings.ticks import Manner
from eventgrid_pull.wire.http_retry import EventGridError, first_of, loop_time, retry
from eventgrid_pull.wire.sending import on_sending

SHORTEST_WAIT, LONGEST_WAIT = 10, 20
# Some emulators answer an empty receive at once: they are not asked without a pause.
EARLY_SECONDS, PAUSE_SECONDS = 1.0, 0.2
# A full batch that took longer to come had to be waited for: it is no backlog.
THERE_SECONDS = 0.5


class DrainJob(msgspec.Struct, frozen=True, kw_only=True):
    """One drain of one event subscription.

    `time_left` gives the seconds in which a receive may still begin; `longest_left` those
    beside a slow batch, which holds up the next run. `stay` goes on until then, and rests
    for what is left of `pace` seconds after a batch that was not full; `visit` ends with
    the first such batch. `until_empty` ends once `callers` are answered. Once `ending` is
    set, nothing more is received, and what is in hand is finished. Nothing is received
    that `room` has no slot for. `note` is given a summary once a minute and at the end;
    it never raises. `watching` is entered for as long as the drain lasts.
    """

    context: BatchContext
    time_left: Callable[[], float]
    longest_left: Callable[[], float] | None = None
    manner: Manner = "stay"
    pace: float = 0.0
    until_empty: bool = False
    callers: Callers = msgspec.field(default_factory=Callers)
    ending: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    note: Note | None = None
    room: Runner | None = None
    watching: Callable[[], AbstractContextManager[None]] = nullcontext

    async def run(self) -> DrainResult:
        """Drain; see `drain`."""
        with self.watching():
            return await drain(self)


async def drain(job: DrainJob) -> DrainResult:
    """Pull from the event subscription until there is a reason to stop.

    Never raises for what Event Grid or the recorder do; the result has it as `error`.
    """
    context = job.context
    parts = Parts(context.subscription, context.clock, job.note)
    job.callers.answer_with(parts.part, parts.so_far)
    if job.until_empty:
        job.callers.ask()
    try:
        # Look before taking: while nothing can be recorded, no delivery is used up.
        await context.recorder.open(context.subscription)
    except context.recorder.down as error:
        parts.current.fail(error)
    else:
        async with parts.note_each_minute(), asyncio.TaskGroup() as group:
            _Receivers(job, parts, group).listeners.add()
    await job.callers.end(parts.last(if_anything=job.until_empty))
    return parts.whole()


class _Receivers:
    """Receivers of one drain: one more for a full batch, one less for any other.

    A batch is full when it has as many events as were asked for. The first asks for few,
    to learn their weight; `_fitting` is how many like the last ones may be in hand at
    once, `_size` how many there is time for.
    """

    def __init__(self, job: DrainJob, parts: Parts, group: asyncio.TaskGroup) -> None:
        self._job = job
        self._parts = parts
        self.listeners = Listeners(lambda: group.create_task(self._receive_on()))
        self._size = BATCH // 2  # beside a first batch that takes long
        self._fitting: int | None = None
        self._has_visited = False
        # A visit would be held up by receives that stay open beside the last one.
        is_visit = job.manner == "visit" and not job.until_empty
        self._turns = asyncio.Semaphore(1 if is_visit else MAX_RECEIVERS)
        self._left = self._rests_until = 0.0
        self._asking = 0

    async def _receive_on(self) -> None:
        try:
            while (received := await self._receive()) is not None:
                is_first, self._fitting = self._fitting is None, received.fitting
                calls_for_more = received.is_full and not is_first
                if calls_for_more:
                    self.listeners.add()
                rest = self._rests_until - loop_time()
                with self.listeners.listen_beside(calls_for_more, rest):
                    await self._work(received)
                took = (loop_time() - received.at) / self._job.context.lock_seconds
                size = BATCH if is_first else received.asked
                self._size = receive_size.next_size(size, took)
                rest = self._rests_until - loop_time()
                if self.listeners.count > 1 and (rest > 0 or not calls_for_more):
                    return
                if rest > 0 and self._why_to_stop() is None:
                    await self._rest(rest)
        except (self._job.context.recorder.down, EventGridError) as error:
            self._parts.current.fail(error)
            self._job.ending.set()
        finally:
            self.listeners.count -= 1

    async def _receive(self) -> Received | None:
        """Return the next batch; None, with the reason in the result, when there is none."""
        why = None
        while why is None:
            async with self._turns:
                if (why := self._why_to_stop()) is not None:
                    break
                if not (room := self._room()):
                    if self._asking:
                        return None  # what is free is asked for already
                    await self._wait_for_room()
                    continue
                received = await self._receive_unless_ending(room)
                self._has_visited |= not received.is_full
            if received.deliveries:
                pace = 0 if received.is_full else self._job.pace
                self._rests_until = received.at + pace
                return received
            if self.listeners.count > 1:
                return None  # another one goes on
        if self._parts.current.error is None:
            self._parts.current.stopped = why
        return None

    def _why_to_stop(self) -> str | None:
        job, is_awaited = self._job, self._job.callers.asked.is_set()
        if job.ending.is_set():
            return "ended"
        if job.until_empty and not is_awaited:
            return "empty"
        if job.manner == "visit" and self._has_visited and not is_awaited:
            return "visited"
        if is_awaited and job.room is not None and job.room.is_stuck:
            return "stuck"
        self._left = job.time_left()
        if self._left <= 0 and self.listeners.slow and job.longest_left is not None:
            self._left = job.longest_left()
        return "budget" if self._left <= 0 else None

    def _room(self) -> int:
        if (runner := self._job.room) is None:
            return BATCH
        if self.listeners.count == 1 and self.listeners.slow and not runner.slots.free:
            return 0  # what came would wait under its lock for what takes long
        room = runner.room()
        return room if room >= BATCH else max(0, room - self._asking)

    async def _receive_unless_ending(self, room: int) -> Received:
        asked = FIRST if self._fitting is None else min(self._size, self._fitting)
        asked = min(asked, room)
        self._asking += asked
        began = loop_time()
        receiving = asyncio.create_task(self._try_to_receive(asked))
        ending = asyncio.create_task(self._job.ending.wait())
        try:
            await asyncio.wait((receiving, ending), return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                return Received(asked, [], began)
            received = Received(asked, receiving.result(), loop_time())
        finally:
            self._asking -= asked
            ending.cancel()
            receiving.cancel()
        took = received.at - began
        self._parts.current.hear(has_more=received.is_full and took < THERE_SECONDS)
        if not received.deliveries and took < EARLY_SECONDS:
            await self._pause(PAUSE_SECONDS)
        return received

    async def _try_to_receive(self, asked: int) -> list[Delivery]:
        """Receive, and while Event Grid cannot, try again as long as that is of use."""
        job, wait, within = self._job, SHORTEST_WAIT, self._left
        if job.until_empty:
            within = min(within, RETRY_SECONDS)
        elif job.manner == "stay":
            wait = max(wait, min(int(self._left), LONGEST_WAIT))

        async def receive() -> list[Delivery]:
            opening = Opening(job.callers)
            on_sending.set(opening.note_sending)  # of this task alone
            try:
                deliveries = await job.context.receiver.receive(
                    asked, wait, within=wait
                )
            except BaseException as error:
                opening.fail(error)
                raise
            opening.close_with(len(deliveries))
            return deliveries

        return await retry(receive, within=within, pausing=self._pause)

    async def _pause(self, seconds: float) -> None:
        """Wait before another try: whoever asks meanwhile has it tried at once."""
        asked = self._job.callers.asked
        await (asyncio.sleep if asked.is_set() else self._rest)(seconds)

    async def _wait_for_room(self) -> None:
        """Wait until a handler ends, unless somebody asks or the drain is to end."""
        job = self._job
        if job.room is not None:
            asked = () if job.callers.asked.is_set() else (job.callers.asked.wait(),)
            reasons = (job.room.slots.wait_for_change(), job.ending.wait(), *asked)
            await first_of(reasons, self._left)

    async def _rest(self, seconds: float) -> None:
        """Wait, unless somebody asks or the drain is to end."""
        reasons = (self._job.ending.wait(), self._job.callers.asked.wait())
        await first_of(reasons, seconds)

    async def _work(self, received: Received) -> None:
        deliveries, done = received.deliveries, self._parts.current
        done.summary.full_batches += received.is_full
        context = self._job.context
        done.measure_waiting(deliveries, context.clock(), context.lives)
        done.working += 1
        try:
            await batch.work(context, deliveries, done)
        finally:
            done.working -= 1
            self._job.callers.note_batch_end(done.round_trip)
