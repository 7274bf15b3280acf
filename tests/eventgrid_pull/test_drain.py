"""A drain receives, decides, records, then settles; whatever fails."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from eventgrid_pull import publish_stamp
from eventgrid_pull.batch import BatchContext
from eventgrid_pull.blob.append_log import InMemoryAppendLog, StoreUnavailable, stamp
from eventgrid_pull.drain import DrainJob, drain
from eventgrid_pull.drain_result import DrainResult
from eventgrid_pull.histogram import Spread
from eventgrid_pull.outcomes import (
    Acknowledge,
    Disposition,
    Reject,
    Release,
    ReleaseDelay,
)
from moderation import handlers
from moderation.audit.entry import AuditEntry
from moderation.audit.log import AuditLog, Query
from moderation.audit.recorder import AuditRecorder
from moderation.events import ModerationEvent, Verdict
from tests.make import (
    FLAGGED,
    NOW,
    Budget,
    InMemoryReceiver,
    a_delivery,
    an_event,
    minutes,
)

DAY = 86_400


class Store(InMemoryAppendLog):
    """An append log that can be taken away, at once or at the next append."""

    def __init__(self) -> None:
        super().__init__()
        self.opens = self.appends = True
        self.before_append: Callable[[], None] = lambda: None

    async def open(self, name: str, now: datetime) -> None:
        if not self.opens:
            raise StoreUnavailable("storage does not answer")

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        self.before_append()
        if not self.appends:
            raise StoreUnavailable("storage does not answer")
        await super().append(name, now, lines)


async def run(
    receiver: InMemoryReceiver,
    store: Store | None = None,
    *,
    handler: handlers.Handler = handlers.flagged,
    time_left: Callable[[], float] | None = None,
    until_empty: bool = True,
    ending: asyncio.Event | None = None,
    **more: Any,
) -> DrainResult:
    desk: dict[str, Any] = {
        "subscription": "sub-flagged",
        "max_delivery_count": 10,
        "lock_seconds": 60,
        "handler_seconds": 300,
        "handler": handler,
        "receiver": receiver,
        "recorder": AuditRecorder(AuditLog(store or Store()), lambda: NOW),
        "clock": lambda: NOW,
    }
    return await drain(
        DrainJob(
            context=BatchContext(**(desk | more)),
            receiver=receiver,
            time_left=time_left or (lambda: 60.0),
            until_empty=until_empty,
            ending=ending or asyncio.Event(),
        )
    )


async def entries(store: Store) -> list[AuditEntry]:
    query = Query(since=NOW - minutes(1), until=NOW, subscriptions=["sub-flagged"])
    return (await AuditLog(store).find(query)).entries


async def test_every_delivery_is_recorded_and_settled() -> None:
    """
    Events go through batch by batch until a receive brings nothing.
    """
    batches = [[a_delivery(an_event(id=f"{b}-{n}")) for n in range(3)] for b in "ab"]
    receiver, store = InMemoryReceiver(*batches), Store()

    tally = await run(receiver, store)

    assert (tally.stopped, tally.error) == ("empty", None)
    assert tally.settled == {"acknowledge": 6}
    assert len(receiver.settled) == len(await entries(store)) == 6


async def test_a_malformed_event_does_not_hold_back_its_neighbours() -> None:
    """
    Each delivery of a batch gets its own disposition, and each is on record.
    """
    good, bad = a_delivery(), a_delivery(b'{"id": "bad", "specversion": 7}')
    receiver, store = InMemoryReceiver([bad, good]), Store()

    tally = await run(receiver, store)

    assert tally.settled == {"acknowledge": 1, "reject": 1}
    assert receiver.settled[good.lock_token] == ("acknowledge", 0)
    assert receiver.settled[bad.lock_token] == ("reject", 0)
    assert [entry.id for entry in await entries(store)] == ["event-1", "bad"]


async def test_a_handler_that_raises_costs_only_its_own_event() -> None:
    """
    The failure becomes a release that grows with the delivery count.
    """

    async def fails_on_first(event: ModerationEvent) -> Disposition:
        if event.id == "first":
            raise ValueError("boom")
        return Acknowledge(Verdict.APPROVED)

    first = a_delivery(an_event(id="first"), count=2)
    second, store = a_delivery(an_event(id="second")), Store()
    receiver = InMemoryReceiver([first, second])

    tally = await run(receiver, store, handler=fails_on_first)

    assert tally.settled == {"acknowledge": 1, "release": 1}
    assert receiver.settled[first.lock_token] == ("release", 60)
    recorded = {entry.id: entry for entry in await entries(store)}
    assert recorded["first"].reason == "the handler failed: ValueError"
    assert recorded["first"].delay_seconds == 60


async def test_the_last_permitted_delivery_is_rejected_with_the_reason() -> None:
    """
    Event Grid would dead-letter it without a reason.
    """

    async def raises(event: ModerationEvent) -> Disposition:
        raise ValueError("boom")

    last, store = a_delivery(count=10), Store()
    receiver = InMemoryReceiver([last])

    await run(receiver, store, handler=raises)

    assert receiver.settled[last.lock_token] == ("reject", 0)
    [entry] = await entries(store)
    assert entry.reason == "gave up after 10 deliveries: the handler failed: ValueError"


async def test_dispositions_and_delays_are_settled_apart() -> None:
    """
    One call for each disposition and delay, each with its own tokens.
    """
    answers: dict[str, Disposition] = {
        "a": Acknowledge(Verdict.APPROVED),
        "b": Reject("no"),
        "c": Release("later", ReleaseDelay.TEN_MINUTES),
        "d": Release("at once", ReleaseDelay.NONE),
    }

    async def as_told(event: ModerationEvent) -> Disposition:
        return answers[event.id]

    deliveries = {name: a_delivery(an_event(id=name)) for name in answers}
    receiver = InMemoryReceiver(list(deliveries.values()))

    await run(receiver, handler=as_told)

    settled = {
        name: receiver.settled[one.lock_token] for name, one in deliveries.items()
    }
    assert settled == {
        "a": ("acknowledge", 0),
        "b": ("reject", 0),
        "c": ("release", 600),
        "d": ("release", 0),
    }


async def test_nothing_is_received_while_nothing_can_be_recorded() -> None:
    """
    An outage of the store does not use up deliveries.
    """
    receiver, store = InMemoryReceiver([a_delivery()]), Store()
    store.opens = False

    tally = await run(receiver, store)

    assert tally.stopped == "failed"
    assert tally.error == "storage does not answer"
    assert receiver.waits == []


async def test_nothing_is_settled_as_done_that_was_not_recorded() -> None:
    """
    What was in hand when the store failed goes back for a minute.
    """
    receiver, store = InMemoryReceiver([a_delivery()], [a_delivery()]), Store()
    store.appends = False

    tally = await run(receiver, store)

    assert list(receiver.settled.values()) == [("release", 60)]
    assert len(receiver.waits) == 1
    assert tally.stopped == "failed"
    assert tally.settled == {}


async def test_store_and_event_grid_both_down_leave_the_locks_to_expire() -> None:
    """
    There is nothing left to do but to say so.
    """
    receiver, store = InMemoryReceiver([a_delivery()]), Store()
    store.appends = False
    receiver.fails.add("release")

    tally = await run(receiver, store)

    assert (tally.stopped, receiver.settled) == ("failed", {})


async def test_the_entry_is_durable_before_the_event_is_settled() -> None:
    """
    A crash between the two costs a second delivery, never the record.
    """
    receiver, store = InMemoryReceiver([a_delivery()]), Store()
    settled_at_append: list[int] = []
    store.before_append = lambda: settled_at_append.append(len(receiver.settled))

    await run(receiver, store)

    assert settled_at_append == [0]
    assert len(receiver.settled) == 1


async def test_a_lost_lock_is_counted_and_does_not_end_the_drain() -> None:
    """
    The next delivery of that event overrules the entry.
    """
    lost, kept = a_delivery(), a_delivery()
    receiver = InMemoryReceiver([lost, kept], [a_delivery()])
    receiver.lost.add(lost.lock_token)

    tally = await run(receiver)

    assert tally.settled == {"acknowledge": 2}
    assert tally.failed == {"TokenLost": 1}
    assert (tally.stopped, tally.summary.failed) == ("empty", {"TokenLost": 1})
    assert [outcome.failed for outcome in tally.outcomes] == ["TokenLost", None, None]


async def test_a_settlement_without_an_answer_ends_the_drain_after_the_others() -> None:
    """
    Reject is still sent when acknowledge fails; the rest comes again.
    """
    good, bad = a_delivery(), a_delivery(b"{}")
    receiver = InMemoryReceiver([good, bad], [a_delivery()])
    receiver.fails.add("acknowledge")

    tally = await run(receiver)

    assert tally.stopped == "failed"
    assert tally.error == "acknowledge: Event Grid does not answer"
    assert receiver.settled == {bad.lock_token: ("reject", 0)}
    assert tally.failed == {"Unanswered": 1}
    assert len(receiver.waits) == 1


async def test_a_receive_that_fails_ends_the_drain_with_its_reason() -> None:
    """
    The tick says what to look at.
    """
    receiver = InMemoryReceiver()
    receiver.fails.add("receive")

    tally = await run(receiver)

    assert tally.error == "receive: Event Grid does not answer"


async def test_a_receive_is_begun_as_long_as_there_is_budget() -> None:
    """
    It waits 10 seconds at least, which Event Grid asks for.
    """
    receiver = InMemoryReceiver([a_delivery()], [a_delivery()])

    tally = await run(receiver, time_left=Budget(25, each=8), until_empty=False)

    assert receiver.waits == [20, 17, 10, 10]
    assert tally.stopped == "budget"


async def test_a_patient_drain_goes_on_after_an_empty_receive() -> None:
    """
    With budget left, one long poll is kept open.
    """
    receiver = InMemoryReceiver([], [a_delivery()])

    tally = await run(receiver, time_left=Budget(45, each=15), until_empty=False)

    assert receiver.waits == [20, 20, 15]
    assert tally.settled == {"acknowledge": 1}


async def test_a_drain_that_is_told_to_end_takes_nothing_more() -> None:
    """
    Inspect does not wait for the queue to be empty.
    """
    receiver = InMemoryReceiver([a_delivery()], [a_delivery()])
    ending = asyncio.Event()

    tally = await run(receiver, on_settled=lambda _: ending.set(), ending=ending)

    assert tally.stopped == "ended"
    assert len(receiver.settled) == 1


async def test_handlers_of_a_batch_work_side_by_side() -> None:
    """
    A batch takes as long as its slowest handler, not as all of them together.
    """
    arrived = asyncio.Barrier(5)

    async def meets_the_others(event: ModerationEvent) -> Disposition:
        await arrived.wait()
        return Acknowledge(Verdict.APPROVED)

    receiver = InMemoryReceiver([a_delivery() for _ in range(5)])

    async with asyncio.timeout(5):
        tally = await run(receiver, handler=meets_the_others)

    assert tally.settled == {"acknowledge": 5}


async def test_the_summary_has_what_charts_need() -> None:
    """
    Counts by disposition and type, and the queue delay.
    """
    receiver = InMemoryReceiver([a_delivery(), a_delivery(b"{}"), a_delivery(count=2)])

    summary = (await run(receiver)).summary

    assert summary.received == 3
    assert summary.dispositions == {"acknowledge": 2, "reject": 1}
    assert summary.types == {FLAGGED: 2, "": 1}
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
    tally = DrainResult("sub-flagged")
    delivery = a_delivery({name: v for name, v in event.items() if v is not None})

    tally.measure_waiting([delivery], NOW, timedelta(days=1))

    assert told(tally.summary.waited) == waited
    assert told(tally.summary.queue_delay) == claimed


def told(spread: Spread) -> list[float]:
    return [spread.max] if spread.count else []


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

    tally = await run(receiver)

    assert tally.settled == {"acknowledge": 1}
    assert tally.summary.waited.count == 0


async def test_logs_never_hold_event_data(caplog: pytest.LogCaptureFixture) -> None:
    """
    The content is private; the reason for a look is not.
    """
    data = an_event()["data"] | {"contentId": "secret-1", "category": "safe"}
    receiver = InMemoryReceiver([a_delivery(an_event(data))])

    await run(receiver)

    assert "contradiction" in caplog.text
    assert "secret-1" not in caplog.text
