"""One event's life is found whole, however it is looked for and however often that stops."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventgrid_pull.blob.append_log import InMemoryAppendLog, stamp
from eventgrid_pull.outcomes import Acknowledge, Disposition, Release
from eventgrid_pull.publishing.publish_stamp import ATTRIBUTE, LONGEST_LIFE
from moderation.audit import actions, event_history, history_search
from moderation.audit import entry as audit_entry
from moderation.audit.actions import ActionLog
from moderation.audit.entry import DeadLetterRef
from moderation.audit.event_history import History
from moderation.audit.history_search import Search
from moderation.audit.log import AuditLog
from moderation.event_key import EventKey
from moderation.events import Verdict
from tests.make import NOW, Budget, a_delivery, an_event, minutes

NAMES = ["sub-flagged", "sub-approved", "sub-all-events"]
TAKES = ["sub-flagged", "sub-all-events"]
DONE = Acknowledge(Verdict.QUARANTINED)
DAY = 24 * 60


class Log(InMemoryAppendLog):
    """Remembers the times that were searched."""

    def __init__(self) -> None:
        super().__init__()
        self.searched: list[tuple[datetime, datetime]] = []
        self.brought = 0

    async def search(
        self, name: str, needle: bytes, *, since: datetime, until: datetime
    ) -> list[bytes]:
        if name == NAMES[0]:
            self.searched.append((since, until))
        found = await super().search(name, needle, since=since, until=until)
        self.brought += len(found)
        return found


class Told:
    """An audit log in which one event's life is written."""

    def __init__(self, event_id: str = "event-1", published: float = DAY) -> None:
        self.log = Log()
        self.id = event_id
        time = stamp(NOW - minutes(published))
        self.event = an_event(id=event_id, time=time) | {ATTRIBUTE: time}

    async def delivered(
        self,
        name: str,
        ago: float,
        disposition: Disposition = DONE,
        count: int = 1,
        redrive: DeadLetterRef | None = None,
    ) -> None:
        now = NOW - minutes(ago)
        delivery = a_delivery(self.event, count)
        entry = audit_entry.entry(
            name, delivery, disposition, stamp(now), redrive=redrive
        )
        await AuditLog(self.log).record(name, [entry], now)

    async def done_by_hand(self, verb: str, ago: float, by: str = "ann") -> None:
        now = NOW - minutes(ago)
        action = actions.action(
            verb,
            by,
            now,
            events=[EventKey("/tests", "another"), EventKey("/tests", self.id)],
        )
        await ActionLog(self.log).note(action, now)

    async def looked_for(
        self, search: Search, time_left: Callable[[], float] = lambda: 5.0
    ) -> tuple[History, Search]:
        log = AuditLog(self.log)
        found = await event_history.find(
            log, NAMES, search, expects=lambda raw: TAKES, time_left=time_left
        )
        return found, search


def told(found: History) -> list[tuple[str, int]]:
    return [(one.subscription, one.delivery_count) for one in found.entries]


async def test_with_its_time_a_search_ends_when_everyone_is_done() -> None:
    """The day after it is not looked through."""
    one = Told(published=DAY)
    await one.delivered("sub-all-events", DAY - 1)
    await one.delivered("sub-flagged", DAY - 1, Release("boom"))
    await one.delivered("sub-flagged", DAY - 3, count=2)

    found, search = await one.looked_for(
        history_search.begin(one.id, NOW - minutes(DAY), NOW)
    )

    assert told(found) == [
        ("sub-flagged", 1),
        ("sub-all-events", 1),
        ("sub-flagged", 2),
    ]
    assert search.is_over
    assert max(until for _, until in one.log.searched) < NOW - minutes(DAY - 30)
    assert min(since for since, _ in one.log.searched) >= NOW - minutes(DAY + 2)


async def test_a_time_in_the_middle_of_its_life_is_near_enough() -> None:
    """A link may carry the time of any of its entries."""
    one = Told(published=DAY)
    await one.delivered("sub-all-events", DAY - 1)
    await one.delivered("sub-flagged", DAY - 1, Release("boom"))
    await one.delivered("sub-flagged", DAY - 300, count=2)

    search = history_search.begin(one.id, NOW - minutes(DAY - 300), NOW)
    found, search = await one.looked_for(search)

    assert len(found.entries) == 3
    assert search.is_over
    assert min(since for since, _ in one.log.searched) >= NOW - minutes(DAY + 2)


@pytest.mark.parametrize("claims", [30, DAY - 100, 40 * DAY, -10])
async def test_a_publishers_time_is_no_bound(claims: float) -> None:
    """
    A clock that is wrong hides no delivery; so long ago nothing can have been published.
    """
    one = Told()
    one.event = an_event(id=one.id, time=stamp(NOW - minutes(claims)))
    await one.delivered("sub-flagged", DAY - 1, Release("boom"))
    await one.delivered("sub-flagged", 20, count=2)

    found, search = await one.looked_for(
        history_search.begin(one.id, None, NOW, source="/tests")
    )

    assert told(found) == [("sub-flagged", 1), ("sub-flagged", 2)]
    assert search.is_over
    assert search.is_claim
    oldest = min(since for since, _ in one.log.searched)
    assert oldest >= NOW - minutes(20) - LONGEST_LIFE


@pytest.mark.parametrize(
    "word", ["acknowledge", "sub-flagged", "violence", "publish", "ann"]
)
async def test_a_word_that_every_line_has_is_no_id(word: str) -> None:
    """Whoever looks for it does not have the whole log brought into memory."""
    one = Told()
    await one.delivered("sub-flagged", 1)
    await one.done_by_hand("publish", 1)

    found, search = await one.looked_for(history_search.begin(word, None, NOW))

    assert (found.entries, found.actions, search.is_over) == ([], [], True)
    assert one.log.brought == 0


async def test_a_publisher_that_knows_one_id_is_not_loaded_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next answer goes on where this one ended, until all were told."""
    monkeypatch.setattr(event_history, "MOST_STEPS", 10)
    one = Told(published=60)
    for ago in range(60):
        await one.delivered("sub-flagged", ago, count=ago + 1)
    search = history_search.begin(one.id, None, NOW)

    counts = [len((await one.looked_for(search))[0].entries)]
    while not search.is_over:
        counts.append(len((await one.looked_for(search))[0].entries))

    assert max(counts) < 30
    assert sum(counts) == 60


async def test_an_id_that_is_a_uuid_of_version_7_has_the_time_in_itself() -> None:
    """The ids that this app makes are found without a time."""
    published = NOW - minutes(DAY)
    milliseconds = int(published.timestamp() * 1000)
    digits = f"{milliseconds:012x}"
    one = Told(f"{digits[:8]}-{digits[8:]}-701c-b1b1-85d26e4c25cb")
    await one.delivered("sub-all-events", DAY - 1)
    await one.delivered("sub-flagged", DAY - 1)

    found, search = await one.looked_for(history_search.begin(one.id, None, NOW))

    assert (len(found.entries), search.is_over) == (2, True)
    assert max(until for _, until in one.log.searched) < NOW - minutes(DAY - 30)


async def test_without_a_time_the_newest_is_looked_at_first() -> None:
    """What is found says how far back there may be more."""
    one = Told(published=3 * DAY)
    await one.delivered("sub-flagged", 3 * DAY - 1, Release("boom"))
    await one.delivered("sub-all-events", 3 * DAY - 1)
    await one.delivered("sub-flagged", 2 * DAY, count=2)

    found, search = await one.looked_for(
        history_search.begin(one.id, None, NOW, source="/tests")
    )

    assert len(found.entries) == 3
    assert search.is_over
    times = [until for _, until in one.log.searched]
    assert times == sorted(times, reverse=True)
    assert search.since >= NOW - minutes(5 * DAY)


@pytest.mark.parametrize("stamped", [True, False])
async def test_a_redrive_says_nothing_of_when_an_event_came(stamped: bool) -> None:
    """A dead letter may lie for weeks before somebody has it handled again."""
    one = Told(published=25 * DAY)
    if not stamped:
        del one.event[ATTRIBUTE]
    await one.delivered("sub-flagged", 25 * DAY - 1)
    await one.delivered("sub-flagged", 5, count=2, redrive=DeadLetterRef("blob", 0))

    search = history_search.begin(one.id, None, NOW, source="/tests")
    found, _ = await one.looked_for(search)

    assert told(found) == [("sub-flagged", 1), ("sub-flagged", 2)]
    assert search.is_claim is not stamped


async def test_a_wrong_time_does_not_hide_an_event() -> None:
    """After it nothing is found; then what is before it is searched."""
    one = Told("018f0000-0000-7000-8000-000000000000", published=5 * DAY)
    await one.delivered("sub-flagged", 5 * DAY - 1)

    found, search = await one.looked_for(
        history_search.begin(one.id, NOW - minutes(60), NOW)
    )

    assert (len(found.entries), search.is_over) == (1, True)


async def test_what_was_done_by_hand_is_part_of_a_life() -> None:
    """Who published it, who peeked at it; not what was done to others."""
    one = Told(published=60)
    await one.done_by_hand("publish", 60)
    await one.delivered("sub-flagged", 59)
    await one.done_by_hand("peek", 58, by="bob")
    other = actions.action(
        "peek", "eve", NOW, events=[EventKey("/tests", "x")], detail=one.id
    )
    await ActionLog(one.log).note(other, NOW)

    found, _ = await one.looked_for(history_search.begin(one.id, None, NOW))

    assert [(it.action, it.by) for it in found.actions] == [
        ("publish", "ann"),
        ("peek", "bob"),
    ]


async def test_a_line_of_somebody_else_is_no_part_of_a_life() -> None:
    """Though it names the event: nothing else is known of it."""
    one = Told(published=60)
    at = stamp(NOW - minutes(58))
    await one.log.append(
        "sub-flagged", NOW - minutes(58), f'{{"at":"{at}","id":"{one.id}"}}\n'.encode()
    )
    await one.delivered("sub-flagged", 59)

    found, _ = await one.looked_for(history_search.begin(one.id, None, NOW))

    assert (len(found.entries), found.actions) == (1, [])


@pytest.mark.parametrize(
    "event_id", ['"', "\\", "\n", "é", "x" * 64_000, "sub-flagged"]
)
async def test_an_id_may_be_anything(event_id: str) -> None:
    """Ids are whatever a publisher chose."""
    one = Told(event_id, published=60)
    await one.delivered("sub-flagged", 59)

    found, _ = await one.looked_for(history_search.begin(one.id, None, NOW))

    assert len(found.entries) == 1


@given(
    ages=st.lists(st.sampled_from([1, 5, 59, 60, 61, 600, 1440, 9000]), max_size=6),
    at=st.sampled_from([None, 0, 60, 1440, 8999, 10_000]),
    has_time=st.booleans(),
    each=st.sampled_from([0.05, 0.1, 0.2]),
)
def test_a_search_that_stops_and_goes_on_finds_the_same(
    ages: list[int], at: int | None, has_time: bool, each: float
) -> None:
    """Each call may end after one look; together they find everything."""

    async def run() -> None:
        one = Told(published=9001)
        if not has_time:
            del one.event["time"]
        for count, ago in enumerate(sorted(ages, reverse=True), 1):
            await one.delivered("sub-flagged", ago, Release("again"), count)
        when = None if at is None else NOW - minutes(at)

        search, found = history_search.begin(one.id, when, NOW), []
        for _ in range(20_000):
            got, _ = await one.looked_for(search, Budget(1.0, each=each))
            found += told(got)
            if search.is_over:
                break

        assert search.is_over
        wanted = {("sub-flagged", count) for count in range(1, len(ages) + 1)}
        assert set(found) == wanted

    asyncio.run(run())
