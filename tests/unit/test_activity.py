"""Summaries of drains add up by the minute."""

from moderation.activity import ActivityLog, Spread, Summary, by_minute, last_drains
from moderation.appendlog import InMemoryAppendLog, stamp
from tests.make import NOW, minutes


def a_summary(
    ago: float = 0, subscription: str = "sub-flagged", *, completed: bool = True
) -> Summary:
    return Summary(
        at=stamp(NOW - minutes(ago)),
        subscription=subscription,
        completed=completed,
        received=3,
        dispositions={"acknowledge": 2, "reject": 1},
        queue_delay=Spread(2, 30.0, 20.0),
    )


async def test_summaries_are_read_back_newest_first() -> None:
    """
    A chart asks for the last minutes and gets just those.
    """
    log = ActivityLog(InMemoryAppendLog())
    for ago in (70, 5, 1):
        await log.note(a_summary(ago), NOW - minutes(ago))

    found = await log.read(["sub-flagged"], since=NOW - minutes(30), until=NOW)

    assert [one.at for one in found] == [
        stamp(NOW - minutes(1)),
        stamp(NOW - minutes(5)),
    ]


async def test_a_line_that_is_no_summary_is_passed_over() -> None:
    """
    Someone may have put a line of their own there.
    """
    store = InMemoryAppendLog()
    await store.append("sub-flagged", NOW, b'{"at":"2026-11-23T10:30:00.000000Z"}\n')
    await ActivityLog(store).note(a_summary(), NOW)

    found = await ActivityLog(store).read(["sub-flagged"], since=NOW, until=NOW)

    assert len(found) == 1


def test_drains_of_one_minute_are_added_up() -> None:
    """
    Two lanes, or two ticks in a minute, are one bar.
    """
    minutes_ = by_minute([a_summary(0), a_summary(0), a_summary(2)])

    assert list(minutes_) == ["2026-11-23T10:28:00Z", "2026-11-23T10:30:00Z"]
    both = minutes_["2026-11-23T10:30:00Z"]["sub-flagged"]
    assert (both.received, both.drains) == (6, 2)
    assert both.dispositions == {"acknowledge": 4, "reject": 2}
    assert both.queue_delay == Spread(4, 60.0, 20.0)


def test_a_drain_that_failed_does_not_count_as_the_last_one() -> None:
    """
    "Not drained for an hour" must not be hidden by ticks that fail.
    """
    summaries = [a_summary(0, completed=False), a_summary(7), a_summary(9)]

    assert last_drains(summaries, ["sub-flagged", "sub-approved"]) == {
        "sub-flagged": stamp(NOW - minutes(7)),
        "sub-approved": None,
    }
