"""Summaries of drains are kept, read back, and add up over time."""

import msgspec

from eventgrid_pull.blob.append_log import InMemoryAppendLog, stamp
from eventgrid_pull.draining.histogram import Histogram
from moderation.activity.log import ActivityLog, Summary, by_time, last_drains
from tests.make import NOW, minutes


def a_histogram(*milliseconds: float) -> Histogram:
    histogram = Histogram()
    histogram.add_all(milliseconds)
    return histogram


def a_summary(
    ago: float = 0, subscription: str = "sub-flagged", *, completed: bool = True
) -> Summary:
    return Summary(
        at=stamp(NOW - minutes(ago)),
        subscription=subscription,
        completed=completed,
        received=3,
        dispositions={"acknowledge": 2, "reject": 1},
        queue_delay=a_histogram(10.0, 20.0),
    )


async def test_summaries_are_read_back_newest_first() -> None:
    """A chart asks for the last minutes and gets just those."""
    log = ActivityLog(InMemoryAppendLog())
    for ago in (70, 5, 1):
        await log.note(a_summary(ago), NOW - minutes(ago))

    found = await log.read(["sub-flagged"], since=NOW - minutes(30), until=NOW)

    assert [summary.at for summary in found] == [
        stamp(NOW - minutes(1)),
        stamp(NOW - minutes(5)),
    ]


async def test_a_line_that_is_no_summary_is_passed_over() -> None:
    """Someone may have put a line of their own there."""
    store = InMemoryAppendLog()
    for rest in (b"", b',"id":"\xff"', b',"x":' + b"[" * 9000):
        line = b'{"at":"2026-11-23T10:30:00.000000Z"%s}\n' % rest
        await store.append("sub-flagged", NOW, line)
    await ActivityLog(store).note(a_summary(), NOW)

    found = await ActivityLog(store).read(["sub-flagged"], since=NOW, until=NOW)

    assert len(found) == 1


async def test_a_line_of_before_there_were_percentiles_is_read() -> None:
    """An upgrade does not lose the last day."""
    store = InMemoryAppendLog()
    old = (
        b'{"at":"2026-11-23T10:30:00.000000Z","subscription":"sub-flagged",'
        b'"completed":true,"drains":1,"received":2,"fullBatches":0,"dispositions":'
        b'{"acknowledge":2},"types":{},"categories":{},"severities":{},"failed":{},'
        b'"queueDelay":{"count":2,"sum":30.0,"max":20.0},'
        b'"handling":{"count":0,"sum":0.0,"max":0.0}}\n'
    )
    await store.append("sub-flagged", NOW, old)

    [found] = await ActivityLog(store).read(["sub-flagged"], since=NOW, until=NOW)

    assert found.dispositions == {"acknowledge": 2}
    assert found.queue_delay == Histogram(2, 30.0, 20.0)
    assert list(found.queue_delay.percentiles(0.5)) == [None]


async def test_a_summary_is_read_back_as_it_was_noted() -> None:
    """What is left out of a line because it is empty is empty again."""
    log, noted = ActivityLog(InMemoryAppendLog()), a_summary(completed=False)
    noted.matrix, noted.last_full = {"violence": {"high": 1}}, True
    await log.note(noted, NOW)

    [found] = await log.read(["sub-flagged"], since=NOW, until=NOW)

    assert found == noted


async def test_it_is_known_whether_anything_was_ever_noted() -> None:
    """A fresh app is no reason to worry."""
    log = ActivityLog(InMemoryAppendLog())
    await log.note(a_summary(), NOW)

    drained = [await log.was_drained(name) for name in ("sub-flagged", "sub-approved")]

    assert drained == [True, False]


def test_an_idle_drain_is_a_short_line() -> None:
    """Three event subscriptions note four thousand of them a day."""
    idle = Summary(at=stamp(NOW), subscription="sub-flagged")

    assert len(msgspec.json.encode(idle)) < 130


def test_drains_of_one_step_are_added_up() -> None:
    """Two lanes, or two ticks in a minute, are one bar."""
    summaries = [a_summary(0), a_summary(0), a_summary(2)]

    by_minute, by_hour = (by_time(summaries, minutes(length)) for length in (1, 60))

    assert list(by_minute) == [NOW - minutes(2), NOW]
    both = by_minute[NOW]["sub-flagged"]
    assert (both.received, both.drains) == (6, 2)
    assert both.dispositions == {"acknowledge": 4, "reject": 2}
    assert both.queue_delay == a_histogram(10.0, 10.0, 20.0, 20.0)
    assert [counts["sub-flagged"].received for counts in by_hour.values()] == [9]


def test_adding_up_leaves_the_summaries_as_they_were() -> None:
    """The same summaries are looked at for alerts afterwards."""
    summaries = [a_summary(0), a_summary(0)]

    by_time(summaries, minutes(1))

    assert summaries == [a_summary(0), a_summary(0)]


def test_a_drain_that_failed_does_not_count_as_the_last_one() -> None:
    """ "Not drained for an hour" must not be hidden by ticks that fail."""
    summaries = [a_summary(0, completed=False), a_summary(7), a_summary(9)]

    assert last_drains(summaries, ["sub-flagged", "sub-approved"]) == {
        "sub-flagged": NOW - minutes(7),
        "sub-approved": None,
    }
