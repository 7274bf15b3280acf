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


class Story:
    """An audit log in which one event's life is written."""

    def __init__(self, event_id: str = "event-1", published: float = DAY) -> None:
        self.log = Log()
        self.id = event_id
        time = stamp(NOW - minutes(published))
        self.event = an_event(id=event_id, time=time) | {ATTRIBUTE: time}

    async def deliver(
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

    async def act_by_hand(self, verb: str, ago: float, by: str = "ann") -> None:
        now = NOW - minutes(ago)
        action = actions.action(
            verb,
            by,
            now,
            events=[EventKey("/tests", "another"), EventKey("/tests", self.id)],
        )
        await ActionLog(self.log).note(action, now)

    async def look_for(
        self, search: Search, time_left: Callable[[], float] = lambda: 5.0
    ) -> tuple[History, Search]:
        log = AuditLog(self.log)
        found = await event_history.find(
            log, NAMES, search, expects=lambda raw: TAKES, time_left=time_left
        )
        return found, search


def deliveries(found: History) -> list[tuple[str, int]]:
    return [(entry.subscription, entry.delivery_count) for entry in found.entries]


async def test_with_its_time_a_search_ends_when_everyone_is_done() -> None:
    """The day after it is not looked through."""
    story = Story(published=DAY)
    await story.deliver("sub-all-events", DAY - 1)
    await story.deliver("sub-flagged", DAY - 1, Release("boom"))
    await story.deliver("sub-flagged", DAY - 3, count=2)

    found, search = await story.look_for(
        history_search.begin(story.id, NOW - minutes(DAY), NOW)
    )

    assert deliveries(found) == [
        ("sub-flagged", 1),
        ("sub-all-events", 1),
        ("sub-flagged", 2),
    ]
    assert search.is_over
    assert max(until for _, until in story.log.searched) < NOW - minutes(DAY - 30)
    assert min(since for since, _ in story.log.searched) >= NOW - minutes(DAY + 2)


async def test_a_time_in_the_middle_of_its_life_is_near_enough() -> None:
    """A link may carry the time of any of its entries."""
    story = Story(published=DAY)
    await story.deliver("sub-all-events", DAY - 1)
    await story.deliver("sub-flagged", DAY - 1, Release("boom"))
    await story.deliver("sub-flagged", DAY - 300, count=2)

    search = history_search.begin(story.id, NOW - minutes(DAY - 300), NOW)
    found, search = await story.look_for(search)

    assert len(found.entries) == 3
    assert search.is_over
    assert min(since for since, _ in story.log.searched) >= NOW - minutes(DAY + 2)


@pytest.mark.parametrize("claims", [30, DAY - 100, 40 * DAY, -10])
async def test_a_publishers_time_is_no_bound(claims: float) -> None:
    """
    A clock that is wrong hides no delivery; so long ago nothing can have been published.
    """
    story = Story()
    story.event = an_event(id=story.id, time=stamp(NOW - minutes(claims)))
    await story.deliver("sub-flagged", DAY - 1, Release("boom"))
    await story.deliver("sub-flagged", 20, count=2)

    found, search = await story.look_for(
        history_search.begin(story.id, None, NOW, source="/tests")
    )

    assert deliveries(found) == [("sub-flagged", 1), ("sub-flagged", 2)]
    assert search.is_over
    assert search.is_claim
    oldest = min(since for since, _ in story.log.searched)
    assert oldest >= NOW - minutes(20) - LONGEST_LIFE


@pytest.mark.parametrize(
    "word", ["acknowledge", "sub-flagged", "violence", "publish", "ann"]
)
async def test_a_word_that_every_line_has_is_no_id(word: str) -> None:
    """Whoever looks for it does not have the whole log brought into memory."""
    story = Story()
    await story.deliver("sub-flagged", 1)
    await story.act_by_hand("publish", 1)

    found, search = await story.look_for(history_search.begin(word, None, NOW))

    assert (found.entries, found.actions, search.is_over) == ([], [], True)
    assert story.log.brought == 0


async def test_a_publisher_that_knows_one_id_is_not_loaded_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next answer goes on where this one ended, until all were told."""
    monkeypatch.setattr(event_history, "MOST_STEPS", 10)
    story = Story(published=60)
    for ago in range(60):
        await story.deliver("sub-flagged", ago, count=ago + 1)
    search = history_search.begin(story.id, None, NOW)

    counts = [len((await story.look_for(search))[0].entries)]
    while not search.is_over:
        counts.append(len((await story.look_for(search))[0].entries))

    assert max(counts) < 30
    assert sum(counts) == 60


async def test_an_id_that_is_a_uuid_of_version_7_has_the_time_in_itself() -> None:
    """The ids that this app makes are found without a time."""
    published = NOW - minutes(DAY)
    milliseconds = int(published.timestamp() * 1000)
    digits = f"{milliseconds:012x}"
    story = Story(f"{digits[:8]}-{digits[8:]}-701c-b1b1-85d26e4c25cb")
    await story.deliver("sub-all-events", DAY - 1)
    await story.deliver("sub-flagged", DAY - 1)

    found, search = await story.look_for(history_search.begin(story.id, None, NOW))

    assert (len(found.entries), search.is_over) == (2, True)
    assert max(until for _, until in story.log.searched) < NOW - minutes(DAY - 30)


async def test_without_a_time_the_newest_is_looked_at_first() -> None:
    """What is found says how far back there may be more."""
    story = Story(published=3 * DAY)
    await story.deliver("sub-flagged", 3 * DAY - 1, Release("boom"))
    await story.deliver("sub-all-events", 3 * DAY - 1)
    await story.deliver("sub-flagged", 2 * DAY, count=2)

    found, search = await story.look_for(
        history_search.begin(story.id, None, NOW, source="/tests")
    )

    assert len(found.entries) == 3
    assert search.is_over
    times = [until for _, until in story.log.searched]
    assert times == sorted(times, reverse=True)
    assert search.since >= NOW - minutes(5 * DAY)


@pytest.mark.parametrize("stamped", [True, False])
async def test_a_redrive_says_nothing_of_when_an_event_came(stamped: bool) -> None:
    """A dead letter may lie for weeks before somebody has it handled again."""
    story = Story(published=25 * DAY)
    if not stamped:
        del story.event[ATTRIBUTE]
    await story.deliver("sub-flagged", 25 * DAY - 1)
    await story.deliver("sub-flagged", 5, count=2, redrive=DeadLetterRef("blob", 0))

    search = history_search.begin(story.id, None, NOW, source="/tests")
    found, _ = await story.look_for(search)

    assert deliveries(found) == [("sub-flagged", 1), ("sub-flagged", 2)]
    assert search.is_claim is not stamped


async def test_a_wrong_time_does_not_hide_an_event() -> None:
    """After it nothing is found; then what is before it is searched."""
    story = Story("018f0000-0000-7000-8000-000000000000", published=5 * DAY)
    await story.deliver("sub-flagged", 5 * DAY - 1)

    found, search = await story.look_for(
        history_search.begin(story.id, NOW - minutes(60), NOW)
    )

    assert (len(found.entries), search.is_over) == (1, True)


async def test_what_was_done_by_hand_is_part_of_a_life() -> None:
    """Who published it, who peeked at it; not what was done to others."""
    story = Story(published=60)
    await story.act_by_hand("publish", 60)
    await story.deliver("sub-flagged", 59)
    await story.act_by_hand("peek", 58, by="bob")
    other = actions.action(
        "peek", "eve", NOW, events=[EventKey("/tests", "x")], detail=story.id
    )
    await ActionLog(story.log).note(other, NOW)

    found, _ = await story.look_for(history_search.begin(story.id, None, NOW))

    assert [(action.action, action.by) for action in found.actions] == [
        ("publish", "ann"),
        ("peek", "bob"),
    ]


async def test_a_line_of_somebody_else_is_no_part_of_a_life() -> None:
    """Though it names the event: nothing else is known of it."""
    story = Story(published=60)
    at = stamp(NOW - minutes(58))
    await story.log.append(
        "sub-flagged",
        NOW - minutes(58),
        f'{{"at":"{at}","id":"{story.id}"}}\n'.encode(),
    )
    await story.deliver("sub-flagged", 59)

    found, _ = await story.look_for(history_search.begin(story.id, None, NOW))

    assert (len(found.entries), found.actions) == (1, [])


@pytest.mark.parametrize(
    "event_id", ['"', "\\", "\n", "é", "x" * 64_000, "sub-flagged"]
)
async def test_an_id_may_be_anything(event_id: str) -> None:
    """Ids are whatever a publisher chose."""
    story = Story(event_id, published=60)
    await story.deliver("sub-flagged", 59)

    found, _ = await story.look_for(history_search.begin(story.id, None, NOW))

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
        story = Story(published=9001)
        if not has_time:
            del story.event["time"]
        for count, ago in enumerate(sorted(ages, reverse=True), 1):
            await story.deliver("sub-flagged", ago, Release("again"), count)
        when = None if at is None else NOW - minutes(at)

        search, found = history_search.begin(story.id, when, NOW), []
        for _ in range(20_000):
            got, _ = await story.look_for(search, Budget(1.0, each=each))
            found += deliveries(got)
            if search.is_over:
                break

        assert search.is_over
        wanted = {("sub-flagged", count) for count in range(1, len(ages) + 1)}
        assert set(found) == wanted

    asyncio.run(run())
