"""Draining an event subscription: receive, decide, record, settle, until empty.

An entry is durable before its event is settled. A crash between the two costs a second
delivery and a second entry; the other order could lose the record of something done.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Protocol

from moderation import audit, settlement, tally
from moderation.activity import Summary
from moderation.appendlog import StoreUnavailable, stamp
from moderation.audit import AuditLog
from moderation.delivery import (
    Delivery,
    Disposition,
    Release,
    ReleaseDelay,
    settled_on,
)
from moderation.eventgrid import EventGridError
from moderation.handlers import Handler
from moderation.settlement import Settler
from moderation.tally import Outcome, Tally

_log = logging.getLogger(__name__)

BATCH = 100
SHORTEST_WAIT, LONGEST_WAIT = 10, 20


class Receiver(Settler, Protocol):
    """An event subscription to pull from; see `eventgrid.Subscription`."""

    async def receive(self, max_events: int, max_wait: int) -> list[Delivery]:
        """Up to so many deliveries; waits so many seconds for the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """One drain of one event subscription, and all that it needs.

    `time_left` gives the seconds of the budget that remain; a receive that could
    outlive it is not started. `until_empty` stops at the first receive that brings
    nothing. `enough` is asked before each receive; `settled` is told each outcome.
    """

    subscription: str
    max_delivery_count: int
    receiver: Receiver
    handler: Handler
    audit: AuditLog
    clock: Callable[[], datetime]
    time_left: Callable[[], float]
    until_empty: bool = False
    enough: Callable[[], bool] = lambda: False
    settled: Callable[[Outcome], None] = lambda outcome: None


async def drain(job: Drain) -> Tally:
    """Pull from the event subscription until it is empty or time is up.

    Never raises for what Event Grid or the store do; the tally has it as `error`.
    """
    done = Tally(job.subscription, Summary(at="", subscription=job.subscription))
    try:
        # Look before taking: while nothing can be recorded, no delivery is used up.
        await job.audit.open(job.subscription, job.clock())
        done.stopped = await _pull(job, done)
    except (StoreUnavailable, EventGridError) as error:
        done.stopped, done.error = "failed", str(error)
    done.summary.at = stamp(job.clock())
    return done


async def _pull(job: Drain, done: Tally) -> str:
    """Batch after batch; returns why it stopped."""
    while not job.enough():
        left = job.time_left()
        if left < SHORTEST_WAIT:
            return "budget"
        wait = SHORTEST_WAIT if job.until_empty else min(int(left), LONGEST_WAIT)
        deliveries = await job.receiver.receive(BATCH, wait)
        if deliveries:
            await _work(job, deliveries, done)
        elif job.until_empty:
            return "empty"
    return "enough"


async def _work(job: Drain, deliveries: list[Delivery], done: Tally) -> None:
    """Take one batch all the way: decide, record, settle."""
    began, now = perf_counter(), job.clock()
    dispositions = await asyncio.gather(*(_decide(job, one) for one in deliveries))
    decided = list(zip(deliveries, dispositions, strict=True))
    done.summary.handling.add((perf_counter() - began) * 1000)
    done.summary.full_batches += len(deliveries) == BATCH
    _measure_queue_delay(done.summary, deliveries, now)
    now = job.clock()
    entries = [audit.entry(job.subscription, *pair, now) for pair in decided]
    try:
        await job.audit.record(job.subscription, entries, now)
    except StoreUnavailable:
        await _give_back(job, deliveries)
        raise
    results, failure = await settlement.settle(job.receiver, decided)
    for delivery, entry in zip(deliveries, entries, strict=True):
        outcome = Outcome(entry, results[delivery.lock_token])
        done.add(delivery, outcome)
        tally.report(outcome)
        job.settled(outcome)
    if failure is not None:
        raise failure


async def _decide(job: Drain, delivery: Delivery) -> Disposition:
    """The handler's disposition; what it raises concerns this event alone."""
    disposition: Disposition
    try:
        disposition = await job.handler(delivery.event)
    except Exception as error:  # the one place where a failure becomes a disposition
        disposition = Release(f"the handler failed: {type(error).__name__}")
        _log.exception(
            "the handler of %s failed on event %s",
            job.subscription,
            delivery.event.id[:64],
        )
    return settled_on(
        disposition, delivery.delivery_count, limit=job.max_delivery_count
    )


async def _give_back(job: Drain, deliveries: list[Delivery]) -> None:
    """Nothing could be recorded, so nothing is settled as done."""
    tokens = [delivery.lock_token for delivery in deliveries]
    try:
        await job.receiver.release(tokens, ReleaseDelay.ONE_MINUTE)
    except EventGridError as error:
        _log.error("%s: the locks have to expire: %s", job.subscription, error)


def _measure_queue_delay(
    summary: Summary, deliveries: list[Delivery], now: datetime
) -> None:
    """How long events waited for their first delivery, by their own time."""
    for delivery in deliveries:
        time = delivery.event.time
        if time is not None and delivery.delivery_count == 1:
            waited = (now - time).total_seconds() * 1000
            summary.queue_delay.add(max(0.0, waited))
