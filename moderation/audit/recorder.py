"""What drains leave behind: an entry for each delivery, and summaries of what they did."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from eventgrid_pull import DrainSummary, Record
from eventgrid_pull.blob.append_log import StoreUnavailable, stamp
from moderation.activity.log import ActivityLog, DrainCounts
from moderation.audit.entry import entry
from moderation.audit.log import AuditLog
from moderation.settings import SettingsInvalid

_log = logging.getLogger(__name__)


async def record(log: AuditLog, subscription: str, records: Sequence[Record]) -> None:
    """Keep an entry for each, in one append, durable when this returns."""
    now = records[0].at
    at = stamp(now)
    entries = [
        entry(subscription, record.delivery, record.disposition, at)
        for record in records
    ]
    await log.record(subscription, entries, now)


class Recording:
    """Keeps what was decided in logs that are looked for at the first drain."""

    down: type[Exception] = StoreUnavailable

    def __init__(
        self,
        audit: Callable[[], AuditLog],
        activity: Callable[[], ActivityLog],
        clock: Callable[[], datetime],
    ) -> None:
        self._audit, self._activity, self._clock = audit, activity, clock
        self._counts: defaultdict[str, DrainCounts] = defaultdict(DrainCounts)

    def _log(self) -> AuditLog:
        try:
            return self._audit()
        except SettingsInvalid as error:
            raise StoreUnavailable(str(error)) from error

    async def open(self, subscription: str) -> None:
        """See that entries can be kept; StoreUnavailable when they cannot."""
        await self._log().open(subscription, self._clock())

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        """Keep an entry for each, durable when this returns, and count what they say."""
        await record(self._log(), subscription, records)
        self._counts[subscription].add(records)

    async def note(self, drained: DrainSummary) -> None:
        """Keep what a drain did, or a minute of it."""
        summary = self._counts[drained.subscription].summary(drained)
        try:
            await self._activity().note(summary, self._clock())
        except (StoreUnavailable, SettingsInvalid) as error:
            _log.warning("activity of %s not noted: %s", drained.subscription, error)
