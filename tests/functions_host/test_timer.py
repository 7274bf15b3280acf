"""A timer fires at its occurrences, one at a time, and catches up once."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions_host.functions import Function, RetryPolicy, TimerTrigger
from functions_host.invocations import Invocations, Stopped
from functions_host.timers import cron, schedule_status
from functions_host.timers.missed_timers import ScheduleMonitor, Time
from functions_host.timers.schedule_status import NEVER_RAN, ScheduleStatus
from functions_host.timers.status_blobs import StatusBlobs, StoreUnavailable
from functions_host.timers.timer import Timer
from functions_host.worker import FIRST, Attempt, FunctionFailed
from functions_host.worker_messages import TypedData

START = datetime(2026, 11, 23, 9, 25, 20, tzinfo=UTC)


@dataclass
class Clock:
    """Time that passes only when somebody waits for it."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def time(self) -> Time:
        return Time(self, self.sleep)


@dataclass
class InMemoryStore(StatusBlobs):
    """Keeps statuses in a dictionary, unless it is to be away."""

    kept: dict[str, ScheduleStatus] = field(default_factory=dict)
    away: int = 0

    async def read(self, function: str) -> ScheduleStatus | None:
        self._check()
        return self.kept.get(function)

    async def write(self, function: str, status: ScheduleStatus) -> None:
        self._check()
        self.kept[function] = status

    async def close(self) -> None:
        return None

    def _check(self) -> None:
        if self.away > 0:
            self.away -= 1
            raise StoreUnavailable("refused")


@dataclass
class Runs(Invocations):
    """Runs nothing, but says when and with what it would have, a number of times."""

    clock: Clock
    limit: int
    takes: float = 0.0
    failing: int = 0
    seen: list[tuple[str, dict[str, Any], Attempt]] = field(default_factory=list)

    async def run(
        self, function: Function, value: TypedData, attempt: Attempt = FIRST
    ) -> Any:
        if len(self.seen) == self.limit:
            raise Stopped("enough")
        document = json.loads(value.json or "")
        self.seen.append((f"{self.clock.now:%H:%M:%S}", document, attempt))
        await self.clock.sleep(self.takes)
        if self.failing > 0:
            self.failing -= 1
            raise FunctionFailed("boom")

    @property
    def times(self) -> list[str]:
        return [time for time, _, _ in self.seen]

    @property
    def past_due(self) -> list[bool]:
        return [document["IsPastDue"] for _, document, _ in self.seen]


def a_function(retry: RetryPolicy | None = None) -> Function:
    """Return a timer function."""
    trigger = TimerTrigger("timer", "", use_monitor=True, run_on_startup=False)
    return Function("tick", "1", trigger, retry=retry)


async def fired(
    schedule: str,
    runs: Runs,
    *,
    store: InMemoryStore | None = None,
    retry: RetryPolicy | None = None,
    on_startup: bool = False,
) -> Runs:
    """Return what a timer on that schedule ran."""
    time = runs.clock.time
    timer = Timer(
        a_function(retry),
        cron.parse(schedule),
        runs,
        ScheduleMonitor(store, time) if store else None,
        time,
    )
    with pytest.raises(Stopped):
        await timer.run(on_startup=on_startup)
    return runs


async def test_a_timer_fires_at_its_occurrences() -> None:
    """Not earlier, not later, each one."""
    runs = await fired("0 */5 * * * *", Runs(Clock(), 3))

    assert runs.times == ["09:30:00", "09:35:00", "09:40:00"]
    assert runs.past_due == [False] * 3


async def test_a_long_wait_is_waited_out() -> None:
    """A wait is cut into pieces, and still ends at the occurrence."""
    runs = await fired("0 0 4 * * *", Runs(Clock(), 2))

    assert runs.times == ["04:00:00", "04:00:00"]


async def test_a_run_that_outlasts_its_interval_is_followed_at_once() -> None:
    """The next begins when it ends, missed occurrences are not made up."""
    runs = await fired("0 * * * * *", Runs(Clock(), 3, takes=150))

    assert runs.times == ["09:26:00", "09:28:30", "09:31:00"]
    assert runs.past_due == [False] * 3


async def test_missed_occurrences_are_made_up_by_one_run() -> None:
    """After a night away the timer runs once at once, and then by its schedule."""
    every_five = cron.parse("0 */5 * * * *")
    before = schedule_status.after_run(every_five, START - timedelta(hours=9))

    runs = await fired(
        "0 */5 * * * *", Runs(Clock(), 2), store=InMemoryStore({"tick": before})
    )

    assert runs.times == ["09:25:20", "09:30:00"]
    assert runs.past_due == [True, False]


async def test_run_on_startup_is_an_extra_run() -> None:
    """The schedule goes on beside it."""
    runs = await fired("0 */5 * * * *", Runs(Clock(), 2), on_startup=True)

    assert runs.times == ["09:25:20", "09:30:00"]
    assert runs.past_due == [False, False]


async def test_a_function_sees_the_status_before_its_run() -> None:
    """Last is the run before, Next the occurrence that runs now."""
    runs = await fired("0 */5 * * * *", Runs(Clock(), 2), store=InMemoryStore())

    first, second = (document["ScheduleStatus"] for _, document, _ in runs.seen)
    assert first["Last"] == NEVER_RAN.isoformat()
    assert first["Next"] == second["Last"] == "2026-11-23T09:30:00+00:00"
    assert second["Next"] == "2026-11-23T09:35:00+00:00"
    assert runs.seen[0][1]["Schedule"] == {"AdjustForDST": True}


async def test_a_timer_without_monitor_has_no_status() -> None:
    """There is nothing to show."""
    runs = await fired("0 */5 * * * *", Runs(Clock(), 1))

    assert runs.seen[0][1]["ScheduleStatus"] is None


async def test_what_ran_is_kept_even_if_it_failed() -> None:
    """A failure is not made up for, unless there is a retry policy."""
    store = InMemoryStore()

    runs = await fired("0 */5 * * * *", Runs(Clock(), 2, failing=1), store=store)

    assert runs.times == ["09:30:00", "09:35:00"]
    assert store.kept["tick"].last == datetime(2026, 11, 23, 9, 35, tzinfo=UTC)


async def test_what_was_cut_off_is_not_kept() -> None:
    """The run that the stop of the host cut off is past due at the next start."""
    store = InMemoryStore()

    await fired("0 */5 * * * *", Runs(Clock(), 1), store=store)

    assert store.kept["tick"].next == datetime(2026, 11, 23, 9, 35, tzinfo=UTC)


async def test_a_retry_policy_runs_a_failure_again() -> None:
    """Each attempt is told its number and what went wrong before; then the schedule goes on."""
    policy = RetryPolicy(2, timedelta(seconds=10), timedelta(seconds=10))

    runs = await fired("0 * * * * *", Runs(Clock(), 4, failing=3), retry=policy)

    assert runs.times == ["09:26:00", "09:26:10", "09:26:20", "09:27:00"]
    assert [attempt.retry for _, _, attempt in runs.seen] == [0, 1, 2, 0]
    assert [attempt.of for _, _, attempt in runs.seen] == [2] * 4
    assert [attempt.failure for _, _, attempt in runs.seen] == ["", "boom", "boom", ""]


async def test_a_monitored_timer_waits_for_storage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It does not start before its status could be read, and says so once."""
    caplog.set_level("INFO")

    runs = await fired(
        "*/1 0,30 * * * *", Runs(Clock(), 1), store=InMemoryStore(away=5)
    )

    assert runs.times == ["09:30:00"]
    assert [r.levelname for r in caplog.records if r.name == "functions_host"] == [
        "WARNING",
        "INFO",
    ]


async def test_a_timer_goes_on_when_storage_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its runs cannot be recorded, which is said once, and they happen nevertheless."""
    caplog.set_level("INFO")
    store = InMemoryStore()
    runs = Runs(Clock(), 4)

    class Losing(InMemoryStore):
        """Is away after the first status was written."""

        async def write(self, function: str, status: ScheduleStatus) -> None:
            if runs.seen and len(runs.seen) < 4:
                raise StoreUnavailable("refused")
            await store.write(function, status)

    await fired("0 */5 * * * *", runs, store=Losing())

    assert runs.times == ["09:30:00", "09:35:00", "09:40:00", "09:45:00"]
    levels = [r.levelname for r in caplog.records if r.name == "functions_host"]
    assert levels == ["WARNING", "INFO"]


async def test_a_schedule_without_occurrences_ends() -> None:
    """The 31st of February never comes, and nobody waits for it."""
    runs = Runs(Clock(), 1)
    timer = Timer(a_function(), cron.parse("0 0 0 31 2 *"), runs, None, runs.clock.time)

    await timer.run()

    assert not runs.seen


@pytest.mark.parametrize("back", [timedelta(seconds=5), timedelta(minutes=20)])
async def test_a_clock_that_is_set_back_stops_no_timer(back: timedelta) -> None:
    """Whether it is set while the timer waits: the next occurrence is a nearer one."""
    clock = Clock()

    async def set_back(seconds: float) -> None:
        await Clock.sleep(clock, seconds)
        if len(runs.seen) == 1 and not changes:
            changes.append(clock.now)
            clock.now -= back

    changes: list[datetime] = []
    runs = Runs(clock, 2)
    timer = Timer(
        a_function(),
        cron.parse("*/20 * * * * *"),
        runs,
        None,
        Time(clock, set_back),
    )

    with pytest.raises(Stopped):
        await timer.run()

    waited = clock.now + back - changes[0]
    assert waited <= timedelta(seconds=40)


async def test_a_clock_set_back_during_a_run_stops_no_timer() -> None:
    """The run began in what is the future now."""
    clock = Clock()
    runs = Runs(clock, 2, takes=-1200)
    timer = Timer(a_function(), cron.parse("*/20 * * * * *"), runs, None, clock.time)

    with pytest.raises(Stopped):
        await timer.run()

    assert runs.times == ["09:25:40", "09:06:00"]
