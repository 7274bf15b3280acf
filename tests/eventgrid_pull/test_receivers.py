"""Receivers of one drain: as many as the batches call for, within the budget."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from eventgrid_pull.draining import receive_size
from eventgrid_pull.draining.drain import DrainJob, drain
from eventgrid_pull.draining.listeners import MAX_RECEIVERS
from eventgrid_pull.draining.receive_size import BATCH, FIRST, Received
from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import Disposition
from eventgrid_pull.wire.http_retry import EventGridError
from tests.eventgrid_pull.orders import DONE, PaidEvent, a_context, a_delivery
from tests.eventgrid_pull.workbench import Clocked, Store
from tests.virtual_time import in_virtual_time, now, settle_down

TRIP = 0.05


class Supply(Clocked):
    """Hands out so many events, each answer after a moment; how many ask at once."""

    def __init__(self, count: int, *, patient: bool = True) -> None:
        super().__init__()
        self.supply = [a_delivery() for _ in range(count)]
        self.patient = patient
        self.asking = 0
        self.begun: list[tuple[float, int]] = []
        self.sizes: list[int] = []

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        self.asking += 1
        self.sizes.append(max_events)
        self.begun.append((now() - self.began, self.asking))
        try:
            await asyncio.sleep(TRIP)
            self._check("receive")
            if not self.supply and self.patient:
                await asyncio.sleep(max_wait)
            taken, self.supply = self.supply[:max_events], self.supply[max_events:]
            return taken
        finally:
            self.asking -= 1


def job(
    receiver: Supply,
    store: Store | None = None,
    *,
    budget: float = 60,
    takes: float = 0.5,
    handler: Callable[[PaidEvent], Awaitable[Disposition]] | None = None,
    **more: Any,
) -> DrainJob:
    ends = now() + budget

    async def handle(event: PaidEvent) -> Disposition:
        await asyncio.sleep(takes)
        return DONE

    context = a_context(receiver, handler or handle, store)
    return DrainJob(context=context, time_left=lambda: ends - now(), **more)


def at_once(receiver: Supply) -> int:
    return max(count for _, count in receiver.begun)


@in_virtual_time
async def test_full_batches_bring_more_receivers_up_to_a_bound() -> None:
    """A backlog is drained side by side, and everything is settled once."""
    receiver = Supply(5000)

    result = await drain(job(receiver, until_empty=True))

    assert result.settled == {"acknowledge": 5000}
    assert result.summary.full_batches == 50
    assert len(receiver.settled) == 5000
    starts = [round(at, 3) for at, _ in receiver.begun]
    assert max(map(starts.count, starts)) <= MAX_RECEIVERS
    one_by_one = 50 * (TRIP + 0.5)
    assert now() - receiver.began < 10 + one_by_one / 2


@in_virtual_time
async def test_batches_that_are_not_full_need_one_receiver() -> None:
    """One long poll is open for a trickle of events."""
    receiver = Supply(BATCH - 1)

    result = await drain(job(receiver, budget=120))

    assert at_once(receiver) == 1
    assert result.settled == {"acknowledge": BATCH - 1}
    assert result.stopped == "budget"


@in_virtual_time
async def test_what_is_in_hand_is_bounded_whatever_events_weigh(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    The first receive asks for few; from then on a batch has what fits, and four of them
    are in hand at most.
    """
    receiver = Supply(5 * BATCH)
    monkeypatch.setattr(receive_size, "BATCH_BYTES", 3 * len(receiver.supply[0].raw))

    result = await drain(job(receiver, until_empty=True))

    assert receiver.sizes == [FIRST, *[3] * (len(receiver.sizes) - 1)]
    assert at_once(receiver) == MAX_RECEIVERS
    assert result.settled == {"acknowledge": 5 * BATCH}


@pytest.mark.parametrize("count", [BATCH * 8, BATCH * 8 + 50])
@in_virtual_time
async def test_without_full_batches_receivers_go_again(count: int) -> None:
    """After the backlog one long poll is left open, not as many as there were."""
    receiver = Supply(count)

    await drain(job(receiver, budget=200))

    assert at_once(receiver) > 1
    late = [asking for at, asking in receiver.begun if at > 60]
    assert late
    assert set(late) == {1}
    assert len(receiver.settled) == count


@in_virtual_time
async def test_a_receive_may_begin_until_the_budget_is_used_up() -> None:
    """
    Nobody would listen in its last ten seconds otherwise; the last one outlasts it.
    """
    receiver = Supply(0)

    result = await drain(job(receiver, budget=55))

    assert 45 < receiver.begun[-1][0] < 55
    assert 55 <= now() - receiver.began < 65
    assert result.stopped == "budget"


@in_virtual_time
async def test_a_long_poll_is_left_as_soon_as_the_drain_is_to_end() -> None:
    """Nothing more is taken, and nobody waits for an answer."""
    receiver = Supply(0)
    ending = asyncio.Event()
    asyncio.get_running_loop().call_later(5, ending.set)

    result = await drain(job(receiver, ending=ending))

    assert now() - receiver.began == pytest.approx(5)
    assert result.stopped == "ended"
    assert (receiver.asking, await settle_down()) == (0, [])


@in_virtual_time
async def test_what_is_in_hand_is_finished_when_the_drain_is_to_end() -> None:
    """By every receiver that has a batch."""
    receiver = Supply(5000)
    ending = asyncio.Event()
    asyncio.get_running_loop().call_later(3, ending.set)

    result = await drain(job(receiver, ending=ending, takes=1.0))

    taken = 5000 - len(receiver.supply)
    assert 0 < result.settled["acknowledge"] == len(receiver.settled)
    # A receive that was on its way may have locked events; it brought nobody any work.
    assert taken == len(receiver.settled)
    assert now() - receiver.began < 5
    assert result.stopped == "ended"


@pytest.mark.parametrize("takes", [0.5, 50])
@in_virtual_time
async def test_an_empty_answer_that_comes_at_once_is_not_asked_for_without_pause(
    takes: float,
) -> None:
    """
    Some emulators do not wait; a drain does not become a storm of requests, nor where a
    caller waits for a slow handler.
    """
    receiver = Supply(3, patient=False)
    draining = job(receiver, budget=60, takes=takes)
    asyncio.get_running_loop().call_later(2, draining.callers.ask)

    result = await drain(draining)

    assert result.settled == {"acknowledge": 3}
    assert len(receiver.begun) <= 50 / 0.2
    assert result.stopped == "budget"


@in_virtual_time
async def test_one_failure_ends_all_receivers_after_what_they_have_in_hand() -> None:
    """The first failure is reported, and what can be settled is."""

    class FailsOnce(Supply):
        async def receive(
            self, max_events: int, max_wait: int, *, within: float
        ) -> list[Delivery]:
            if self.begun and now() > self.began + 3 and not self.fails:
                self.fails.add("once")
                raise EventGridError("Event Grid does not answer")
            return await super().receive(max_events, max_wait, within=within)

    receiver = FailsOnce(50_000)

    result = await drain(job(receiver))

    assert result.error == "Event Grid does not answer"
    assert (result.stopped, result.summary.completed) == ("failed", False)
    assert max(at for at, _ in receiver.begun) < 4  # nobody asks after the failure
    assert result.settled["acknowledge"] == 50_000 - len(receiver.supply)
    assert await settle_down() == []


@pytest.mark.parametrize(
    ("size", "took", "after"),
    [(100, 0.0, 100), (100, 0.3, 50), (50, 0.2, 50), (50, 0.05, 100), (80, 0.0, 100)],
)
def test_the_next_batch_is_as_large_as_the_last_one_allows(
    size: int, took: float, after: int
) -> None:
    """Slow batches are followed by smaller ones, quick ones by larger ones."""
    assert receive_size.next_size(size, took) == after


@pytest.mark.parametrize(
    ("weights", "fits"),
    [
        ([0], 100),
        ([1_000] * 8, 100),
        ([10_485] * 100, 100),
        ([20_000] * 10, 52),
        ([1_000, 950_000], 2),
        ([950_000] * 8, 1),
        ([2_000_000], 1),
    ],
)
def test_as_many_are_asked_for_as_fit(weights: list[int], fits: int) -> None:
    """
    By what the last ones weighed; one at least, or nothing would ever be received.
    """
    event = a_delivery().event
    last = [
        Delivery("token", msgspec.structs.replace(event, raw=b"x" * weight))
        for weight in weights
    ]

    assert Received(100, last, at=0.0).fitting == fits


@in_virtual_time
async def test_slow_handlers_get_fewer_events_at_once() -> None:
    """Events do not wait under their locks for neighbours that take long."""
    receiver = Supply(400)

    await drain(job(receiver, takes=20, budget=200))

    assert receiver.sizes[:2] == [FIRST, BATCH // 2]
    assert min(receiver.sizes[1:]) < 30
