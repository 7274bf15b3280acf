"""What was recorded is found again: newest first, filtered, each delivery once."""

import json
from typing import Any

import pytest

from moderation import audit
from moderation.appendlog import InMemoryAppendLog, stamp
from moderation.audit import AuditEntry, AuditLog, Query
from moderation.delivery import (
    Acknowledge,
    Delivery,
    Disposition,
    Reject,
    Release,
    ReleaseDelay,
    Verdict,
)
from tests.make import APPROVED, NOW, a_delivery, an_event, minutes

DONE = Acknowledge(Verdict.QUARANTINED)


async def record(
    log: AuditLog,
    delivery: Delivery,
    disposition: Disposition = DONE,
    *,
    subscription: str = "sub-flagged",
    ago: float = 0,
) -> AuditEntry:
    now = NOW - minutes(ago)
    entry = audit.entry(subscription, delivery, disposition, stamp(now))
    await log.record(subscription, [entry], now)
    return entry


async def find(log: AuditLog, **asked: Any) -> list[AuditEntry]:
    query: dict[str, Any] = {
        "since": NOW - minutes(24 * 60),
        "until": NOW,
        "subscriptions": ["sub-flagged", "sub-all-events"],
    }
    return (await log.find(Query(**(query | asked)))).entries


@pytest.fixture
def log() -> AuditLog:
    return AuditLog(InMemoryAppendLog())


@pytest.mark.parametrize(
    ("disposition", "words"),
    [
        (DONE, ("acknowledge", "quarantined", None, None)),
        (Release("later", ReleaseDelay(600)), ("release", None, "later", 600)),
        (Reject("never"), ("reject", None, "never", None)),
    ],
)
def test_an_entry_says_what_was_decided_and_why(
    disposition: Disposition, words: tuple[str | int | None, ...]
) -> None:
    """
    Disposition, verdict, reason and delay are on record.
    """
    entry = audit.entry("sub-flagged", a_delivery(count=3), disposition, stamp(NOW))

    assert words == (
        entry.disposition,
        entry.verdict,
        entry.reason,
        entry.delay_seconds,
    )
    assert (entry.id, entry.content_id, entry.delivery_count) == ("event-1", "doc-1", 3)
    assert entry.at == "2026-11-23T10:30:00.000000Z"


def test_the_event_is_kept_as_it_came() -> None:
    """
    Key order and number spelling survive; only line breaks between tokens do not.
    """
    raw = b'{"z": 1.50,\n "a": "x\\n"}'

    entry = audit.entry("sub-flagged", a_delivery(raw), DONE, stamp(NOW))

    assert bytes(entry.event) == b'{"z": 1.50,  "a": "x\\n"}'


async def test_an_event_that_is_not_utf_8_is_kept_as_text(log: AuditLog) -> None:
    """
    One such event must not make the log unreadable.
    """
    await record(log, a_delivery(b'{"id": "\xff"}'))

    [entry] = await find(log)

    assert json.loads(bytes(entry.event)) == '{"id": "�"}'


async def test_the_newest_entry_comes_first_over_all_event_subscriptions(
    log: AuditLog,
) -> None:
    """
    Hours and event subscriptions are merged by time.
    """
    for ago in (90, 61, 30, 0):
        await record(log, a_delivery(an_event(id=f"f-{ago}")), ago=ago)
    await record(
        log, a_delivery(an_event(id="a-45")), subscription="sub-all-events", ago=45
    )

    assert [entry.id for entry in await find(log)] == [
        "f-0",
        "f-30",
        "a-45",
        "f-61",
        "f-90",
    ]


async def test_the_limit_and_the_beginning_are_kept(log: AuditLog) -> None:
    """
    An answer is bounded in number and in time.
    """
    for ago in (30, 20, 10, 0):
        await record(log, a_delivery(an_event(id=f"f-{ago}")), ago=ago)

    assert [one.id for one in await find(log, limit=2)] == ["f-0", "f-10"]
    recent = await find(log, since=NOW - minutes(15))
    assert [one.id for one in recent] == ["f-0", "f-10"]


async def test_entries_are_found_by_disposition_type_and_id(log: AuditLog) -> None:
    """
    The type may be given with or without its prefix.
    """
    await record(log, a_delivery(an_event(id="1")), Reject("no"))
    await record(log, a_delivery(an_event(id="2", type=APPROVED)))

    assert [one.id for one in await find(log, disposition="reject")] == ["1"]
    assert [one.id for one in await find(log, type=APPROVED)] == ["2"]
    assert [one.id for one in await find(log, type="ContentApproved")] == ["2"]
    assert [one.id for one in await find(log, id="1")] == ["1"]
    assert await find(log, id='"') == []


async def test_one_event_has_its_life_over_all_deliveries(log: AuditLog) -> None:
    """
    Every delivery is told, on each event subscription.
    """
    await record(log, a_delivery(count=1), Release("boom", ReleaseDelay(10)), ago=2)
    await record(log, a_delivery(count=2), ago=1)
    await record(log, a_delivery(), subscription="sub-all-events", ago=2)

    life = await find(log, id="event-1")

    assert [(one.subscription, one.delivery_count) for one in life] == [
        ("sub-flagged", 2),
        ("sub-flagged", 1),
        ("sub-all-events", 1),
    ]


async def test_an_append_that_was_repeated_counts_once(log: AuditLog) -> None:
    """
    A lost answer makes the client append the same lines again.
    """
    delivery = a_delivery()
    await record(log, delivery)
    await record(log, delivery)

    assert len(await find(log)) == 1


async def test_a_search_ends_when_its_time_does(log: AuditLog) -> None:
    """
    What was found so far is answered, and that there may be more.
    """
    for n in range(5):
        await record(log, a_delivery(an_event(id=str(n))))
    query = Query(since=NOW - minutes(9), until=NOW, subscriptions=["sub-flagged"])

    whole = await log.find(query)
    cut = await log.find(query, time_left=iter([9.0, 9.0, 0.0]).__next__)

    assert (len(whole.entries), whole.complete) == (5, True)
    assert (len(cut.entries), cut.complete) == (3, False)


async def test_a_line_that_is_no_entry_is_passed_over(log: AuditLog) -> None:
    """
    Someone may have put a line of their own there.
    """
    store = InMemoryAppendLog()
    await store.append("sub-flagged", NOW, b'{"at":"2026-11-23T10:30:00.000000Z"}\n')
    await record(AuditLog(store), a_delivery())

    assert len(await find(AuditLog(store))) == 1
