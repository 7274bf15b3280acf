"""A drain receives, decides, records, then settles; whatever fails."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.draining.drain import DrainJob, drain
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.draining.histogram import Histogram
from eventgrid_pull.publishing import publish_stamp
from tests.eventgrid_pull.orders import (
    NOW,
    TYPE,
    Budget,
    InMemoryReceiver,
    a_context,
    a_delivery,
    an_event,
)

DAY = 86_400


async def run(
    receiver: InMemoryReceiver,
    *,
    time_left: Callable[[], float] | None = None,
    until_empty: bool = True,
) -> DrainResult:
    return await drain(
        DrainJob(
            context=a_context(receiver),
            time_left=time_left or (lambda: 60.0),
            until_empty=until_empty,
        )
    )


async def test_a_lost_lock_is_counted_and_does_not_end_the_drain() -> None:
    """The next delivery of that event overrules the entry."""
    lost, kept = a_delivery(), a_delivery()
    receiver = InMemoryReceiver([lost, kept], [a_delivery()])
    receiver.lose(lost.lock_token)

    result = await run(receiver)

    assert result.settled == {"acknowledge": 2}
    assert result.failed == {"TokenLost": 1}
    assert (result.stopped, result.summary.failed) == ("empty", {"TokenLost": 1})
    assert [outcome.failed for outcome in result.outcomes] == ["TokenLost", None, None]


async def test_a_patient_drain_goes_on_after_an_empty_receive() -> None:
    """With budget left, one long poll is kept open."""
    receiver = InMemoryReceiver([], [a_delivery()])

    result = await run(receiver, time_left=Budget(45, each=15), until_empty=False)

    assert receiver.waits == [20, 20, 15]
    assert result.settled == {"acknowledge": 1}


async def test_the_summary_has_what_charts_need() -> None:
    """Counts by disposition and type, and the queue delay."""
    receiver = InMemoryReceiver([a_delivery(), a_delivery(b"{}"), a_delivery(count=2)])

    summary = (await run(receiver)).summary

    assert summary.received == 3
    assert summary.dispositions == {"acknowledge": 2, "reject": 1}
    assert summary.types == {TYPE: 2, "": 1}
    assert (summary.queue_delay.count, summary.queue_delay.max) == (1, 1000.0)
    assert summary.waited.count == 0
    assert (summary.at, summary.full_batches) == ("2026-11-23T10:30:00.000000Z", 0)


@pytest.mark.parametrize(
    ("stamped", "time", "waited", "claimed"),
    [
        (-3, -1000, [3000.0], []),
        (-3, None, [3000.0], []),
        (0.5, -7, [0.0], []),
        (None, -7, [], [7000.0]),
        (None, 0.5, [], [0.0]),
        (None, None, [], []),
        (None, -2 * DAY, [], []),
        (None, 2 * DAY, [], []),
        (-2 * DAY, -7, [], [7000.0]),
        (2 * DAY, -7, [], [7000.0]),
        (-2 * DAY, -2 * DAY, [], []),
    ],
)
async def test_waiting_is_measured_by_our_stamp_and_told_apart_from_claims(
    stamped: float | None,
    time: float | None,
    waited: list[float],
    claimed: list[float],
) -> None:
    """
    What cannot have waited for so long says nothing; seconds from now, a day to live.
    """
    at = {"time": time, publish_stamp.ATTRIBUTE: stamped}
    event = an_event() | {
        name: None if ago is None else stamp(NOW + timedelta(seconds=ago))
        for name, ago in at.items()
    }
    result = DrainResult("sub-paid")
    delivery = a_delivery({name: v for name, v in event.items() if v is not None})

    result.measure_waiting([delivery], NOW, timedelta(days=1))

    assert all_of(result.summary.waited) == waited
    assert all_of(result.summary.queue_delay) == claimed


def all_of(histogram: Histogram) -> list[float]:
    return [histogram.max] if histogram.count else []


@pytest.mark.parametrize(
    "claim",
    [
        *(5, True, None, "", "yesterday", "2026-11-23T10:30:00.000000+"),
        *([], {}, "2026-13-23T10:30:00.000000Z", 1.5, "0001-01-01T00:00:00.000000Z"),
        "9999-12-31T23:59:59.999999Z",
    ],
)
async def test_anything_in_the_place_of_our_stamp_is_borne(claim: Any) -> None:
    """
    Who publishes past this app may put there what they like; the event is handled.
    """
    event = an_event() | {publish_stamp.ATTRIBUTE: claim}
    receiver = InMemoryReceiver([a_delivery(event)])

    result = await run(receiver)

    assert result.settled == {"acknowledge": 1}
    assert result.summary.waited.count == 0


async def test_logs_never_hold_event_data(caplog: pytest.LogCaptureFixture) -> None:
    """The content is private; the reason for a look is not."""
    data = {"order": "secret-1", "cents": -1}
    receiver = InMemoryReceiver([a_delivery(an_event(data))])

    await run(receiver)

    assert "a negative amount" in caplog.text
    assert "secret-1" not in caplog.text
