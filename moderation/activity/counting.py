"""Counting what the models said in a drain: for the activity log, beside its own counts."""

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter

import msgspec

from eventgrid_pull import DrainSummary, Event, Record
from eventgrid_pull.draining.counters import count_into, count_pairs_into
from moderation.activity.log import Summary
from moderation.events import Moderation

# Kinds of events that are counted before they are added to the summary.
KINDS = 1000

_kind = attrgetter("category", "severity", "model_name", "model_version")


class DrainCounts:
    """What was said of the content in one drain since this was last asked."""

    def __init__(self) -> None:
        self._summary = Summary(at="", subscription="")
        self._kinds: Counter[tuple[str, str, str, str]] = Counter()

    def add(self, records: Sequence[Record]) -> None:
        """Take in what was decided about deliveries."""
        payloads = [
            event.data
            for record in records
            if isinstance(event := record.delivery.event, Event)
            and isinstance(event.data, Moderation)
        ]
        self._kinds.update(map(_kind, payloads))
        if len(self._kinds) > KINDS:
            self._add_kinds()
        shares = Counter([int(payload.confidence * 10) for payload in payloads])
        self._summary.count_confidences(shares.items())

    def _add_kinds(self) -> None:
        """Add what was counted by kind to the summary: rarely, because it takes long."""
        counts, self._kinds, summary = self._kinds, Counter(), self._summary
        for (category, severity, model, version), count in counts.items():
            count_into(summary.categories, {category: count})
            count_into(summary.severities, {severity: count})
            count_pairs_into(summary.matrix, {category: {severity: count}})
            count_into(summary.models, {f"{model} {version}": count})

    def summary(self, drained: DrainSummary) -> Summary:
        """Return a drain's summary with this; the next one begins."""
        self._add_kinds()
        found, self._summary = self._summary, Summary(at="", subscription="")
        for name in msgspec.structs.asdict(drained):
            setattr(found, name, getattr(drained, name))
        return found
