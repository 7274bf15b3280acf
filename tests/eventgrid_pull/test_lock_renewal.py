"""Locks are renewed in time by a keeper, and known when they are gone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

import pytest

from eventgrid_pull.draining import lock_renewal
from eventgrid_pull.draining.lock_renewal import Locks
from eventgrid_pull.outcomes import Settled
from eventgrid_pull.wire.http_retry import EventGridError
from tests.virtual_time import in_virtual_time, now

LOCK = 60.0
USABLE = LOCK * (1 - lock_renewal.MARGIN)

type Answer = Callable[[Sequence[str]], Settled]


def yes(tokens: Sequence[str]) -> Settled:
    return Settled(frozenset(tokens))


def no_answer(tokens: Sequence[str]) -> Settled:
    raise EventGridError("no answer", transient=True)


def refused(code: str, *which: str) -> Answer:
    def answer(tokens: Sequence[str]) -> Settled:
        good = frozenset(tokens) - frozenset(which)
        return Settled(good, {token: code for token in tokens if token in which})

    return answer


class Keeping:
    """A keeper at work: what it asked for, when, and what it said is lost."""

    def __init__(self, *working: str, answers: list[Answer] | None = None) -> None:
        self.working = list(working)
        self.answers = answers or []
        self.asked: list[tuple[float, list[str]]] = []
        self.lost: list[tuple[float, str]] = []
        self.locks = Locks(working, LOCK)
        self.began = now()

    async def renew(self, tokens: Sequence[str]) -> Settled:
        self.asked.append((now() - self.began, list(tokens)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else None
        return (answer or (self.answers or [yes])[0])(tokens)

    def lose(self, token: str) -> None:
        self.lost.append((now() - self.began, token))
        self.working.remove(token)

    async def for_seconds(self, seconds: float) -> "Keeping":
        keeping = self.locks.keep(self.renew, lambda: self.working, self.lose)
        keeper = asyncio.create_task(keeping)
        await asyncio.sleep(seconds)
        assert not keeper.done()
        keeper.cancel()
        await asyncio.wait({keeper})
        assert keeper.cancelled()
        return self

    @property
    def gaps(self) -> list[float]:
        times = [0.0, *(at for at, _ in self.asked)]
        return [later - at for at, later in pairwise(times)]


@in_virtual_time
async def test_a_lock_is_renewed_before_half_of_it_is_gone() -> None:
    """Again and again, so that a second try still has time."""
    kept = await Keeping("a").for_seconds(1800)

    assert all(0.3 * USABLE <= gap <= 0.5 * LOCK for gap in kept.gaps)
    assert 60 <= len(kept.asked) <= 110
    assert kept.locks.is_held("a", now())
    assert kept.lost == []


@in_virtual_time
async def test_keepers_do_not_beat_together() -> None:
    """The point of renewal is drawn anew each time."""
    several = [Keeping("a") for _ in range(20)]

    await asyncio.gather(*(keeper.for_seconds(100) for keeper in several))

    assert len({round(keeper.asked[0][0], 3) for keeper in several}) > 10


@in_virtual_time
async def test_one_call_renews_all_that_is_worked_on() -> None:
    """What is done is not renewed, and with nothing at work nothing is asked."""
    keeping = Keeping("a", "b", "c")
    keeping.working = ["a", "c"]
    await keeping.for_seconds(31)
    keeping.working = []
    await keeping.for_seconds(100)

    assert [tokens for _, tokens in keeping.asked] == [["a", "c"]]


@in_virtual_time
async def test_a_lock_that_nobody_renews_is_given_up_a_little_early() -> None:
    """
    The answer that brought it took its time; Event Grid's clock started before ours.
    """
    held = Locks(["a"], LOCK)

    await asyncio.sleep(USABLE - 0.1)
    assert held.is_held("a", now())
    await asyncio.sleep(0.2)

    assert not held.is_held("a", now())
    assert not held.is_held("never heard of", now())


@pytest.mark.parametrize("code", ["TokenLost", "BadToken", "Unknown"])
@in_virtual_time
async def test_a_lock_that_is_gone_is_reported_once(code: str) -> None:
    """Whoever works under it hears of it, and its neighbours' locks are kept."""
    keeping = Keeping("a", "b", answers=[refused(code, "a")])

    await keeping.for_seconds(300)

    assert [token for _, token in keeping.lost] == ["a"]
    assert keeping.lost[0][0] == keeping.asked[0][0]
    assert not keeping.locks.is_held("a", now())
    assert keeping.locks.is_held("b", now())


@in_virtual_time
async def test_event_grid_s_own_fault_is_not_a_lost_lock() -> None:
    """The lock may be there: work goes on, and the next try tells."""
    keeping = Keeping("a", answers=[refused("InternalServerError", "a"), yes])

    await keeping.for_seconds(58)

    assert keeping.lost == []
    assert keeping.locks.is_held("a", now())


@in_virtual_time
async def test_an_outage_shorter_than_what_is_left_of_a_lock_costs_nothing() -> None:
    """Tries come ever sooner as the lock runs out, even when each takes its time."""
    began, lost = now(), list[str]()

    def event_grid() -> Callable[[Sequence[str]], Awaitable[Settled]]:
        ends = began + LOCK

        async def renew(tokens: Sequence[str]) -> Settled:
            nonlocal ends
            if now() < began + 40:
                await asyncio.sleep(8)
                return no_answer(tokens)
            if now() >= ends:
                return refused("TokenLost", "a")(tokens)
            ends = now() + LOCK
            return yes(tokens)

        return renew

    several = [
        Locks(["a"], LOCK).keep(event_grid(), lambda: ["a"], lost.append)
        for _ in range(50)
    ]
    keepers = [asyncio.create_task(keeper) for keeper in several]
    await asyncio.sleep(100)
    for keeper in keepers:
        keeper.cancel()

    assert lost == []


@pytest.mark.parametrize(
    "answer",
    [
        no_answer,
        refused("InternalServerError", "a"),
        lambda tokens: Settled(frozenset()),
    ],
    ids=["no answer", "always a fault", "left out of the answer"],
)
@in_virtual_time
async def test_a_lock_that_cannot_be_renewed_is_lost_at_its_end(answer: Answer) -> None:
    """Not before, and not much later."""
    keeping = Keeping("a", answers=[answer])

    await keeping.for_seconds(120)

    [(at, _)] = keeping.lost
    assert USABLE <= at <= USABLE + 1.1
    assert not keeping.locks.is_held("a", now())


@in_virtual_time
async def test_a_renewal_counts_from_when_it_was_asked_for() -> None:
    """A slow answer does not make a lock longer than it is."""

    async def slow(tokens: Sequence[str]) -> Settled:
        await asyncio.sleep(10)
        return yes(tokens)

    held = Locks(["a"], LOCK)
    keeper = asyncio.create_task(held.keep(slow, lambda: ["a"], lambda _: None))
    await asyncio.sleep(0.5 * LOCK + 10)
    keeper.cancel()
    await asyncio.sleep(USABLE - 10)

    assert not held.is_held("a", now())


@in_virtual_time
async def test_no_lock_is_renewed_beyond_the_hour() -> None:
    """Event Grid would refuse it; the work ends with the last lock."""
    kept = await Keeping("a").for_seconds(2 * 3600)

    assert kept.asked[-1][0] < lock_renewal.RENEWABLE_SECONDS
    [(at, token)] = kept.lost
    assert token == "a"
    assert kept.asked[-1][0] + USABLE <= at <= 3600 + LOCK + 1


@in_virtual_time
async def test_a_renewal_that_hangs_does_not_hide_that_the_lock_has_ended() -> None:
    """Another consumer may have the event by then: the work on it stops in time."""
    kept = Keeping("a")

    async def hangs(tokens: Sequence[str]) -> Settled:
        await asyncio.sleep(24)
        raise EventGridError("no answer", transient=True)

    kept.renew = hangs  # type: ignore[method-assign]
    await kept.for_seconds(200)

    assert [(round(at), token) for at, token in kept.lost] == [(round(USABLE), "a")]
