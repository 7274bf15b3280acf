"""The activity log: a summary line per drain and minute, so charts never scan events."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import Protocol

import msgspec

from eventgrid_pull import DrainSummary, Event, Record
from eventgrid_pull.blob.append_log import CLOCK_SKEW, AppendLog
from eventgrid_pull.draining.counters import count_into, count_pairs_into
from moderation.events import Moderation

COUNTS = ("categories", "severities", "models")
# A share of confidences each: from 0.0 to below 0.1, …, from 0.9 to 1.0.
CONFIDENCES = 10
# Kinds of events that are counted before they are added to the summary.
KINDS = 1000
# What every line begins with: blobs are searched side by side, not read one by one.
EVERY = b'{"at":"'


class Summary(DrainSummary, kw_only=True, rename="camel", omit_defaults=True):
    """The summary of a drain, with what the models said of the content.

    `matrix` counts by category and severity, `models` by name and version,
    `confidences` in ten shares of 0.1.
    """

    categories: dict[str, int] = msgspec.field(default_factory=dict)
    severities: dict[str, int] = msgspec.field(default_factory=dict)
    matrix: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    models: dict[str, int] = msgspec.field(default_factory=dict)
    confidences: list[int] = msgspec.field(default_factory=list)

    def merge(self, other: "Summary") -> None:
        """Take what another summary counted in."""
        self.count(other)
        for name in COUNTS:
            if more := getattr(other, name):
                count_into(getattr(self, name), more)
        count_pairs_into(self.matrix, other.matrix)
        self.count_confidences(enumerate(other.confidences))

    def count_confidences(self, counts: Iterable[tuple[int, int]]) -> None:
        """Add counts of confidences, each with the number of its share; 1.0 is 9."""
        for share, count in counts:
            if not self.confidences:
                self.confidences = [0] * CONFIDENCES
            self.confidences[min(share, CONFIDENCES - 1)] += count


_decoder = msgspec.json.Decoder(Summary)
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


class Store(AppendLog, Protocol):
    """An append log that also tells whether it was ever written to."""

    async def is_empty(self, name: str) -> bool:
        """Tell whether nothing was ever appended under that name; StoreUnavailable."""


class ActivityLog:
    """Appends summaries, and reads them back."""

    def __init__(self, log: Store) -> None:
        self._log = log

    async def note(self, summary: Summary, now: datetime) -> None:
        """Keep one summary; raises StoreUnavailable."""
        line = msgspec.json.encode(summary) + b"\n"
        await self._log.open(summary.subscription, now)
        await self._log.append(summary.subscription, now, line)

    async def read(
        self, subscriptions: Sequence[str], *, since: datetime, until: datetime
    ) -> list[Summary]:
        """Return the summaries from `until` back to `since`, newest first.

        Raises StoreUnavailable.
        """
        logs = [
            self._log.search(name, EVERY, since=since, until=until + CLOCK_SKEW)
            for name in subscriptions
        ]
        found = []
        for line in chain.from_iterable(await asyncio.gather(*logs)):
            with suppress(ValueError, RecursionError):  # someone else wrote it
                found.append(_decoder.decode(line))
        return sorted(found, key=attrgetter("at"), reverse=True)

    async def was_drained(self, subscription: str) -> bool:
        """Return whether any drain was ever noted. Raises StoreUnavailable."""
        return not await self._log.is_empty(subscription)


def by_time(
    summaries: Iterable[Summary], step: timedelta
) -> dict[datetime, dict[str, Summary]]:
    """Add summaries up: when a step began → event subscription → one summary."""
    steps: dict[datetime, dict[str, Summary]] = {}
    seconds = int(step.total_seconds())
    for summary in summaries:
        at = datetime.fromisoformat(summary.at).timestamp() // seconds * seconds
        counted = steps.setdefault(datetime.fromtimestamp(at, UTC), {})
        name = summary.subscription
        if name not in counted:
            counted[name] = Summary(at=summary.at, subscription=name, drains=0)
        counted[name].merge(summary)
    return dict(sorted(steps.items()))


def last_drains(
    summaries: Iterable[Summary], subscriptions: Sequence[str]
) -> dict[str, datetime | None]:
    """Return when each event subscription was last drained without a failure."""
    last: dict[str, datetime | None] = dict.fromkeys(subscriptions)
    for summary in summaries:
        if summary.completed:
            at = datetime.fromisoformat(summary.at)
            last[summary.subscription] = max(at, last[summary.subscription] or at)
    return last
