"""The activity log: a summary line per drain and minute, so charts never scan events."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Protocol

import msgspec

from eventgrid_pull.blob.append_log import CLOCK_SKEW, AppendLog
from moderation.activity.counters import count_into, count_pairs_into
from moderation.activity.histogram import Spread

COUNTS = ("dispositions", "types", "categories", "severities", "models", "failed")
# A share of confidences each: from 0.0 to below 0.1, …, from 0.9 to 1.0.
CONFIDENCES = 10
# What every line begins with: blobs are searched side by side, not read one by one.
EVERY = b'{"at":"'


class Summary(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """What a drain, a minute of one, or many did to one event subscription.

    `at` is when it was noted; `drains` is 0 for a drain that goes on. `last_full` says
    that the last receive brought as many events as it may: there are more.
    `matrix` counts by category and severity, `models` by name and version,
    `confidences` in ten shares of 0.1. `waited` is from when we published an event to
    its first delivery; `queue_delay` the same by its publisher's clock, for events that
    do not say when we did. `handling` is how long the handlers of a batch took. `failed`
    counts lock tokens that were not settled. `completed` is false when Event Grid or
    the store ended the drain.
    """

    at: str
    subscription: str
    completed: bool = True
    drains: int = 1
    received: int = 0
    full_batches: int = 0
    last_full: bool = False
    dispositions: dict[str, int] = {}
    types: dict[str, int] = {}
    categories: dict[str, int] = {}
    severities: dict[str, int] = {}
    matrix: dict[str, dict[str, int]] = {}
    models: dict[str, int] = {}
    confidences: list[int] = []
    failed: dict[str, int] = {}
    waited: Spread = msgspec.field(default_factory=Spread)
    queue_delay: Spread = msgspec.field(default_factory=Spread)
    handling: Spread = msgspec.field(default_factory=Spread)

    def merge(self, other: "Summary") -> None:
        """Take what another summary counted in."""
        self.drains += other.drains
        self.received += other.received
        self.full_batches += other.full_batches
        for name in COUNTS:
            if more := getattr(other, name):
                count_into(getattr(self, name), more)
        count_pairs_into(self.matrix, other.matrix)
        self.count_confidences(enumerate(other.confidences))
        self.waited.merge(other.waited)
        self.queue_delay.merge(other.queue_delay)
        self.handling.merge(other.handling)

    def count_confidences(self, counts: Iterable[tuple[int, int]]) -> None:
        """Add counts of confidences, each with the number of its share; 1.0 is 9."""
        for share, count in counts:
            if not self.confidences:
                self.confidences = [0] * CONFIDENCES
            self.confidences[min(share, CONFIDENCES - 1)] += count


_decoder = msgspec.json.Decoder(Summary)


class Store(AppendLog, Protocol):
    """An append log that also tells whether it was ever written to."""

    async def is_empty(self, name: str) -> bool:
        """Whether nothing was ever appended under that name; StoreUnavailable."""


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
        """The summaries from `until` back to `since`, newest first.

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
        return sorted(found, key=lambda one: one.at, reverse=True)

    async def was_drained(self, subscription: str) -> bool:
        """Whether any drain was ever noted. Raises StoreUnavailable."""
        return not await self._log.is_empty(subscription)


def by_time(
    summaries: Iterable[Summary], step: timedelta
) -> dict[datetime, dict[str, Summary]]:
    """Summaries added up: when a step began → event subscription → one summary."""
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
    """When each event subscription was last drained without a failure, if at all."""
    last: dict[str, datetime | None] = dict.fromkeys(subscriptions)
    for summary in summaries:
        if summary.completed:
            at = datetime.fromisoformat(summary.at)
            last[summary.subscription] = max(at, last[summary.subscription] or at)
    return last
