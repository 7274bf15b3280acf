"""Counting what a drain did, for its caller, the activity log and the log lines."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from moderation import tracing
from moderation.activity import Summary
from moderation.audit import AuditEntry
from moderation.delivery import Delivery
from moderation.events import Moderation

_log = logging.getLogger(__name__)

LISTED = 200
LOCK_LOST = "LockLost"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery; `failed` is why it was not settled, None if it was."""

    entry: AuditEntry
    failed: str | None


@dataclass(slots=True)
class Tally:
    """What a drain did. `outcomes` lists the first 200; the counts count them all.

    `stopped` says why it ended: `empty` (nothing more to receive), `budget` (no time
    for another receive), `ended` (told to), `failed` (`error` says why).
    """

    subscription: str
    summary: Summary
    settled: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    outcomes: list[Outcome] = field(default_factory=list)
    stopped: str = "budget"
    error: str | None = None

    def add(self, delivery: Delivery, outcome: Outcome) -> None:
        """Take one delivery in."""
        if outcome.failed is None:
            self.settled[outcome.entry.disposition] += 1
        else:
            self.failed[outcome.failed] += 1
        if len(self.outcomes) < LISTED:
            self.outcomes.append(outcome)
        self._summarise(delivery, outcome)

    def fail(self, error: Exception) -> None:
        """End with the first error there was."""
        self.stopped = "failed"
        self.error = self.error or str(error)

    def measure_queue_delay(self, deliveries: list[Delivery], now: datetime) -> None:
        """How long events waited for their first delivery, by their own time."""
        for delivery in deliveries:
            time = delivery.event.time
            if time is not None and delivery.delivery_count == 1:
                waited = (now - time).total_seconds() * 1000
                self.summary.queue_delay.add(max(0.0, waited))

    def lose(self, subscription: str, delivery: Delivery) -> None:
        """The lock was gone before the work was done: nothing to record or settle."""
        self.failed[LOCK_LOST] += 1
        self.summary.received += 1
        _one_more(self.summary.failed, LOCK_LOST)
        _log.warning(
            "%s: the lock of event %s was lost on delivery %d; it will come again",
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

    def _summarise(self, delivery: Delivery, outcome: Outcome) -> None:
        summary, entry = self.summary, outcome.entry
        summary.received += 1
        _one_more(summary.dispositions, entry.disposition)
        _one_more(summary.types, entry.type)
        if isinstance(payload := delivery.event.payload, Moderation):
            _one_more(summary.categories, payload.category)
            _one_more(summary.severities, payload.severity)
        if outcome.failed is not None:
            _one_more(summary.failed, outcome.failed)


def _one_more(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def report(outcome: Outcome) -> None:
    """One line for what needs a look; the event's data is never in it."""
    entry = outcome.entry
    quiet = outcome.failed is None and entry.disposition == "acknowledge"
    level = logging.DEBUG if quiet else logging.WARNING
    if not _log.isEnabledFor(level):
        return
    reason = f"not settled: {outcome.failed}" if outcome.failed else entry.reason
    _log.log(
        level,
        "%s: %s event %s on delivery %d in trace %s: %s",
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
