"""The timer functions of an app: which can run, and how they start and stop."""

import asyncio
import logging
from collections.abc import Iterable, Mapping

from functions_host.functions import Function, TimerTrigger, is_disabled
from functions_host.invocations import Invocations, Stopped
from functions_host.timers import cron
from functions_host.timers.cron import BadSchedule
from functions_host.timers.missed_timers import ScheduleMonitor, Time
from functions_host.timers.status_blobs import SETTING
from functions_host.timers.timer import Timer

LOG = logging.getLogger("functions_host")


class Timers:
    """Every timer of the app that has a schedule."""

    def __init__(
        self,
        functions: Iterable[Function],
        invocations: Invocations,
        monitor: ScheduleMonitor | None,
        time: Time,
        environ: Mapping[str, str],
    ) -> None:
        self._invocations = invocations
        self._monitor = monitor
        self._time = time
        self._environ = environ
        self._errors: dict[str, str] = {}
        self._timers: dict[str, Timer] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        for function in functions:
            self._add(function)

    def __getitem__(self, name: str) -> Timer | None:
        """Return the timer of that function, if it has a schedule."""
        return self._timers.get(name)

    def error(self, name: str) -> str | None:
        """Return why that timer does not fire, None if it does."""
        if name in self._errors:
            return self._errors[name]
        timer = self._timers.get(name)
        waiting = timer and timer.status is None and timer.monitor
        return waiting.problem if waiting else None

    def start(self) -> None:
        """Start the timers that can run and are not disabled."""
        for name, timer in self._timers.items():
            if not is_disabled(name, self._environ) and name not in self._errors:
                self._tasks[name] = asyncio.create_task(_run(timer), name=name)

    def stop(self) -> None:
        """Start nothing more; what runs may end, and be recorded."""
        for name, task in self._tasks.items():
            timer = self._timers[name]
            timer.stopping = True
            if not timer.busy:
                task.cancel()

    async def close(self) -> None:
        """End what is left after `stop`."""
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=1.0)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._monitor:
            await self._monitor.close()

    def _add(self, function: Function) -> None:
        trigger = function.trigger
        if not isinstance(trigger, TimerTrigger):
            return
        try:
            text = cron.resolve(trigger.schedule, self._environ)
            schedule = cron.parse(text)
        except BadSchedule as error:
            self._errors[function.name] = str(error)
            return
        # Occurrences less than a minute apart are not made up for.
        often = cron.fires_within_a_minute(schedule, self._time.clock())
        monitored = trigger.use_monitor and not often
        self._timers[function.name] = Timer(
            function,
            schedule,
            self._invocations,
            self._monitor if monitored else None,
            self._time,
        )
        if monitored and not self._monitor:
            self._errors[function.name] = (
                f"{SETTING} is not set, and a timer with a monitor keeps its status there: "
                "set it in local.settings.json (UseDevelopmentStorage=true for Azurite)"
            )


async def _run(timer: Timer) -> None:
    """Run one timer; log whatever ends it other than a stop."""
    trigger = timer.function.trigger
    on_startup = isinstance(trigger, TimerTrigger) and trigger.run_on_startup
    try:
        await timer.run(on_startup=on_startup)
    except Stopped:
        return
    except Exception:
        LOG.exception("the timer has died", extra={"function": timer.function.name})
