"""Counting what a drain did, for its caller, the activity log and the log lines."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from moderation import tracing
from moderation.activity import Spread, Summary
from moderation.audit import AuditEntry
from moderation.delivery import Delivery
from moderation.events import Moderation

_log = logging.getLogger(__name__)

LISTED = 200
LOCK_LOST = "LockLost"
NO_EVENT = msgspec.Raw(b"null")
# Names come from the events: a summary line must not grow with what they make up.
NAMES, OTHERS = 50, "(others)"


class Outcome(msgspec.Struct, frozen=True):
    """What became of one delivery; `failed` is why it was not settled, None if it was."""

    entry: AuditEntry
    failed: str | None


class Tally(msgspec.Struct):
    """What a drain did. `outcomes` lists the first 200; the counts count them all.

    `stopped` says why it ended: `empty` (nothing more to receive), `budget` (no time
    for another receive), `ended` (told to), `failed` (`error` says why).
    """

    subscription: str
    summary: Summary
    settled: Counter[str] = msgspec.field(default_factory=Counter)
    failed: Counter[str] = msgspec.field(default_factory=Counter)
    outcomes: list[Outcome] = msgspec.field(default_factory=list)
    stopped: str = "budget"
    error: str | None = None

    def add(self, deliveries: Iterable[Delivery], outcomes: Sequence[Outcome]) -> None:
        """Take deliveries in, each with its outcome."""
        summary = self.summary
        summary.received += len(outcomes)
        entries = [one.entry for one in outcomes]
        self.settled.update(
            one.entry.disposition for one in outcomes if one.failed is None
        )
        failed = [one.failed for one in outcomes if one.failed is not None]
        self.failed.update(failed)
        payloads = [
            payload
            for delivery in deliveries
            if isinstance(payload := delivery.event.payload, Moderation)
        ]
        _count(summary.failed, failed)
        _count(summary.dispositions, (entry.disposition for entry in entries))
        _count(summary.types, (entry.type for entry in entries))
        _count(summary.categories, (payload.category for payload in payloads))
        _count(summary.severities, (payload.severity for payload in payloads))
        room = max(0, LISTED - len(self.outcomes))
        self.outcomes += [_listed(one) for one in outcomes[:room]]

    def fail(self, error: Exception) -> None:
        """End with the first error there was."""
        self.stopped = "failed"
        self.error = self.error or str(error)

    def measure_queue_delay(self, deliveries: list[Delivery], now: datetime) -> None:
        """How long events waited for their first delivery, by their own time."""
        at = now.timestamp()
        waited = [
            max(0.0, at - time.timestamp()) * 1000
            for one in deliveries
            if one.delivery_count == 1 and (time := one.event.time) is not None
        ]
        if waited:
            spread = Spread(len(waited), sum(waited), max(waited))
            self.summary.queue_delay.merge(spread)

    def lose(self, subscription: str, delivery: Delivery) -> None:
        """The lock was gone before the work was done: nothing to record or settle."""
        self.failed[LOCK_LOST] += 1
        self.summary.received += 1
        _count(self.summary.failed, [LOCK_LOST])
        _log.warning(
            "%s: the lock of event %r was lost on delivery %d; it will come again",
            subscription,
            delivery.event.id[:64],
            delivery.delivery_count,
            extra={
                "event_subscription": subscription,
                "event_id": delivery.event.id,
                "delivery_count": delivery.delivery_count,
                "disposition": None,
                "reason": LOCK_LOST,
            },
        )


def _listed(outcome: Outcome) -> Outcome:
    """Without the event, which may be a megabyte and is in the audit log."""
    entry = msgspec.structs.replace(outcome.entry, event=NO_EVENT)
    return Outcome(entry, outcome.failed)


def _count(counts: dict[str, int], names: Iterable[str]) -> None:
    for name, more in Counter(names).items():
        known = name if name in counts or len(counts) < NAMES else OTHERS
        counts[known] = counts.get(known, 0) + more


def report(outcomes: Iterable[Outcome]) -> None:
    """One line for each that needs a look; the event's data is never in it."""
    debugging = _log.isEnabledFor(logging.DEBUG)
    for outcome in outcomes:
        quiet = outcome.failed is None and outcome.entry.disposition == "acknowledge"
        if not quiet:
            _report(outcome, logging.WARNING)
        elif debugging:
            _report(outcome, logging.DEBUG)


def _report(outcome: Outcome, level: int) -> None:
    entry = outcome.entry
    reason = f"not settled: {outcome.failed}" if outcome.failed else entry.reason
    _log.log(
        level,
        "%s: %s event %r on delivery %d in trace %s: %s",
        entry.subscription,
        entry.disposition,
        entry.id[:64],
        entry.delivery_count,
        tracing.trace_id(entry.traceparent),
        reason or entry.verdict,
        extra={
            "event_subscription": entry.subscription,
            "event_id": entry.id,
            "delivery_count": entry.delivery_count,
            "disposition": entry.disposition,
            "reason": reason,
            "traceparent": entry.traceparent,
        },
    )
