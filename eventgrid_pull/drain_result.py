"""Counting what a drain did, for its caller, the activity log and the log lines."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

import msgspec

from eventgrid_pull import publish_stamp, traceparent
from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.outcomes import Delivery, Verb
from moderation.activity.counters import count_into, count_pairs_into
from moderation.activity.log import Summary
from moderation.audit.entry import NO_EVENT, AuditEntry
from moderation.events import Moderation

_log = logging.getLogger(__name__)

LISTED = 200
LOCK_LOST = "LockLost"
# Kinds of events that are counted before they are added to the summary.
KINDS = 1000

_disposition, _type = attrgetter("disposition"), attrgetter("type")
_kind = attrgetter("category", "severity", "model_name", "model_version")


class Outcome(msgspec.Struct, frozen=True):
    """What became of one delivery; `failed` is why it was not settled, None if it was."""

    entry: AuditEntry
    failed: str | None


class Tally(msgspec.Struct):
    """What a drain did. `outcomes` lists the first 200; the counts count them all.

    `summary` is what was counted since the last `take`, and in the end everything.
    `heard` says that a receive was answered since, `working` how many batches are in
    hand. `stopped` says why it ended: `empty` (nothing more to receive), `budget` (no
    time for another receive), `ended` (told to), `failed` (`error` says why).
    """

    subscription: str
    summary: Summary
    settled: Counter[str] = msgspec.field(default_factory=Counter)
    failed: Counter[str] = msgspec.field(default_factory=Counter)
    outcomes: list[Outcome] = msgspec.field(default_factory=list)
    stopped: str = "budget"
    error: str | None = None
    heard: bool = False
    working: int = 0
    _taken: list[Summary] = msgspec.field(default_factory=list)
    _kinds: Counter[tuple[str, str, str, str]] = msgspec.field(default_factory=Counter)

    def add(self, deliveries: Iterable[Delivery], outcomes: Sequence[Outcome]) -> None:
        """Take deliveries in, each with its outcome."""
        summary = self.summary
        summary.received += len(outcomes)
        entries = [one.entry for one in outcomes]
        dispositions = Counter(map(_disposition, entries))
        self.settled += dispositions
        if failed := [one for one in outcomes if one.failed is not None]:
            self._add_failed(failed)
        count_into(summary.dispositions, dispositions)
        count_into(summary.types, Counter(map(_type, entries)))
        self._add_payloads(
            [
                payload
                for delivery in deliveries
                if isinstance(payload := delivery.event.payload, Moderation)
            ]
        )
        if room := max(0, LISTED - len(self.outcomes)):
            self.outcomes += [_listed(one) for one in outcomes[:room]]

    def _add_failed(self, outcomes: Sequence[Outcome]) -> None:
        failed = Counter([one.failed or "" for one in outcomes])
        self.settled -= Counter([one.entry.disposition for one in outcomes])
        self.failed += failed
        count_into(self.summary.failed, failed)

    def _add_payloads(self, payloads: Sequence[Moderation]) -> None:
        self._kinds.update(map(_kind, payloads))
        if len(self._kinds) > KINDS:
            self._add_kinds()
        shares = Counter([int(payload.confidence * 10) for payload in payloads])
        self.summary.count_confidences(shares.items())

    def _add_kinds(self) -> None:
        """Add what was counted by kind to the summary: rarely, because it takes long."""
        counts, self._kinds, summary = self._kinds, Counter(), self.summary
        for (category, severity, model, version), count in counts.items():
            count_into(summary.categories, {category: count})
            count_into(summary.severities, {severity: count})
            count_pairs_into(summary.matrix, {category: {severity: count}})
            count_into(summary.models, {f"{model} {version}": count})

    def is_alive(self) -> bool:
        """Whether Event Grid was heard since the last `take`, or there is work."""
        return self.heard or self.working > 0

    def take(self, now: datetime) -> Summary:
        """What was counted since this was asked before; the next one begins."""
        self._add_kinds()
        taken = self.summary
        taken.at, taken.drains = stamp(now), 0
        self._taken.append(taken)
        self.summary = Summary(at="", subscription=self.subscription)
        self.heard = False
        return taken

    def end(self, now: datetime) -> Summary:
        """The same for the last time; `summary` is everything from now on."""
        last = self.take(now)
        last.drains, last.completed = 1, self.error is None
        self.summary = Summary(at=last.at, subscription=self.subscription, drains=0)
        self.summary.completed, self.summary.last_full = last.completed, last.last_full
        for one in self._taken:
            self.summary.merge(one)
        return last

    def fail(self, error: Exception) -> None:
        """End with the first error there was."""
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
            if delivery.delivery_count != 1:
                continue
            event = delivery.event
            at = publish_stamp.read(event.stamp)
            if at and (ms := publish_stamp.waited(at, now, lives)) is not None:
                waited.append(ms)
            elif event.time:
                ms = publish_stamp.waited(event.time, now, lives)
                claimed += [] if ms is None else [ms]
        if waited:
            self.summary.waited.add_all(waited)
        if claimed:
            self.summary.queue_delay.add_all(claimed)

    def lose(self, subscription: str, delivery: Delivery) -> None:
        """The lock was gone before the work was done: nothing to record or settle."""
        self.failed[LOCK_LOST] += 1
        self.summary.received += 1
        count_into(self.summary.failed, {LOCK_LOST: 1})
        _log.warning(
            "%s: the lock of event %r was lost on delivery %d; it will come again",
            subscription,
            delivery.event.id[:64],
            delivery.delivery_count,
            extra={
                "event_subscription": subscription,
                "event_id": delivery.event.id,
                "event_source": delivery.event.source,
                "delivery_count": delivery.delivery_count,
                "disposition": None,
                "reason": LOCK_LOST,
            },
        )


def _listed(outcome: Outcome) -> Outcome:
    """Without the event, which may be a megabyte and is in the audit log."""
    entry = msgspec.structs.replace(outcome.entry, event=NO_EVENT)
    return Outcome(entry, outcome.failed)


def report(outcomes: Iterable[Outcome]) -> None:
    """One line for each that needs a look; the event's data is never in it."""
    debugging = _log.isEnabledFor(logging.DEBUG)
    for outcome in outcomes:
        quiet = outcome.failed is None and outcome.entry.disposition == Verb.ACKNOWLEDGE
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
        traceparent.trace_id(entry.traceparent),
        reason or entry.verdict,
        extra={
            "event_subscription": entry.subscription,
            "event_id": entry.id,
            "event_source": entry.source,
            "delivery_count": entry.delivery_count,
            "disposition": entry.disposition,
            "reason": reason,
            "traceparent": entry.traceparent,
        },
    )
