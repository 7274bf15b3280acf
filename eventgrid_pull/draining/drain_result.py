"""Counting what a drain did, for its caller, the hooks and the log lines."""

import logging
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.draining.counters import count_into
from eventgrid_pull.draining.drain_summary import DrainSummary
from eventgrid_pull.event import AnyEvent, Delivery, Event
from eventgrid_pull.events import traceparent
from eventgrid_pull.outcomes import Verb
from eventgrid_pull.publishing import publish_stamp
from eventgrid_pull.recorder import Record

_log = logging.getLogger(__name__)

LISTED = 200
LISTED_BYTES = 64 * 1024
LOCK_LOST = "LockLost"


class Outcome(msgspec.Struct, frozen=True):
    """What became of one delivery; `failed` is why it was not settled, None if it was."""

    record: Record
    failed: str | None


class DrainResult(msgspec.Struct):
    """What a drain did. `outcomes` lists the first 200; the counts count them all.

    `summary` is what was counted since the last `take`, and in the end everything.
    `heard` says that a receive was answered since, `working` how many batches are in
    hand, `round_trip` how long a settlement took at most. `stopped` says why it ended:
    `empty` (nothing more to receive), `visited` (as much as came was taken), `budget`
    (no time for another receive), `stuck` (someone waits, and all handlers are held by
    threads that outlast their time), `ended` (it was stopped), `failed` (`error` says why).
    """

    subscription: str
    summary: DrainSummary = msgspec.field(
        default_factory=lambda: DrainSummary(at="", subscription="")
    )
    settled: Counter[str] = msgspec.field(default_factory=Counter)
    failed: Counter[str] = msgspec.field(default_factory=Counter)
    outcomes: list[Outcome] = msgspec.field(default_factory=list)
    stopped: str = "budget"
    error: str | None = None
    heard: bool = False
    working: int = 0
    round_trip: float = 0.0
    _had_less: bool = False
    _taken: list[DrainSummary] = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        """Name the event subscription in the first summary, too."""
        self.summary.subscription = self.subscription

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count the outcomes of deliveries."""
        summary = self.summary
        summary.received += len(outcomes)
        records = [outcome.record for outcome in outcomes]
        dispositions = _verbs(records)
        self.settled += dispositions
        if failed := [outcome for outcome in outcomes if outcome.failed is not None]:
            self._add_failed(failed)
        count_into(summary.dispositions, dispositions)
        count_into(
            summary.types, Counter([record.delivery.event.type for record in records])
        )
        if room := max(0, LISTED - len(self.outcomes)):
            self.outcomes += [_shorten(outcome) for outcome in outcomes[:room]]

    def _add_failed(self, outcomes: Sequence[Outcome]) -> None:
        failed = Counter([outcome.failed or "" for outcome in outcomes])
        self.settled -= _verbs([outcome.record for outcome in outcomes])
        self.failed += failed
        count_into(self.summary.failed, failed)

    def is_alive(self) -> bool:
        """Return whether Event Grid was heard since the last `take`, or there is work."""
        return self.heard or self.working > 0

    def hear(self, *, has_more: bool) -> None:
        """Note that a receive was answered, and whether there may be more."""
        self.heard = True
        self._had_less |= not has_more
        self.summary.last_full = not self._had_less

    def take(self, now: datetime) -> DrainSummary:
        """Return what was counted since the last call, and begin the next summary."""
        taken = self.summary
        taken.at, taken.drains = stamp(now), 0
        self._taken.append(taken)
        self.summary = DrainSummary(at="", subscription=self.subscription)
        self.heard = self._had_less = False
        return taken

    def end(self, now: datetime, drains: int = 1) -> DrainSummary:
        """Return the last summary; from now on `summary` has everything."""
        last = self.take(now)
        last.drains, last.completed = drains, self.error is None
        self.summary.at, self.summary.drains = last.at, 0
        self.summary.completed, self.summary.last_full = last.completed, last.last_full
        self.count_taken_into(self.summary)
        return last

    def count_taken_into(self, summary: DrainSummary) -> None:
        """Add what was counted up to the last `take`."""
        for taken in self._taken:
            summary.count(taken)

    def fail(self, error: Exception) -> None:
        """Note why the drain ended; the first error stays."""
        self.stopped = "failed"
        self.error = self.error or str(error)

    def measure_waiting(
        self, deliveries: list[Delivery], now: datetime, lives: timedelta
    ) -> None:
        """Count how long events waited for their first delivery, which is now.

        From our own stamp; where there is none, by the publisher's clock and apart. An
        event lives for `lives`, so what says that it waited longer is mistaken.
        """
        waited, claimed = [], []
        for delivery in deliveries:
            event = delivery.event
            if event.delivery_count != 1:
                continue
            at = publish_stamp.read(event.extensions.get(publish_stamp.ATTRIBUTE))
            if at and (ms := publish_stamp.waited(at, now, lives)) is not None:
                waited.append(ms)
            elif event.time:
                ms = publish_stamp.waited(event.time, now, lives)
                claimed += [] if ms is None else [ms]
        if waited:
            self.summary.waited.add_all(waited)
        if claimed:
            self.summary.queue_delay.add_all(claimed)

    def lose(self, delivery: Delivery) -> None:
        """Count a lock that was gone too early: nothing to record or settle."""
        event = delivery.event
        self.failed[LOCK_LOST] += 1
        self.summary.received += 1
        count_into(self.summary.failed, {LOCK_LOST: 1})
        _log.warning(
            "%s: the lock of event %r was lost on delivery %d; it will come again",
            self.subscription,
            event.id[:64],
            event.delivery_count,
            extra=_fields(self.subscription, event, None, LOCK_LOST),
        )


# What a drain did up to an answer, or to its end; and what notes it.
type Part = tuple[DrainResult, Coroutine[Any, Any, None]]


def _verbs(records: Iterable[Record]) -> Counter[str]:
    return Counter([record.disposition.VERB for record in records])


def _shorten(outcome: Outcome) -> Outcome:
    """Return it without what a large event holds: a list of megabytes helps nobody."""
    record = outcome.record
    event: AnyEvent = record.delivery.event
    if len(event.raw) <= LISTED_BYTES:
        return outcome
    if isinstance(event, Event):
        event = msgspec.structs.replace(event, data=None)
    event = msgspec.structs.replace(event, raw=b"")
    delivery = msgspec.structs.replace(record.delivery, event=event)
    return Outcome(msgspec.structs.replace(record, delivery=delivery), outcome.failed)


def report(subscription: str, outcomes: Iterable[Outcome]) -> None:
    """Log a line for each that needs a look; the event's data is never in it."""
    debugging = _log.isEnabledFor(logging.DEBUG)
    for outcome in outcomes:
        verb = outcome.record.disposition.VERB
        quiet = outcome.failed is None and verb == Verb.ACKNOWLEDGE
        if not quiet:
            _report(subscription, outcome, logging.WARNING)
        elif debugging:
            _report(subscription, outcome, logging.DEBUG)


def _report(subscription: str, outcome: Outcome, level: int) -> None:
    disposition, event = outcome.record.disposition, outcome.record.delivery.event
    reason = f"not settled: {outcome.failed}" if outcome.failed else disposition.reason
    _log.log(
        level,
        "%s: %s event %r on delivery %d in trace %s: %s",
        subscription,
        disposition.VERB,
        event.id[:64],
        event.delivery_count,
        traceparent.trace_id(event.traceparent),
        reason or "done",
        extra=_fields(subscription, event, disposition.VERB, reason),
    )


def _fields(
    subscription: str, event: AnyEvent, verb: str | None, reason: str | None
) -> dict[str, object]:
    """Return what a log line says of a delivery, for machines."""
    return {
        "event_subscription": subscription,
        "event_id": event.id,
        "event_source": event.source,
        "delivery_count": event.delivery_count,
        "disposition": verb,
        "reason": reason,
        "traceparent": event.traceparent,
    }
