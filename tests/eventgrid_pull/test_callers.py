"""Who waits for a drain is answered when what was there is done, and not later."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from eventgrid_pull.draining.drain import DrainJob
from eventgrid_pull.draining.drain_registry import Drains
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import Settled
from eventgrid_pull.wire.http_retry import EventGridError
from eventgrid_pull.wire.sending import on_sending
from tests.eventgrid_pull.orders import a_delivery
from tests.eventgrid_pull.test_receivers import job
from tests.eventgrid_pull.workbench import Clocked
from tests.virtual_time import in_virtual_time, now, settle_down

NAME = "sub-paid"


class Queue(Clocked):
    """Event Grid's side: answers as soon as there is something, `trip` seconds later."""

    def __init__(
        self,
        count: int = 0,
        *,
        at_most: int = 100,
        trip: float = 0.01,
        connecting: float = 0.0,
    ) -> None:
        super().__init__()
        self.waiting = deque(a_delivery() for _ in range(count))
        self.at_most = at_most
        self.trip = trip
        self.connecting = connecting
        self.refusing = 0
        self.refusal = EventGridError("throttled", 429, retry_after=1)
        self.open = 0
        self._arrived = asyncio.Event()

    def arrive(self, count: int = 1) -> None:
        self.waiting.extend(a_delivery() for _ in range(count))
        self._arrived.set()

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        if self.refusing:
            self.refusing -= 1
            raise self.refusal
        if self.connecting:
            tell = on_sending.get()
            tell(None)
            await asyncio.sleep(self.connecting)
            tell(self.trip)
            self.connecting = 0.0
        await asyncio.sleep(self.trip / 2)
        self.open += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(max_wait):
                    while not self.waiting:
                        self._arrived.clear()
                        await self._arrived.wait()
        finally:
            self.open -= 1
        size = min(max_events, self.at_most, len(self.waiting))
        taken = [self.waiting.popleft() for _ in range(size)]
        await asyncio.sleep(self.trip / 2)
        return taken

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        await asyncio.sleep(self.trip)
        return await super().acknowledge(tokens)


class Process:
    """The drains of one process on a queue, and when its callers were answered."""

    def __init__(self, queue: Queue, **more: Any) -> None:
        self.queue = queue
        self.drains = Drains()
        self.began = now()
        self._more: dict[str, Any] = {"takes": 0.0, "budget": 25} | more

    def job(self, **more: Any) -> Callable[[], DrainJob]:
        return lambda: job(self.queue, **(self._more | more))  # type: ignore[arg-type]

    async def pull(self) -> tuple[float, DrainResult]:
        asked = now()
        result = await self.drains.drain_now(NAME, self.job(until_empty=True))
        return round(now() - asked, 2), result

    async def tick(self, **more: Any) -> DrainResult:
        return await self.drains.drain(NAME, self.job(**more))

    async def end(self) -> None:
        self.drains.stop()
        while at_work := self.drains.at_work.values():
            await asyncio.gather(*at_work)


def after(seconds: float, do: Callable[..., object], *arguments: object) -> None:
    asyncio.get_running_loop().call_later(seconds, do, *arguments)


@pytest.mark.parametrize(
    ("queue", "settled", "seconds"),
    [
        ({"count": 0}, 0, 0.2),
        ({"count": 1}, 1, 0.23),
        ({"count": 8}, 8, 0.23),
        ({"count": 7, "at_most": 1}, 7, 0.35),
        ({"count": 500}, 500, 0.27),
        ({"count": 3, "trip": 0.3, "connecting": 1.0}, 3, 2.2),
    ],
    ids=["empty", "one", "a full first batch", "one a receive", "backlog", "far away"],
)
@in_virtual_time
async def test_a_caller_is_answered_shortly_after_the_last_event(
    queue: dict[str, Any], settled: int, seconds: float
) -> None:
    """
    Nothing that was there stays behind, and the ten seconds that Event Grid waits at
    least are not waited for.
    """
    process = Process(Queue(**queue))

    took, result = await process.pull()

    assert (result.stopped, result.settled.total()) == ("empty", settled)
    assert not result.summary.last_full
    assert len(process.queue.settled) == settled
    assert took == pytest.approx(seconds + 0.01, abs=0.1 + process.queue.trip)
    await process.end()


@in_virtual_time
async def test_what_comes_after_the_answer_is_handled_by_the_open_receive() -> None:
    """Cutting it off would strand a lock."""
    process = Process(Queue())
    await process.pull()
    assert process.queue.open == 1

    after(5, process.queue.arrive)
    await asyncio.sleep(6)

    assert len(process.queue.settled) == 1
    assert not process.drains.at_work
    assert await settle_down() == []


@in_virtual_time
async def test_the_next_caller_hears_what_was_done_since_the_last_answer() -> None:
    """Pulled again within the ten seconds, old events are not counted twice."""
    process = Process(Queue(5))
    _, first = await process.pull()
    process.queue.arrive(2)

    took, second = await process.pull()

    assert (first.settled.total(), second.settled.total()) == (5, 2)
    assert took < 0.5
    await process.end()


@in_virtual_time
async def test_callers_who_wait_at_once_get_one_answer() -> None:
    """
    Also those who ask a moment later: none hears of nothing because another was first.
    """
    process = Process(Queue(3))
    later: list[asyncio.Task[Any]] = []
    after(0.1, lambda: later.append(asyncio.create_task(process.pull())))

    (_, first), (_, second) = await asyncio.gather(process.pull(), process.pull())
    _, third = await later[0]

    assert first is second is third
    await process.end()


@pytest.mark.parametrize("manner", ["stay", "visit"])
@in_virtual_time
async def test_a_drain_of_a_timer_answers_callers_and_goes_on(manner: str) -> None:
    """By the same rule, from when they ask."""
    process = Process(Queue(), budget=60)
    ticking = asyncio.create_task(process.tick(manner=manner))
    await asyncio.sleep(3)
    after(0.1, process.queue.arrive, 2)

    took, result = await process.pull()

    assert (result.settled.total(), result.stopped) == (2, "empty")
    assert 0.3 <= took < 0.5
    assert not ticking.done()
    await process.end()
    await ticking


@in_virtual_time
async def test_asking_ends_a_rest() -> None:
    """A drain that lets batches fill does not let callers wait for that."""
    process = Process(Queue(1), pace=30, budget=60)
    ticking = asyncio.create_task(process.tick())
    await asyncio.sleep(1)
    process.queue.arrive(4)

    took, result = await process.pull()

    assert (result.settled.total(), took < 0.5) == (5, True)
    await process.end()
    await ticking


@in_virtual_time
async def test_a_caller_waits_for_what_is_in_hand() -> None:
    """However long its handler takes."""
    process = Process(Queue(2), takes=4.0)

    took, result = await process.pull()

    assert 4.2 <= took < 4.5
    assert result.settled.total() == 2
    await process.end()


@pytest.mark.parametrize("fault", ["throttled", "not connected"])
@in_virtual_time
async def test_a_request_that_is_not_under_way_says_nothing(fault: str) -> None:
    """
    Refused, or with a token and a connection to be made first: that is no silence.
    """
    queue = Queue(3)
    queue.refusing, queue.connecting = (1, 0) if fault == "throttled" else (0, 2.0)
    process = Process(queue)

    took, result = await process.pull()

    assert (result.settled.total(), result.error) == (3, None)
    assert took < 2.5
    await process.end()


@in_virtual_time
async def test_a_caller_hears_soon_that_event_grid_is_away() -> None:
    """Though the drain of a timer, which they joined, goes on trying for minutes."""
    process = Process(Queue(3), budget=300)
    process.queue.refusing = 10_000
    ticking = asyncio.create_task(process.tick())
    await asyncio.sleep(100)

    took, refused = await process.pull()
    process.queue.refusing = 0
    _, result = await process.pull()

    assert took < 6
    assert (refused.stopped, refused.error) == ("failed", "throttled")
    assert not ticking.done()
    assert (result.settled.total(), result.error) == (3, None)
    await process.end()
    await ticking


@in_virtual_time
async def test_a_caller_has_event_grid_tried_at_once() -> None:
    """It may be there again, and the pause of a timer's drain takes eight seconds."""
    for asked in range(8):
        process = Process(Queue(3), budget=300)
        process.queue.refusing = 10_000
        process.queue.refusal = EventGridError("is away", 503)
        ticking = asyncio.create_task(process.tick())
        await asyncio.sleep(100 + asked)
        process.queue.refusing = 0

        took, result = await process.pull()

        assert (took < 1, result.settled.total(), result.error) == (True, 3, None)
        await process.end()
        await ticking


@in_virtual_time
async def test_competing_consumers_leave_nothing_behind() -> None:
    """Two processes pull at once, as does a timer of a third."""
    queue = Queue(950, at_most=7)
    processes = [Process(queue, takes=0.05) for _ in range(3)]
    ticking = asyncio.create_task(processes[2].tick())

    answers = await asyncio.gather(*(process.pull() for process in processes))

    assert len(queue.settled) == 950
    assert sum(result.settled.total() for _, result in answers) == 950
    for process in processes:
        await process.end()
    await ticking
    assert await settle_down() == []


@in_virtual_time
async def test_a_drain_that_ends_before_the_answer_is_followed_by_another() -> None:
    """What both did is in the answer."""
    process = Process(Queue(250), takes=2.0, budget=3)
    ticking = asyncio.create_task(process.tick())
    await asyncio.sleep(1)

    _, result = await process.pull()

    assert (result.settled.total(), len(process.queue.waiting)) == (250, 0)
    assert result.stopped == "empty"
    await process.end()
    assert 0 < (await ticking).settled.total() < 250


@pytest.mark.parametrize("budget", [60, 20])
@pytest.mark.parametrize(
    ("at_once", "takes"), [(1, 0.0), (40, 1.0)], ids=["a trickle", "a backlog"]
)
@in_virtual_time
async def test_with_events_that_never_cease_a_caller_has_patience_for_a_while(
    at_once: int, takes: float, budget: float
) -> None:
    """
    The answer is what was done by then, even while more is in hand, or by two drains.
    """
    process = Process(Queue(), budget=budget, takes=takes)

    async def publish() -> None:
        while True:
            process.queue.arrive(at_once)
            await asyncio.sleep(0.05)

    publishing = asyncio.create_task(publish())
    ticking = asyncio.create_task(process.tick())
    await asyncio.sleep(1)

    took, result = await process.pull()

    assert 25 <= took < 27
    assert result.stopped == "budget"
    assert result.settled.total() > 400
    publishing.cancel()
    await process.end()
    await ticking


@in_virtual_time
async def test_a_tick_follows_a_pull_by_a_drain_of_its_own() -> None:
    """
    The pull's ends ten seconds after its answer; the timer's listens for its full time.
    """
    process = Process(Queue(), budget=60)
    await process.pull()

    began = now()
    await process.tick()

    assert now() - began >= 60
    assert await settle_down() == []


async def give_up(call: Awaitable[Any]) -> None:
    caller = asyncio.ensure_future(call)
    await asyncio.sleep(0.05)
    caller.cancel()
    await asyncio.wait({caller})


@in_virtual_time
async def test_a_caller_who_goes_away_strands_nothing() -> None:
    """What was begun for them is done all the same."""
    process = Process(Queue(500), takes=1.0)

    await give_up(process.pull())
    await asyncio.sleep(60)

    assert len(process.queue.settled) == 500
    assert await settle_down() == []


class Broken(Queue):
    """Fails in a way that nobody expects."""

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        raise ZeroDivisionError


@pytest.mark.parametrize("joined", [False, True])
@in_virtual_time
async def test_what_a_drain_dies_of_is_raised_for_its_callers(joined: bool) -> None:
    """A fault of the app's own code: nobody waits for an answer that never comes."""
    process = Process(Broken(), budget=60)
    ticking = asyncio.create_task(process.tick()) if joined else None
    await asyncio.sleep(1)
    process.queue.arrive()

    async with asyncio.timeout(5):
        with pytest.raises(ExceptionGroup):
            await process.pull()

    if ticking is not None:
        with pytest.raises(ExceptionGroup):
            await ticking
    assert await settle_down() == []


@in_virtual_time
async def test_when_the_process_stops_everybody_is_answered_at_once() -> None:
    """The open receive is cut off only then."""
    process = Process(Queue())
    pulling = asyncio.create_task(process.pull())
    await asyncio.sleep(0.1)

    await process.end()

    took, result = await pulling
    assert (took, result.stopped) == (0.1, "ended")
    assert await settle_down() == []
