"""A batch at work: decided side by side, recorded, settled, whatever one event does."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from eventgrid_pull.blob.append_log import StoreUnavailable
from eventgrid_pull.draining.decide import decide
from eventgrid_pull.draining.drain_result import LOCK_LOST
from eventgrid_pull.outcomes import Disposition, Reject, Release, ReleaseDelay, Settled
from eventgrid_pull.shutdown import GRACE_SECONDS
from eventgrid_pull.wire.http_retry import EventGridError
from tests.eventgrid_pull.orders import DONE
from tests.eventgrid_pull.workbench import LOCK, Bench, after, raising, stubborn
from tests.virtual_time import in_virtual_time, now, settle_down


@in_virtual_time
async def test_handlers_that_wait_for_nothing_are_one_append_and_one_call() -> None:
    """No task is left, no lock is renewed, and no time passes."""
    bench = Bench(a=lambda: DONE, b=lambda: DONE)
    began = now()

    result = await bench.work()

    assert result.settled == {"acknowledge": 2}
    assert (bench.receiver.renewals, now()) == (0, began)
    assert await settle_down() == []


@in_virtual_time
async def test_neighbours_of_a_slow_handler_are_settled_without_it() -> None:
    """Within a second or so; the slow one when it is done, under a renewed lock."""
    bench = Bench(quick=lambda: DONE, soon=after(0.5), slow=after(200))

    result = await bench.work()

    assert bench.at("quick") == 0
    assert bench.at("soon") <= 1.6
    assert 200 <= bench.at("slow") <= 201.1
    assert result.settled == {"acknowledge": 3}
    assert bench.receiver.renewals >= 6


@in_virtual_time
async def test_a_lost_lock_stops_its_work_and_settles_nothing() -> None:
    """Its neighbour goes on."""
    bench = Bench(lost=after(100), kept=after(100))
    bench.lose("lost")

    result = await bench.work()

    assert bench.cancelled == ["lost"]
    assert (bench.became("lost"), bench.became("kept")) == (None, ("acknowledge", 0))
    assert list(await bench.entries()) == ["kept"]
    assert result.failed == {LOCK_LOST: 1}
    assert result.summary.received == 2


@in_virtual_time
async def test_work_that_outlives_its_lock_is_never_settled() -> None:
    """Not even when it comes to an end: the event is someone else's by then."""
    bench = Bench(late=stubborn(90), never=stubborn(3600))
    bench.receiver.fails.add("renew")

    result = await bench.work()

    assert bench.receiver.settled == {}
    assert await bench.entries() == {}
    assert result.failed == {LOCK_LOST: 2}
    assert now() - bench.receiver.began < 1.5 * LOCK + 2


@in_virtual_time
async def test_a_blocked_loop_costs_the_locks_that_ran_out_meanwhile() -> None:
    """A handler that yields nothing keeps the keeper from its work, too."""
    loop: Any = asyncio.get_running_loop()

    def blocks() -> Disposition:
        loop.clock.now += LOCK
        return DONE

    bench = Bench(blocking=blocks, neighbour=lambda: DONE)

    result = await bench.work()

    assert bench.receiver.settled == {}
    assert await bench.entries() == {}
    assert result.failed == {LOCK_LOST: 2}


@in_virtual_time
async def test_when_the_process_stops_work_ends_within_the_grace_or_is_handed_back() -> (
    None
):
    """
    At once, with an entry that says why; what finishes in time is settled as decided.
    """
    bench = Bench(quick=after(12), slow=after(200))
    asyncio.get_running_loop().call_later(10, setattr, bench, "stopping", True)

    result = await bench.work()

    assert now() - bench.receiver.began <= 10 + GRACE_SECONDS + 2
    assert bench.became("quick") == ("acknowledge", 0)
    assert bench.became("slow") == ("release", 0)
    assert (await bench.entries())["slow"].reason == "the app is stopping"
    assert bench.cancelled == ["slow"]
    assert result.settled == {"acknowledge": 1, "release": 1}


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (raising(ValueError("secret")), "the handler failed: ValueError"),
        (lambda: None, "the handler returned NoneType, not a disposition"),
        (lambda: "acknowledge", "the handler returned str, not a disposition"),
        (lambda: Reject(ValueError("x")), "the handler failed: AttributeError"),  # type: ignore[arg-type]
        (lambda: Reject("\ud800"), "the handler failed: UnicodeEncodeError"),
        (
            lambda: Release("x", 30),  # type: ignore[arg-type]
            "the handler returned an invalid delay: it must be one of 0, 10, 60, 600, 3600 s",
        ),
        (raising(asyncio.CancelledError()), "the handler was cancelled"),
    ],
    ids=[
        "raises",
        "gives nothing",
        "gives text",
        "gives an error as the reason",
        "gives a reason that is no text",
        "gives a delay that Event Grid does not know",
        "cancels itself",
    ],
)
@in_virtual_time
async def test_what_a_handler_does_wrong_concerns_its_own_event_alone(
    what: Callable[[], Any], reason: str
) -> None:
    """It is released, later each time, and its neighbours never hear of it."""
    bench = Bench(wrong=what, right=lambda: DONE)
    bench.count("wrong", 2)

    result = await bench.work()

    assert bench.became("right") == ("acknowledge", 0)
    assert bench.became("wrong") == ("release", 60)
    assert (await bench.entries())["wrong"].reason == reason
    assert result.settled == {"acknowledge": 1, "release": 1}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (Reject("\ud800"), "the handler failed: UnicodeEncodeError"),
        (Reject(ValueError("x")), "the handler failed: AttributeError"),  # type: ignore[arg-type]
        (Release("x", 30), "the handler returned an invalid delay: it must be one of"),  # type: ignore[arg-type]
    ],
    ids=["a reason that is no text", "an error as the reason", "an unknown delay"],
)
async def test_what_is_decided_at_once_is_checked_too(
    wrong: Disposition, reason: str
) -> None:
    """It would fail the record of the whole batch, or the call that settles it."""
    [delivery] = Bench(wrong=lambda: wrong).deliveries.values()

    disposition = await decide("sub-paid", lambda _: wrong, delivery.event)

    assert isinstance(disposition, Release)
    assert (disposition.reason or "").startswith(reason)


@in_virtual_time
async def test_when_the_store_fails_all_that_is_in_hand_goes_back() -> None:
    """Decided or still at work: for a minute, and nothing is called done."""
    bench = Bench(quick=lambda: DONE, bad=lambda: Reject("no"), slow=after(100))
    bench.store.fails = True

    with pytest.raises(StoreUnavailable):
        await bench.work()

    assert {bench.became(name) for name in bench.deliveries} == {("release", 60)}
    assert bench.done.settled == {}
    assert await settle_down() == []
    assert bench.cancelled == ["slow"]


@in_virtual_time
async def test_work_ends_before_its_event_is_given_back() -> None:
    """Two may not work on one event at once."""
    bench = Bench(quick=lambda: DONE, slow=after(100))
    bench.store.fails = True
    release = bench.receiver.release
    at_work: list[list[str]] = []

    async def slow_release(tokens: Sequence[str], delay: ReleaseDelay) -> Settled:
        await asyncio.sleep(5)
        if bench.deliveries["slow"].lock_token in tokens:
            at_work.append(bench.cancelled[:])
        return await release(tokens, delay)

    bench.receiver.release = slow_release  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        await bench.work()

    assert at_work == [["slow"]]


@in_virtual_time
async def test_when_event_grid_fails_what_is_still_at_work_goes_back() -> None:
    """
    What could not be settled is unanswered; its entry stays, and the next overrules.
    """
    bench = Bench(quick=lambda: DONE, slow=after(100))
    bench.receiver.fails.add("acknowledge")

    with pytest.raises(EventGridError):
        await bench.work()

    assert bench.became("quick") is None
    assert bench.became("slow") == ("release", 60)
    assert bench.done.failed == {"Unanswered": 1}
    assert list(await bench.entries()) == ["quick"]
    assert await settle_down() == []


@in_virtual_time
async def test_with_both_of_them_down_the_first_failure_is_raised() -> None:
    """Locks have to expire then; nothing is left at work."""
    bench = Bench(quick=lambda: DONE, slow=after(100))
    bench.store.fails = True
    bench.receiver.fails |= {"release", "renew"}

    with pytest.raises(StoreUnavailable):
        await bench.work()

    assert bench.receiver.settled == {}
    assert await settle_down() == []
    assert bench.cancelled == ["slow"]


@in_virtual_time
async def test_a_batch_that_is_cut_off_leaves_no_task_behind() -> None:
    """As when its process ends: handlers and the keeper are gone with it."""
    bench = Bench(quick=lambda: DONE, slow=after(100), slower=after(200))
    task = asyncio.create_task(bench.work())
    await asyncio.sleep(40)

    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()
    assert await settle_down() == []
    assert bench.cancelled == ["slow", "slower"]
    renewals = bench.receiver.renewals
    await asyncio.sleep(300)
    assert bench.receiver.renewals == renewals


@in_virtual_time
async def test_a_lock_that_ends_while_the_entry_is_written_is_no_failure() -> None:
    """The token is lost and counted; the next delivery overrules the entry."""
    bench = Bench(late=lambda: DONE)
    bench.store.takes = 70
    bench.lose("late")

    result = await bench.work()

    assert result.failed == {"TokenLost": 1}
    assert list(await bench.entries()) == ["late"]
