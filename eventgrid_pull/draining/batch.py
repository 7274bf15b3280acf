"""One batch all the way: decide about each event, then record and settle."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf

import msgspec

from eventgrid_pull.draining import drain_result, settle
from eventgrid_pull.draining.decide import Decision, Handler, begin
from eventgrid_pull.draining.drain_result import DrainResult, Outcome
from eventgrid_pull.draining.lock_renewal import Locks
from eventgrid_pull.draining.settle import Decided, Receiver
from eventgrid_pull.event import AnyEvent, Delivery
from eventgrid_pull.outcomes import (
    DISPOSITIONS,
    Disposition,
    Release,
    ReleaseDelay,
    resolve_disposition,
)
from eventgrid_pull.publishing.publish_stamp import LONGEST_LIFE
from eventgrid_pull.recorder import Record, Recorder
from eventgrid_pull.shutdown import GRACE_SECONDS
from eventgrid_pull.wire.http_retry import EventGridError, loop_time

_log = logging.getLogger(__name__)

# Neighbours of a slow event are recorded and settled without it after this time.
FLUSH_SECONDS = 1.0


class BatchContext(msgspec.Struct, frozen=True, kw_only=True):
    """Where the batches of one event subscription are worked on.

    `lock_seconds` is how long a lock lasts, `lives` how long an event waits at most.
    `for_batch` returns the handler for the events of one receive. `stopping` says
    whether the process is stopping.
    """

    subscription: str
    max_delivery_count: int
    lock_seconds: float
    for_batch: Callable[[list[AnyEvent]], Handler]
    receiver: Receiver
    recorder: Recorder
    clock: Callable[[], datetime]
    lives: timedelta = LONGEST_LIFE
    stopping: Callable[[], bool] = lambda: False


async def work(
    context: BatchContext, deliveries: list[Delivery], done: DrainResult
) -> None:
    """Decide about every delivery; record and settle each as soon as possible.

    Call it as soon as the batch is there: its locks count from now. Raises
    EventGridError, and what the recorder raises when it is down, after giving back what
    it can.
    """
    await _Batch(context, deliveries, done).run()


class _Batch:
    """Handlers at work, under locks that are kept alive for as long as they take."""

    def __init__(
        self, context: BatchContext, deliveries: list[Delivery], done: DrainResult
    ) -> None:
        self._context = context
        self._done = done
        self._began = loop_time()
        self._stop_at = inf
        self._locks = Locks(
            [delivery.lock_token for delivery in deliveries], context.lock_seconds
        )
        handler = context.for_batch([delivery.event for delivery in deliveries])
        self._decided: list[tuple[Delivery, Disposition]] = []
        self._pending: dict[Decision, Delivery] = {}
        for delivery in deliveries:
            decision = begin(context.subscription, handler, delivery.event)
            if isinstance(decision, DISPOSITIONS):
                self._decided.append((delivery, decision))
            else:
                self._pending[decision] = delivery

    async def run(self) -> None:
        """Flush what is decided, again and again, until nothing is left."""
        try:
            await self._flush()
            if self._pending:
                await self._go_on()
        except (self._context.recorder.down, EventGridError):
            self._stop_work()
            await _give_back(self._context, list(self._pending.values()))
            raise
        finally:
            self._stop_work()

    def _stop_work(self) -> None:
        for task in self._pending:
            task.cancel()

    async def _go_on(self) -> None:
        keeping = self._locks.keep(
            self._context.receiver.renew, self._working, self._lost
        )
        keeper = asyncio.create_task(keeping)
        try:
            while self._pending:
                await asyncio.wait(self._pending, timeout=FLUSH_SECONDS)
                await self._flush()
        finally:
            keeper.cancel()

    async def _flush(self) -> None:
        """Finish what is decided or overdue; nothing whose lock is gone."""
        overdue = self._is_overdue()
        ready = [task for task in self._pending if overdue or task.done()]
        decided, self._decided = self._decided, []
        decided += [(self._pending.pop(task), _disposition(task)) for task in ready]
        held, now = [], loop_time()
        for delivery, chosen in decided:
            if self._locks.is_held(delivery.lock_token, now):
                held.append((delivery, self._resolve(delivery, chosen)))
            else:
                self._done.lose(delivery)
        if decided:
            self._done.summary.handling.add((now - self._began) * 1000)
        if held:
            await _finish(self._context, held, self._done)

    def _is_overdue(self) -> bool:
        if self._stop_at == inf and self._context.stopping():
            self._stop_at = loop_time() + GRACE_SECONDS
        return loop_time() >= self._stop_at

    def _resolve(self, delivery: Delivery, chosen: Disposition) -> Disposition:
        limit = self._context.max_delivery_count
        return resolve_disposition(chosen, delivery.delivery_count, limit=limit)

    def _working(self) -> list[str]:
        return [delivery.lock_token for delivery in self._pending.values()]

    def _lost(self, token: str) -> None:
        """Stop the work on an event that is no longer ours, and settle nothing."""
        for task, delivery in list(self._pending.items()):
            if delivery.lock_token == token:
                del self._pending[task]
                task.cancel()
                self._done.lose(delivery)


def _disposition(task: Decision) -> Disposition:
    if not task.done():
        task.cancel()
        return Release("the app is stopping", ReleaseDelay.NONE)
    if task.cancelled():
        return Release("the handler was cancelled")
    return task.result()


async def _finish(context: BatchContext, decided: Decided, done: DrainResult) -> None:
    """Record what was decided, then settle it."""
    at = context.clock()
    records = [Record(at, *pair) for pair in decided]
    try:
        await context.recorder.record(context.subscription, records)
    except context.recorder.down:
        await _give_back(context, [delivery for delivery, _ in decided])
        raise
    began = loop_time()
    results, failure = await settle.settle(context.receiver, decided)
    done.round_trip = max(done.round_trip, loop_time() - began)
    outcomes = [
        Outcome(record, results[record.delivery.lock_token]) for record in records
    ]
    done.add(outcomes)
    drain_result.report(context.subscription, outcomes)
    if failure is not None:
        raise failure


async def _give_back(context: BatchContext, deliveries: list[Delivery]) -> None:
    """Release what could not be recorded or settled: others may try in a minute."""
    tokens = [delivery.lock_token for delivery in deliveries]
    if not tokens:
        return
    try:
        await context.receiver.release(tokens, ReleaseDelay.ONE_MINUTE)
    except EventGridError as error:
        _log.error("%s: the locks have to expire: %s", context.subscription, error)
