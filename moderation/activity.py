"""The activity log: one summary line per drain, so that charts never scan events."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

import msgspec

from moderation.appendlog import AppendLog, merged, stamp, stamp_of


class Spread(msgspec.Struct, rename="camel"):
    """How many times something was measured, their sum and the largest, in ms."""

    count: int = 0
    sum: float = 0.0
    max: float = 0.0

    def add(self, milliseconds: float) -> None:
        """Take one more measurement in."""
        self.merge(Spread(1, milliseconds, milliseconds))

    def merge(self, other: "Spread") -> None:
        """Take all measurements of another in."""
        self.count += other.count
        self.sum += other.sum
        self.max = max(self.max, other.max)


class Summary(msgspec.Struct, kw_only=True, rename="camel"):
    """What one drain, or many, did to one event subscription.

    `queue_delay` is from the event's own time to its first delivery, `handling` how
    long the handlers of a batch took. `failed` counts lock tokens that were not
    settled. `completed` is false when Event Grid or the store ended the drain.
    """

    at: str
    subscription: str
    completed: bool = True
    drains: int = 1
    received: int = 0
    full_batches: int = 0
    dispositions: dict[str, int] = {}
    types: dict[str, int] = {}
    categories: dict[str, int] = {}
    severities: dict[str, int] = {}
    failed: dict[str, int] = {}
    queue_delay: Spread = msgspec.field(default_factory=Spread)
    handling: Spread = msgspec.field(default_factory=Spread)

    def merge(self, other: "Summary") -> None:
        """Take what another summary counted in."""
        self.drains += other.drains
        self.received += other.received
        self.full_batches += other.full_batches
        for name in ("dispositions", "types", "categories", "severities", "failed"):
            both = Counter(getattr(self, name)) + Counter(getattr(other, name))
            setattr(self, name, dict(both))
        self.queue_delay.merge(other.queue_delay)
        self.handling.merge(other.handling)


_decoder = msgspec.json.Decoder(Summary)


class ActivityLog:
    """Appends summaries, and reads them back by the minute."""

    def __init__(self, log: AppendLog) -> None:
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
        found, oldest = [], stamp(since).encode()
        sources = [
            self._log.newest(name, since=since, until=until) for name in subscriptions
        ]
        async for line in merged(sources):
            if stamp_of(line) < oldest:
                break
            with suppress(msgspec.MsgspecError):  # someone else wrote it
                found.append(_decoder.decode(line))
        return found


def by_minute(summaries: Iterable[Summary]) -> dict[str, dict[str, Summary]]:
    """Summaries added up: minute (ISO 8601) → event subscription → one summary."""
    minutes: dict[str, dict[str, Summary]] = {}
    for summary in summaries:
        minute = minutes.setdefault(summary.at[:16] + ":00Z", {})
        if summary.subscription in minute:
            minute[summary.subscription].merge(summary)
        else:
            minute[summary.subscription] = summary
    return dict(sorted(minutes.items()))


def last_drains(
    summaries: Iterable[Summary], subscriptions: Sequence[str]
) -> dict[str, str | None]:
    """When each event subscription was last drained without a failure, if at all."""
    last: dict[str, str | None] = dict.fromkeys(subscriptions)
    for summary in summaries:
        if summary.completed:
            known = last[summary.subscription] or ""
            last[summary.subscription] = max(summary.at, known)
    return last
