"""A timer function: it waits for its next occurrence, runs, and remembers that it ran."""

import json
import logging
from datetime import timedelta

from functions_host.functions import Function
from functions_host.invocations import Invocations, Stopped
from functions_host.timers import schedule_status
from functions_host.timers.cron import NEVER, Schedule
from functions_host.timers.missed_timers import ScheduleMonitor, Time, at_start
from functions_host.timers.schedule_status import ScheduleStatus
from functions_host.worker import Attempt, FunctionFailed
from functions_host.worker_messages import TypedData

LOG = logging.getLogger("functions_host")
# A wait is cut into pieces, so that a clock that was set or a machine that slept is noticed.
LONGEST_SLEEP = 5.0
# Time synchronization sets a clock back by less.
STEP_BACK = timedelta(seconds=1)


class Timer:
    """One timer function and its place in its schedule, kept only with a monitor."""

    def __init__(
        self,
        function: Function,
        schedule: Schedule,
        invocations: Invocations,
        monitor: ScheduleMonitor | None,
        time: Time,
    ) -> None:
        self.function = function
        self.schedule = schedule
        self.monitor = monitor
        self.status: ScheduleStatus | None = None
        self.busy = False
        self.stopping = False
        self._invocations = invocations
        self._time = time

    async def run(self, *, on_startup: bool = False) -> None:
        """Fire at every occurrence, one at a time, until stopped."""
        self.status, past_due = await self._begin()
        status = self.status
        if past_due or on_startup:
            status = await self._fire(past_due=past_due)
        while status.next != NEVER and not self.stopping:
            await self._wait_for_next(status)
            status = await self._fire(past_due=False)

    def value(self, *, past_due: bool = False) -> TypedData:
        """Return what the function is given now; without a monitor, no status."""
        status = self.status if self.monitor else None
        document = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status.document() if status else None,
            "IsPastDue": past_due,
        }
        return TypedData(json=json.dumps(document))

    async def _begin(self) -> tuple[ScheduleStatus, bool]:
        if self.monitor:
            return await self.monitor.begin(self.function.name, self.schedule)
        return at_start(None, self.schedule, self._time.clock())

    async def _fire(self, *, past_due: bool) -> ScheduleStatus:
        began = self._time.clock()
        LOG.debug("timer fires", extra={"function": self.function.name})
        await self._attempts(self.value(past_due=past_due))
        self.status = schedule_status.after_run(self.schedule, began)
        if self.monitor:
            self.busy = True
            await self.monitor.write(self.function.name, self.status)
            self.busy = False
        return self.status

    async def _attempts(self, value: TypedData) -> None:
        """Run the function, again as often as its policy allows if it fails."""
        policy = self.function.retry
        attempt = Attempt(of=policy.max_retry_count if policy else 0)
        while failure := await self._failure(value, attempt):
            attempt = Attempt(attempt.retry + 1, attempt.of, failure)
            if not policy or not policy.allows(attempt.retry):
                return
            await self._time.sleep(policy.delay(attempt.retry).total_seconds())

    async def _failure(self, value: TypedData, attempt: Attempt) -> str | None:
        """Return how one attempt failed, or None; a stop of the host is neither."""
        self.busy = True
        try:
            await self._invocations.run(self.function, value, attempt)
        except Stopped:
            # Not done, so nothing is recorded: the next start finds it past due.
            raise
        except FunctionFailed as failure:
            return str(failure)
        finally:
            self.busy = False
        return None

    async def _wait_for_next(self, status: ScheduleStatus) -> None:
        """Sleep until the next occurrence, a nearer one if the clock was set back."""
        due, before = status.next, status.last_updated
        while True:
            now = self._time.clock()
            if before - now > STEP_BACK:
                due = self.schedule.after(now)
            if (left := (due - now).total_seconds()) <= 0:
                return
            await self._time.sleep(min(left, LONGEST_SLEEP))
            before = now
