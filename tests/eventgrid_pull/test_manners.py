"""How a timer's runs pull: who stays listens all the time, who visits costs little."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from eventgrid_pull.draining.drain_summary import DrainSummary
from eventgrid_pull.outcomes import Acknowledge, Disposition, Settled
from eventgrid_pull.settings.ticks import seconds_to_run
from tests.eventgrid_pull.orders import NOW, a_delivery
from tests.eventgrid_pull.test_callers import Process, Queue
from tests.virtual_time import in_virtual_time, now, settle_down

MINUTELY = "0 * * * * *"
HOST_SECONDS = (
    0.035  # until it starts the next run after one that outlasted its interval
)


class Timed(Queue):
    """Remembers when each event came, and how long it was until it was settled."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.came: dict[str, float] = {}
        self.delays: list[float] = []
        self.receives = 0

    def arrive(self, count: int = 1) -> None:
        for _ in range(count):
            delivery = a_delivery()
            self.came[delivery.lock_token] = now()
            self.waiting.append(delivery)
        self._arrived.set()

    async def receive(self, *arguments: Any, **more: Any) -> Any:
        self.receives += 1
        return await super().receive(*arguments, **more)

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        answer = await super().acknowledge(tokens)
        self.delays += [now() - self.came[token] for token in tokens]
        return answer

    async def publish(self, rate: float, seconds: float) -> None:
        """So many events a second, evenly."""
        for _ in range(int(rate * seconds)):
            await asyncio.sleep(1 / rate)
            self.arrive()


def clock() -> datetime:
    return datetime.fromtimestamp(now(), UTC)


@asynccontextmanager
async def hosting(
    process: Process, **job: Any
) -> AsyncIterator[list[tuple[float, float]]]:
    """A minutely timer as the Functions host has it; the seconds in which it ran."""
    runs: list[tuple[float, float]] = []

    async def fire() -> None:
        due = (now() // 60 + 1) * 60
        while True:
            await asyncio.sleep(max(HOST_SECONDS, due - now()))
            began = now()
            await process.tick(budget=seconds_to_run(MINUTELY, clock(), 900), **job)
            runs.append((began, now()))
            due = (began // 60 + 1) * 60

    timer = asyncio.create_task(fire())
    try:
        yield runs
    finally:
        timer.cancel()
        await asyncio.wait({timer})
        await process.end()
        assert await settle_down() == []


@in_virtual_time
async def test_who_stays_listens_in_every_second_of_the_minute() -> None:
    """
    A run goes on until the next tick has passed, and the host starts the next at once.
    """
    queue = Timed()
    async with hosting(Process(queue), manner="stay") as runs:
        await asyncio.sleep(60)
        await queue.publish(rate=10, seconds=240)
        await asyncio.sleep(1)

    assert len(queue.delays) == 2_400
    assert max(queue.delays) < 0.1
    assert all(
        start - end <= HOST_SECONDS + 0.001 for (_, end), (start, _) in pairwise(runs)
    )
    assert 3 <= len(runs) <= 5


@in_virtual_time
async def test_an_idle_listener_has_its_next_run_before_its_receive_ends() -> None:
    """The last receive outlasts the tick, and what it brings is handled."""
    queue = Timed()
    async with hosting(Process(queue), manner="stay"):
        for _ in range(20):
            await asyncio.sleep(17)
            queue.arrive()
        await asyncio.sleep(1)

    assert len(queue.delays) == 20
    # The first minute has no run: nobody listens before the first tick.
    assert sum(delay > 0.1 for delay in queue.delays) <= 60 / 17


@in_virtual_time
async def test_who_stays_listens_beside_a_slow_handler() -> None:
    """Also beyond the next tick: the host cannot begin a run before this one has ended."""
    queue = Timed()
    handled = 0

    async def handle(event: object) -> Disposition:
        nonlocal handled
        handled += 1
        await asyncio.sleep(100 if handled in (100, 200, 210) else 0)
        return Acknowledge("kept")

    process = Process(queue, handler=handle, longest_left=lambda: 900.0)
    async with hosting(process, manner="stay") as runs:
        await asyncio.sleep(61)
        await queue.publish(rate=5, seconds=200)
        await asyncio.sleep(100)

    assert len(queue.delays) == 1000
    assert sum(delay >= 100 for delay in queue.delays) == 3
    # Nobody listens for the first second of each: most batches take less.
    assert sum(delay > 1.1 for delay in queue.delays) == 3
    assert all(
        start - end <= HOST_SECONDS + 0.001 for (_, end), (start, _) in pairwise(runs)
    )


@pytest.mark.parametrize("there", [1, 7, 950])
@in_virtual_time
async def test_who_visits_takes_what_is_there_and_leaves_the_rest(there: int) -> None:
    """
    The first batch that is not full ends it at once, whatever the pace of a stay would
    be: what comes then waits for the next tick.
    """
    queue = Timed()
    queue.arrive(there)
    process = Process(queue, pace=0.8)
    asyncio.get_running_loop().call_later(0.5, queue.arrive, 3)

    result = await process.tick(manner="visit")

    assert (result.stopped, result.settled.total()) == ("visited", there)
    assert now() - process.began < 0.5
    assert await settle_down() == []


@in_virtual_time
async def test_a_visit_to_an_empty_queue_costs_one_receive() -> None:
    """Event Grid waits ten seconds at least, and cutting it off could strand a lock."""
    queue = Timed()
    process = Process(queue, budget=60)

    result = await process.tick(manner="visit")

    assert (result.stopped, queue.receives) == ("visited", 1)
    assert 10 <= now() - process.began < 10.1


@in_virtual_time
async def test_a_visit_that_finds_more_goes_on_until_the_next_tick() -> None:
    """A backlog is no reason to wait."""
    queue = Timed()
    queue.arrive(5000)
    process = Process(queue, takes=2.0)

    result = await process.tick(manner="visit", budget=20)

    assert result.stopped == "budget"
    assert 2000 < result.settled.total() < 5000
    assert 20 <= now() - process.began < 25


@pytest.mark.parametrize(("rate", "receives"), [(1, 61), (10, 80), (100, 160)])
@in_virtual_time
async def test_a_pace_lets_batches_fill_and_keeps_its_promise(
    rate: float, receives: int
) -> None:
    """
    No event waits longer than the pace, whatever the rate, and few receives are made.
    """
    queue = Timed()
    process = Process(queue, budget=65, pace=0.8)
    ticking = asyncio.create_task(process.tick(manner="stay"))
    await queue.publish(rate, 60)
    await asyncio.sleep(1)

    assert len(queue.delays) == rate * 60
    assert max(queue.delays) <= 0.8 + 4 * queue.trip
    assert queue.receives <= receives
    await process.end()
    await ticking


@in_virtual_time
async def test_after_a_full_batch_there_is_no_rest() -> None:
    """A backlog is drained as fast as without a pace."""
    took = []
    for pace in (0.0, 30.0):
        queue = Timed()
        queue.arrive(2008)
        process = Process(queue, pace=pace, budget=100)
        ticking = asyncio.create_task(process.tick(manner="stay"))
        await asyncio.sleep(20)
        took.append(max(queue.delays))
        assert len(queue.delays) == 2008
        await process.end()
        await ticking

    assert took[0] == pytest.approx(took[1], abs=0.05)


@in_virtual_time
async def test_a_full_batch_ends_the_rest_after_one_that_was_not() -> None:
    """An under-filled batch does not say that the queue is empty; a full one, that it is not."""
    queue = Timed()
    queue.arrive(5_000)
    receive = queue.receive

    async def receive_little_once(*arguments: Any, **more: Any) -> Any:
        queue.at_most = 3 if queue.receives == 5 else 100
        return await receive(*arguments, **more)

    queue.receive = receive_little_once  # type: ignore[method-assign]
    process = Process(queue, pace=30.0, budget=100, takes=0.01)
    ticking = asyncio.create_task(process.tick(manner="stay"))
    await asyncio.sleep(10)

    assert len(queue.delays) == 5_000
    await process.end()
    await ticking


@in_virtual_time
async def test_a_rest_is_never_under_a_lock() -> None:
    """
    What was received is settled before it begins, a slow handler's time counts as rest,
    and being told to stop ends it.
    """
    queue = Timed()
    queue.arrive()
    process = Process(queue, takes=3.0, pace=30.0, budget=100)
    ticking = asyncio.create_task(process.tick(manner="stay"))
    await asyncio.sleep(3.1)

    assert (len(queue.delays), queue.open) == (1, 0)
    await asyncio.sleep(26)
    assert queue.open == 0
    await asyncio.sleep(1.1)
    assert queue.open == 1
    queue.arrive()
    await asyncio.sleep(4)
    ends = now()
    await process.end()
    await ticking
    assert now() - ends < 0.1


@in_virtual_time
async def test_who_stays_and_keeps_up_is_not_said_to_leave_a_backlog() -> None:
    """
    A full batch by chance, as the minute ends, is none: something less came before.
    """
    notes: list[DrainSummary] = []

    async def note(summary: DrainSummary) -> None:
        notes.append(summary)

    queue = Timed()
    process = Process(queue, budget=130, note=note)
    ticking = asyncio.create_task(process.tick(manner="stay"))
    for _ in range(125):
        queue.arrive(100)
        await asyncio.sleep(1)
    await ticking

    assert sum(summary.received for summary in notes) == 12_500
    assert [summary.last_full for summary in notes] == [False, False, False]


@pytest.mark.parametrize(
    ("schedule", "second", "seconds"),
    [
        (MINUTELY, 0.03, 60.97),
        (MINUTELY, 59.99, 61.01),  # fired a moment early
        (MINUTELY, 1.04, 59.96),
        (MINUTELY, 30, 31),
        ("*/10 * * * * *", 0.02, 10.98),
        ("0 0 3 * * *", 0, 900),
        ("00:01:00", 12, 61.5),
        ("", 12, 900),
    ],
)
def test_a_run_goes_on_until_the_next_tick_has_passed(
    schedule: str, second: float, seconds: float
) -> None:
    """But no longer than its budget."""
    at = NOW.replace(second=0) + timedelta(seconds=second)

    assert seconds_to_run(schedule, at, 900) == pytest.approx(seconds)
