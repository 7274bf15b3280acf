"""The audit log as the recorder of the drains: an entry for each delivery."""

from collections.abc import Callable, Sequence
from datetime import datetime

from eventgrid_pull.blob.append_log import StoreUnavailable, stamp
from eventgrid_pull.recorder import Record
from moderation.audit.entry import entry
from moderation.audit.log import AuditLog


class AuditRecorder:
    """Keeps what was decided in the audit log."""

    down: type[Exception] = StoreUnavailable

    def __init__(self, log: AuditLog, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._clock = clock

    async def open(self, subscription: str) -> None:
        """See that entries can be kept; StoreUnavailable when they cannot."""
        await self._log.open(subscription, self._clock())

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        """Keep an entry for each, in one append, durable when this returns."""
        now = records[0].at
        at = stamp(now)
        entries = [
            entry(subscription, record.delivery, record.disposition, at)
            for record in records
        ]
        await self._log.record(subscription, entries, now)
