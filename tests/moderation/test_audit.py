"""What was recorded is found again: newest first, filtered, each delivery once."""

import json
from typing import Any

import msgspec
import pytest

from eventgrid_pull import DrainSummary
from eventgrid_pull.blob.append_log import InMemoryAppendLog, StoreUnavailable, stamp
from eventgrid_pull.event import Delivery
from eventgrid_pull.events.cloudevents import Problem
from eventgrid_pull.outcomes import (
    Acknowledge,
    Disposition,
    Reject,
    Release,
    ReleaseDelay,
)
from moderation.activity.log import ActivityLog
from moderation.audit import entry as audit_entry
from moderation.audit.entry import AuditEntry, DeadLetterRef
from moderation.audit.log import AuditLog, Query
from moderation.audit.recorder import Recording
from moderation.events import Verdict
from moderation.settings import SettingsInvalid
from tests.make import APPROVED, NOW, a_delivery, a_result, an_event, minutes

DONE = Acknowledge(Verdict.QUARANTINED)
HOSTILE = [
    *("'\"--", "a\nb\r\tc", "\x00\x1b", "\u202egpj.exe", "<b>&amp;</b>", "\\u0041"),
    *("{}", '","id":"', "é ü ß", "%00", "../../..", "x" * 64_000),
]


async def record(
    log: AuditLog,
    delivery: Delivery,
    disposition: Disposition = DONE,
    *,
    subscription: str = "sub-flagged",
    ago: float = 0,
) -> AuditEntry:
    now = NOW - minutes(ago)
    entry = audit_entry.entry(subscription, delivery, disposition, stamp(now))
    await log.record(subscription, [entry], now)
    return entry


def a_query(**asked: Any) -> Query:
    query: dict[str, Any] = {
        "since": NOW - minutes(24 * 60),
        "until": NOW,
        "subscriptions": ["sub-flagged", "sub-all-events"],
    }
    return Query(**(query | asked))


async def find(log: AuditLog, **asked: Any) -> list[AuditEntry]:
    return (await log.find(a_query(**asked))).entries


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
    """Disposition, verdict, reason and delay are on record."""
    entry = audit_entry.entry(
        "sub-flagged", a_delivery(count=3), disposition, stamp(NOW)
    )

    assert words == (
        entry.disposition,
        entry.verdict,
        entry.reason,
        entry.delay_seconds,
    )
    assert (entry.id, entry.content_id, entry.delivery_count) == ("event-1", "doc-1", 3)
    assert entry.at == "2026-11-23T10:30:00.000000Z"


def test_the_event_is_kept_as_it_came() -> None:
    """Key order and number spelling survive; only line breaks between tokens do not."""
    raw = b'{"z": 1.50,\n "a": "x\\n"}'

    entry = audit_entry.entry("sub-flagged", a_delivery(raw), DONE, stamp(NOW))

    assert bytes(entry.event) == b'{"z": 1.50,  "a": "x\\n"}'


async def test_an_event_that_is_not_utf_8_is_kept_as_text(log: AuditLog) -> None:
    """One such event must not make the log unreadable."""
    await record(log, a_delivery(b'{"id": "\xff"}'))

    [entry] = await find(log)

    assert json.loads(bytes(entry.event)) == '{"id": "�"}'


async def test_the_newest_entry_comes_first_over_all_event_subscriptions(
    log: AuditLog,
) -> None:
    """Hours and event subscriptions are merged by time."""
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


async def test_entries_are_found_by_disposition_type_and_id(log: AuditLog) -> None:
    """The type may be given with or without its prefix."""
    await record(log, a_delivery(an_event(id="1")), Reject("no"))
    await record(log, a_delivery(an_event(id="2", type=APPROVED)))

    assert [entry.id for entry in await find(log, disposition="reject")] == ["1"]
    assert [entry.id for entry in await find(log, type=APPROVED)] == ["2"]
    assert [entry.id for entry in await find(log, type="ContentApproved")] == ["2"]
    assert [entry.id for entry in await find(log, id="1")] == ["1"]
    assert await find(log, id='"') == []


async def test_a_search_ends_when_its_time_does(log: AuditLog) -> None:
    """What was found so far is answered, and that there may be more."""
    for n in range(5):
        await record(log, a_delivery(an_event(id=str(n))))
    query = Query(since=NOW - minutes(9), until=NOW, subscriptions=["sub-flagged"])

    whole = await log.find(query)
    cut = await log.find(query, time_left=iter([9.0, 9.0, 0.0]).__next__)

    assert (len(whole.entries), whole.complete) == (5, True)
    assert (len(cut.entries), cut.complete) == (3, False)


async def test_a_line_that_is_no_entry_is_passed_over() -> None:
    """Someone may have put a line of their own there."""
    store = InMemoryAppendLog()
    for rest in (b"", b',"id":"\xff"', b',"x":' + b"[" * 9000):
        line = b'{"at":"2026-11-23T10:30:00.000000Z"%s}\n' % rest
        await store.append("sub-flagged", NOW, line)
    await record(AuditLog(store), a_delivery())

    assert len(await find(AuditLog(store))) == 1


async def test_a_category_and_what_is_said_are_looked_for(log: AuditLog) -> None:
    """The text is one of what an answer shows, in any case."""
    hate = a_result(category="hate", contentId="Img-77")
    await record(log, a_delivery(an_event(hate, id="1")), Reject("Not a picture"))
    await record(log, a_delivery(an_event(id="2", subject="/content/secret")))

    assert [entry.id for entry in await find(log, category="hate")] == ["1"]
    assert await find(log, category="Hate") == []
    for text in ("img-77", "NOT A PIC", "text-moderator-v2 2.4.0", "sub-flag"):
        assert "1" in [entry.id for entry in await find(log, text=text)]
    assert await find(log, text="secret") == []
    shown = await find(log, text="secret", subjects=True)
    assert [entry.id for entry in shown] == ["2"]


async def test_the_data_of_an_event_is_not_searched(log: AuditLog) -> None:
    """Whoever may not see it must not find out what is in it."""
    result = a_result() | {"comment": "a word"}
    await record(log, a_delivery(an_event(result)))

    assert await find(log, text="a word", subjects=True) == []


async def test_an_end_is_kept_as_exactly_as_a_beginning(log: AuditLog) -> None:
    """Both ends belong to the time that is asked for."""
    for ago in (30, 20, 10, 0):
        await record(log, a_delivery(an_event(id=f"f-{ago}")), ago=ago)

    found = await find(log, since=NOW - minutes(20), until=NOW - minutes(10))

    assert [entry.id for entry in found] == ["f-10", "f-20"]


@pytest.mark.parametrize("event_id", HOSTILE)
async def test_an_event_is_found_by_any_id(log: AuditLog, event_id: str) -> None:
    """However its publisher wrote the id in JSON."""
    escaped = "".join(
        f"\\u{ord(character):04x}" for character in event_id if ord(character) < 0x10000
    )
    raw = json.dumps(an_event(id="ID")).replace("ID", escaped).encode()
    await record(log, a_delivery(raw), ago=60 * 24 * 20)
    await record(log, a_delivery(an_event(id=f"{event_id}.")))

    found = await find(log, id=event_id, since=NOW - minutes(60 * 24 * 30))

    assert [entry.id for entry in found] == [event_id]


async def test_a_search_for_an_id_goes_on_where_its_time_ended(log: AuditLog) -> None:
    """What was looked through is not looked through again."""
    await record(log, a_delivery(), ago=60 * 24 * 3)
    query = a_query(since=NOW - minutes(60 * 24 * 30), id="event-1")

    first = await log.find(query, time_left=lambda: 0.0)
    assert first.position is not None
    again = await log.find(msgspec.structs.replace(query, after=first.position))

    assert (first.entries, first.complete) == ([], False)
    assert NOW - minutes(5) < first.position.at < NOW
    assert [entry.id for entry in again.entries] == ["event-1"]


async def test_an_answer_ends_when_it_gets_large(log: AuditLog) -> None:
    """A thousand events of a megabyte each are not one answer."""
    large = a_result() | {"text": "x" * 1_000_000}
    for n in range(6):
        await record(log, a_delivery(an_event(large, id=str(n))), ago=10 - n)

    first = await log.find(a_query())
    rest = await log.find(a_query(after=first.position))

    assert [entry.id for entry in first.entries] == ["5", "4", "3", "2", "1"]
    assert ([entry.id for entry in rest.entries], rest.complete) == (["0"], True)


async def test_an_entry_says_who_settled_it_by_hand_and_what_was_redriven(
    log: AuditLog,
) -> None:
    """Of a drain's entries both are empty, and not in the line."""
    dead_letter = DeadLetterRef("ns/topic/sub/2026/11/23/10/a.json", 3)
    by_hand = audit_entry.entry(
        "sub-flagged", a_delivery(), DONE, stamp(NOW), by="key 1", redrive=dead_letter
    )
    await log.record("sub-flagged", [by_hand], NOW)

    [entry] = await find(log)

    assert (entry.by, entry.redrive) == ("key 1", dead_letter)
    drained = audit_entry.entry("sub-flagged", a_delivery(), DONE, stamp(NOW))
    assert b'"by"' not in msgspec.json.encode(drained)


async def test_two_redrives_of_one_event_are_two_entries(log: AuditLog) -> None:
    """Without a lock token, the moment tells them apart."""
    for ago in (1, 0):
        now = NOW - minutes(ago)
        delivery = msgspec.structs.replace(a_delivery(), lock_token="")
        entry = audit_entry.entry("sub-flagged", delivery, DONE, stamp(now))
        await log.record("sub-flagged", [entry], now)

    assert len(await find(log)) == 2


async def test_logs_that_no_setting_names_are_an_outage_with_the_settings_name() -> (
    None
):
    """A drain ends with one line that says what to set; nothing is received."""

    def unset() -> AuditLog:
        raise SettingsInvalid([Problem("AUDIT_STORAGE_ACCOUNT_URL", "is not set")])

    def unset_activity() -> ActivityLog:
        raise SettingsInvalid([])

    recording = Recording(unset, unset_activity, lambda: NOW)

    with pytest.raises(StoreUnavailable, match="AUDIT_STORAGE_ACCOUNT_URL is not set"):
        await recording.open("sub-flagged")
    await recording.note(DrainSummary(at="", subscription="sub-flagged"))
