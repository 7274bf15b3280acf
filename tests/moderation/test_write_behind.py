"""Who published is written behind the answer: soon, seldom, and not lost with a fault."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from eventgrid_pull.blob.append_log import InMemoryAppendLog, StoreUnavailable, stamp
from moderation.audit import actions, write_behind
from moderation.audit.actions import ActionLog
from moderation.audit.write_behind import PAUSE, WriteBehind
from moderation.event_key import EventKey
from tests.make import NOW, minutes
from tests.virtual_time import in_virtual_time, now


class Log(InMemoryAppendLog):
    """An append log that remembers when it was written to, and can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.began = now()
        self.times: list[float] = []
        self.away = False

    async def append(self, name: str, now_: datetime, lines: bytes) -> None:
        self.times.append(round(now() - self.began, 3))
        if self.away:
            raise StoreUnavailable("storage does not answer")
        await super().append(name, now_, lines)

    async def kept(self) -> list[dict[str, Any]]:
        """What is on record, oldest first."""
        around = {"since": NOW - minutes(90), "until": NOW + minutes(90)}
        found = [line async for line in self.newest("actions", **around)]
        return [msgspec.json.decode(line) for line in reversed(found)]

    async def ids(self) -> list[str]:
        return [event_id for line in await self.kept() for event_id in line["ids"]]


class Desk:
    """Somebody publishes; `clock` is what the app takes for the time."""

    def __init__(self) -> None:
        self.log = Log()
        self.clock = NOW
        self.behind = WriteBehind(ActionLog(self.log), lambda: self.clock)

    def publishes(self, event_id: str, at: datetime = NOW) -> None:
        key = EventKey("/tests", event_id)
        line = actions.publish_action("ann", "oid", at, stamped=NOW, events=[key])
        self.behind.add(line, at)


@in_virtual_time
async def test_what_is_published_within_a_second_is_one_append() -> None:
    """The first is written at once, and the others with the next."""
    desk = Desk()

    for number in range(25):
        desk.publishes(str(number), NOW + timedelta(seconds=number / 10))
        await asyncio.sleep(0.1)
    await asyncio.sleep(PAUSE)

    assert desk.log.times == [0.0, 1.0, 2.0, 3.0]
    assert await desk.log.ids() == [str(number) for number in range(25)]
    assert desk.behind.problem() is None


@in_virtual_time
async def test_a_line_says_who_and_which_event_and_what_the_event_says() -> None:
    """That is what proves the attributes of the event."""
    desk = Desk()

    desk.publishes("1" * 1000)
    await desk.behind.flush(1)

    [line] = await desk.log.kept()
    assert (line["action"], line["by"], line["at"]) == ("publish", "ann", stamp(NOW))
    assert (line["ids"], line["sources"]) == (["1" * 512], ["/tests"])
    assert (line["identity"], line["stamped"]) == ("oid", stamp(NOW))


@in_virtual_time
async def test_lines_keep_their_moments_though_a_clock_went_back() -> None:
    """The log is in the order of time."""
    desk = Desk()
    desk.publishes("0")
    await asyncio.sleep(0.1)

    for number in (3, 1, 2):
        desk.publishes(str(number), NOW + timedelta(seconds=number / 10))
    await desk.behind.flush(1)

    assert await desk.log.ids() == ["0", "1", "2", "3"]
    seconds = [
        datetime.fromisoformat(line["at"]) - NOW for line in await desk.log.kept()
    ]
    assert seconds == [timedelta(seconds=number / 10) for number in range(4)]


@in_virtual_time
async def test_each_hour_gets_its_own_append() -> None:
    """A line is looked for in the hour of its moment."""
    desk = Desk()
    ends = NOW.replace(minute=59, second=59)
    desk.publishes("0", ends)
    await asyncio.sleep(0.1)

    desk.publishes("1", ends + timedelta(seconds=2))
    desk.publishes("2", ends)
    await asyncio.sleep(3 * PAUSE)

    assert await desk.log.ids() == ["0", "2", "1"]
    assert desk.log.times == [0.0, 1.0, 2.0]


@in_virtual_time
async def test_while_storage_is_away_lines_wait_and_are_tried_ever_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Health says so, with since when, until they are written; the log says it once an outage."""
    desk = Desk()
    desk.log.away = True

    desk.publishes("1")
    await asyncio.sleep(10)
    desk.publishes("2", NOW + timedelta(seconds=10))
    problem = desk.behind.problem()
    desk.log.away = False
    await asyncio.sleep(5.5)
    soon = desk.behind.problem()
    desk.publishes("3", NOW + timedelta(seconds=16))
    await asyncio.sleep(1)
    desk.log.away = True
    desk.publishes("4", NOW + timedelta(seconds=17))
    await asyncio.sleep(2)

    assert problem is not None
    assert f"since {stamp(NOW)}, 2 times" in problem
    assert "storage does not answer" in problem
    assert desk.log.times == [0.0, 1.0, 3.0, 7.0, 15.0, 16.0, 17.0, 18.0]
    assert await desk.log.ids() == ["1", "2", "3"]
    assert soon is None
    assert caplog.text.count("not noted yet") == 2


@in_virtual_time
async def test_what_waits_is_bounded_and_what_is_lost_is_reported_for_an_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An outage of days does not fill the memory; the oldest lines are kept."""
    monkeypatch.setattr(write_behind, "MOST_BYTES", 1_000)
    desk = Desk()
    desk.log.away = True

    for number in range(100):
        desk.publishes(str(number))
    await asyncio.sleep(1)
    desk.log.away = False
    await asyncio.sleep(60)
    kept = await desk.log.ids()

    assert kept == [str(number) for number in range(len(kept))]
    assert 0 < len(kept) < 10
    assert desk.behind.problem() == f"who published {100 - len(kept)} times is lost"
    desk.clock += minutes(61)
    desk.publishes("later")
    await desk.behind.flush(1)
    assert desk.behind.problem() is None
    assert await desk.log.ids() == [*kept, "later"]


@in_virtual_time
async def test_told_to_stop_what_waits_is_written_now() -> None:
    """And so is what comes after, from a call that was at work."""
    desk = Desk()
    desk.publishes("1")
    await asyncio.sleep(0.1)
    desk.publishes("2")

    await desk.behind.flush(2)
    desk.publishes("3")
    await desk.behind.flush(2)

    assert desk.log.times == [0.0, 0.1, 0.1]
    assert await desk.log.ids() == ["1", "2", "3"]


@in_virtual_time
async def test_a_stop_does_not_wait_for_storage_that_is_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is lost is said; the events say themselves who published them."""
    desk = Desk()
    desk.log.away = True
    desk.publishes("1")
    desk.publishes("2")

    began = now()
    await desk.behind.flush(2)

    assert now() - began < 2
    assert "who published 2 times was not noted" in caplog.text
