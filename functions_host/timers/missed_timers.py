"""The schedule monitor: finds out at the start whether a timer missed an occurrence."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions_host.timers.cron import Schedule
from functions_host.timers.schedule_status import NEVER_RAN, ScheduleStatus
from functions_host.timers.status_blobs import SETTING, StatusBlobs, StoreUnavailable

LOG = logging.getLogger("functions_host")
TOLERANCE = timedelta(seconds=1)
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


@dataclass(frozen=True, slots=True)
class Time:
    """The clock that timers go by, and how they wait."""

    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


def at_start(
    stored: ScheduleStatus | None, schedule: Schedule, now: datetime
) -> tuple[ScheduleStatus, bool]:
    """Return the status to start from, and whether an occurrence was missed.

    A schedule that changed since the status was stored is never past due, and nor is
    a status from the future: the clock was set back.
    """
    if stored is None or stored.last_updated > now + TOLERANCE:
        return ScheduleStatus(NEVER_RAN, schedule.after(now), now), False
    expected = _expected(stored, schedule, now)
    if abs(stored.next - expected) > TOLERANCE:
        since = stored.last_updated
        if now > expected:
            expected, since = schedule.after(now), now
        return ScheduleStatus(NEVER_RAN, expected, since), False
    return stored, now > stored.next


def _expected(stored: ScheduleStatus, schedule: Schedule, now: datetime) -> datetime:
    """Return what the schedule says should have been stored as next."""
    if stored.last_updated > NEVER_RAN:
        return schedule.after(stored.last_updated)
    return schedule.after(now if stored.last == NEVER_RAN else stored.last)


class ScheduleMonitor:
    """Keeps timer statuses in a store, and logs once that the store is unavailable."""

    def __init__(self, store: StatusBlobs, time: Time) -> None:
        self._store = store
        self._time = time
        self.problem: str | None = None

    async def begin(
        self, function: str, schedule: Schedule
    ) -> tuple[ScheduleStatus, bool]:
        """Return the status to start from and whether a run is past due, from the store."""
        failures = 0
        while True:
            try:
                return await self._begin(function, schedule)
            except StoreUnavailable as error:
                self._report_away(f"monitored timers wait for it ({error})")
            await self._time.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
            failures += 1

    async def write(self, function: str, status: ScheduleStatus) -> None:
        """Keep the status if the store answers; the timer goes on in any case."""
        try:
            await self._store.write(function, status)
        except StoreUnavailable as error:
            self._report_away(f"timers go on, but are not recorded ({error})")
        else:
            self._report_back()

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()

    async def _begin(
        self, function: str, schedule: Schedule
    ) -> tuple[ScheduleStatus, bool]:
        stored = await self._store.read(function)
        now = self._time.clock()
        status, past_due = at_start(stored, schedule, now)
        if status != stored:
            await self._store.write(function, status)
        self._report_back()
        return status, past_due

    def _report_away(self, consequence: str) -> None:
        if self.problem is None:
            LOG.warning("%s is not available: %s", SETTING, consequence)
        self.problem = f"{SETTING} is not available: {consequence}"

    def _report_back(self) -> None:
        if self.problem is not None:
            LOG.info("%s is available again", SETTING)
        self.problem = None
