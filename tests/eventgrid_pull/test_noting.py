"""A drain tells what it does once a minute, and at its end."""

import weakref

from eventgrid_pull import Acknowledge, Outcome, Record
from eventgrid_pull.draining.drain import drain
from eventgrid_pull.draining.drain_parts import Parts
from eventgrid_pull.draining.drain_result import LISTED
from eventgrid_pull.draining.drain_summary import DrainSummary
from eventgrid_pull.event import Delivery
from eventgrid_pull.wire.http_retry import EventGridError
from tests.eventgrid_pull.orders import NOW, a_delivery
from tests.eventgrid_pull.test_receivers import Supply, job
from tests.virtual_time import in_virtual_time, now


class Notes:
    """Summaries as they are noted, and when: seconds from the start."""

    def __init__(self) -> None:
        self.began = now()
        self.kept: list[tuple[int, DrainSummary]] = []

    async def __call__(self, summary: DrainSummary) -> None:
        self.kept.append((round(now() - self.began), summary))


@in_virtual_time
async def test_a_long_drain_is_noted_once_a_minute_and_at_its_end() -> None:
    """
    Half an hour of events would be one bar otherwise, and be lost with the process.
    """
    notes, receiver = Notes(), Supply(3000)

    result = await drain(job(receiver, budget=200, takes=10, note=notes))

    parts = [summary for _, summary in notes.kept]
    assert [at for at, _ in notes.kept[:3]] == [60, 120, 180]
    assert [part.drains for part in parts] == [0, 0, 0, 1]
    assert sum(part.received for part in parts) == result.summary.received == 3000
    assert parts[0].received > 0
    assert result.summary.drains == 1


def test_an_answer_counts_what_was_noted_before_it() -> None:
    """Who has no more patience hears of the same events in numbers and one by one."""
    parts = Parts("sub-paid", lambda: NOW, None)
    parts.current.add([Outcome(Record(NOW, a_delivery(), Acknowledge()), None)])
    parts.current.take(NOW)

    so_far = parts.so_far()

    assert (so_far.summary.received, len(so_far.outcomes)) == (1, 1)


async def test_what_was_answered_does_not_pile_up() -> None:
    """A drain of an hour may have thousands of callers."""
    parts, notes = Parts("sub-paid", lambda: NOW, None), weakref.WeakSet[Notes]()

    for _ in range(5):
        for note in (Notes() for _ in range(LISTED)):
            notes.add(note)
            record = Record(NOW, a_delivery(), Acknowledge(note))
            parts.current.add([Outcome(record, None)])
        await parts.part("empty")[1]
    del note, record

    assert len(notes) == LISTED
    assert parts.whole().settled.total() == 5 * LISTED


@in_virtual_time
async def test_a_short_drain_is_noted_once() -> None:
    """A line for each tick of a schedule of one minute, as ever."""
    notes = Notes()

    await drain(job(Supply(3), budget=45, note=notes))

    assert [(summary.received, summary.drains) for _, summary in notes.kept] == [(3, 1)]


@in_virtual_time
async def test_a_drain_at_work_on_a_slow_batch_is_noted() -> None:
    """Nobody should think that it is late."""
    notes = Notes()

    await drain(job(Supply(1), budget=30, takes=150, note=notes))

    assert [at for at, _ in notes.kept] == [60, 120, 150]
    assert [summary.received for _, summary in notes.kept] == [0, 0, 1]


@in_virtual_time
async def test_a_drain_that_hears_nothing_is_not_noted_until_it_ends() -> None:
    """
    A receive that is tried again and again must not look like a drain that is well.
    """

    class Silent(Supply):
        async def receive(
            self, max_events: int, max_wait: int, *, within: float
        ) -> list[Delivery]:
            await super().receive(max_events, max_wait, within=within)
            raise EventGridError("overloaded", 503)

    notes = Notes()

    await drain(job(Silent(0), budget=200, note=notes))

    assert [summary.drains for _, summary in notes.kept] == [1]


@in_virtual_time
async def test_a_backlog_that_remains_is_said() -> None:
    """Batches that are full to the end call for more lanes, or a longer budget."""
    much, little = Notes(), Notes()

    await drain(job(Supply(20_000), budget=30, takes=1, note=much))
    await drain(job(Supply(1000), budget=45, takes=1, note=little))

    assert [summary.last_full for _, summary in much.kept] == [True]
    assert [summary.last_full for _, summary in little.kept] == [False]
    assert little.kept[0][1].full_batches == 11
