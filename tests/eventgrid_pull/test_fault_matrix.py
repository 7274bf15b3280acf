"""Each fault of the emulator in each phase of the consumer, and what comes of it.

The table says in words what to expect; `OUTCOMES` says what the words mean. Each story
ends alike: the fault is over, locks and delays have passed, the next drain settles what
is left, and then nothing is lost, and nothing is settled that is not on record.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from eventgrid_emulator.operations.faults import APPLIES_TO, Fault, Kind
from eventgrid_emulator.operations.query_parameters import Operation
from eventgrid_pull.draining.decide import Handler
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.outcomes import Disposition, Reject, Release, ReleaseDelay
from eventgrid_pull.publishing import publish
from eventgrid_pull.wire import http_retry
from tests.eventgrid_emulator.wire import until
from tests.eventgrid_pull.fault_stand import EVENTS, Doing, Stand, standing
from tests.eventgrid_pull.orders import DONE, NOW, PaidEvent, an_event, keep

pytestmark = pytest.mark.contract

LATER = Release("not yet", ReleaseDelay.TEN_SECONDS)
NEVER = Reject("against the rules")


@dataclass(frozen=True)
class Expected:
    """What the first drain tells, and with which delivery count events come again."""

    settled: int = EVENTS
    failed: dict[str, int] = field(default_factory=dict)
    ends: str | None = None
    again: int | None = None
    entries: int = EVENTS


ALL = EVENTS
HALF = EVENTS // 2
OUTCOMES = {
    "settled at the first delivery": Expected(),
    "taken for nothing once, settled at the second delivery": Expected(),
    "ends with the reason; nothing is taken, so no delivery is used up": Expected(
        settled=0, ends="A fault was switched on", again=1, entries=0
    ),
    "one is rejected with the reason, its neighbours are settled": Expected(),
    "ends with the reason; on record, not settled, comes again": Expected(
        settled=0, failed={"Unanswered": ALL}, ends="A fault was switched on", again=2
    ),
    "settled, though the repeated call finds the tokens used": Expected(
        settled=0, failed={"TokenLost": ALL}
    ),
    "not settled: the code is counted, and all come again": Expected(
        settled=0, failed={"InternalServerError": ALL}, again=2
    ),
    "some are settled; the code of the others is counted, and they come again": (
        Expected(settled=HALF, failed={"InternalServerError": HALF}, again=2)
    ),
    "not settled: someone else may have it, it comes again": Expected(
        settled=0, failed={"TokenLost": ALL}, again=2
    ),
    "said to be settled, comes again, and is on record twice": Expected(again=2),
    "work is stopped, nothing is recorded or settled, it comes again": Expected(
        settled=0, failed={"LockLost": ALL}, again=2, entries=0
    ),
    "on record, not settled: its lock ended meanwhile, it comes again": Expected(
        settled=0, failed={"TokenLost": ALL}, again=2
    ),
    "given back for a minute, then settled at the second delivery": Expected(
        settled=0, ends="storage does not", again=2, entries=0
    ),
    "on record, given back for a minute, and on record again": Expected(
        settled=0, ends="storage does not", again=2
    ),
    "nothing is taken while nothing can be recorded": Expected(
        settled=0, ends="storage does not answer", again=1, entries=0
    ),
}

TRIED_AGAIN = "settled at the first delivery"
BUSY = {"kind": "error", "status": 429, "retryAfter": 1, "times": 1}
QUOTA = {"kind": "error", "status": 403, "times": 1}
DOWN = {"kind": "error", "status": 503, "times": 1}
BROKEN = {"kind": "error", "status": 500, "times": 2}
CLOSED = {"kind": "error", "status": 503, "retryAfter": 60}
SPENT = {"kind": "error", "status": 403, "retryAfter": 60}
SLOW = {"kind": "slow", "seconds": 0.2, "times": 1}
LOST = {"kind": "answer-lost", "times": 1}
CUT = {"kind": "answer-cut", "times": 1}
FAIL = {"kind": "tokens-fail", "share": 1.0}
FAIL_ONCE = {"kind": "tokens-fail", "share": 1.0, "times": 1}
SOME = {"kind": "tokens-fail", "share": 0.5}
GONE = {"kind": "lock-lost"}
TWICE = {"kind": "duplicate"}
POISON = {"kind": "undecodable", "times": 1}

RECEIVE: list[tuple[dict[str, Any], str]] = [
    (DOWN, TRIED_AGAIN),
    (BROKEN, TRIED_AGAIN),
    (BUSY, TRIED_AGAIN),
    (QUOTA, TRIED_AGAIN),
    (CLOSED, "ends with the reason; nothing is taken, so no delivery is used up"),
    (SPENT, "ends with the reason; nothing is taken, so no delivery is used up"),
    (SLOW, TRIED_AGAIN),
    (LOST, "taken for nothing once, settled at the second delivery"),
    (CUT, "taken for nothing once, settled at the second delivery"),
    (POISON, "one is rejected with the reason, its neighbours are settled"),
]
SETTLE: list[tuple[dict[str, Any], str]] = [
    (DOWN, TRIED_AGAIN),
    (BROKEN, TRIED_AGAIN),
    (QUOTA, TRIED_AGAIN),
    (CLOSED, "ends with the reason; on record, not settled, comes again"),
    (SLOW, TRIED_AGAIN),
    (LOST, "settled, though the repeated call finds the tokens used"),
    (CUT, "settled, though the repeated call finds the tokens used"),
    (FAIL, "not settled: the code is counted, and all come again"),
    (SOME, "some are settled; the code of the others is counted, and they come again"),
    (GONE, "not settled: someone else may have it, it comes again"),
]
SETTLE_ACKNOWLEDGE: list[tuple[dict[str, Any], str]] = [
    (BUSY, TRIED_AGAIN),
    (TWICE, "said to be settled, comes again, and is on record twice"),
]
RENEW: list[tuple[dict[str, Any], str]] = [
    (DOWN, TRIED_AGAIN),
    (QUOTA, TRIED_AGAIN),
    (CLOSED, "work is stopped, nothing is recorded or settled, it comes again"),
    (SLOW, TRIED_AGAIN),
    (LOST, TRIED_AGAIN),
    (CUT, TRIED_AGAIN),
    (FAIL_ONCE, TRIED_AGAIN),
    (FAIL, "work is stopped, nothing is recorded or settled, it comes again"),
    (GONE, "work is stopped, nothing is recorded or settled, it comes again"),
]
PUBLISH: list[tuple[dict[str, Any], str]] = [
    (DOWN, "tried again; in once"),
    (BROKEN, "tried again; in once"),
    (BUSY, "tried again; in once"),
    (QUOTA, "tried again; in once"),
    (CLOSED, "reported as missing; nothing is in"),
    (SLOW, "tried again; in once"),
    (LOST, "tried again; in twice under the same ids, each delivery on record"),
    (CUT, "tried again; in twice under the same ids, each delivery on record"),
    (TWICE, "in twice under the same ids, each delivery on record"),
]


def named(rows: list[tuple[dict[str, Any], str]]) -> list[Any]:
    """The rows with ids that say which fault is meant."""

    def name(fault: dict[str, Any]) -> str:
        keys = ("kind", "status", "retryAfter", "share")
        often = "once" if fault.get("times") else "always"
        return "-".join([*(str(fault[key]) for key in keys if key in fault), often])

    return [pytest.param(fault, words, id=name(fault)) for fault, words in rows]


@pytest.fixture(autouse=True, params=["stay", "visit"])
def _manner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each story, in either manner of a timer's runs."""
    monkeypatch.setattr(Stand, "manner", request.param)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are there, but short."""
    monkeypatch.setattr(http_retry, "FIRST_PAUSE", 0.01)


def giving(disposition: Disposition) -> Handler:
    """A handler that gives this, whatever comes."""

    async def handler(event: PaidEvent) -> Disposition:
        return disposition

    return handler


async def play(
    stand: Stand,
    words: str,
    handler: Handler,
    meanwhile: Doing | None = None,
    **desk: Any,
) -> DrainResult:
    """The first drain, with the fault, must be as the words say."""
    expected = OUTCOMES[words]

    also = meanwhile() if meanwhile is not None else asyncio.sleep(0)
    result, _ = await asyncio.gather(stand.drain(handler, **desk), also)

    if expected.ends is None:
        assert result.error is None
        assert result.stopped == ("budget" if stand.manner == "stay" else "visited")
    else:
        assert result.stopped == "failed"
        assert expected.ends in (result.error or "")
    assert result.settled.total() == expected.settled
    assert result.failed == expected.failed
    assert len(stand.store.entries) == expected.entries
    stand.check_that_nothing_is_settled_without_an_entry()
    return result


async def end(stand: Stand, words: str) -> None:
    """The fault is over: what is left is settled by the next drain, and all is there."""
    expected = OUTCOMES[words]
    stand.namespace.switch_faults()
    await stand.namespace.advance(61)
    before = len(stand.store.entries)
    assert bool(stand.held) == (expected.again is not None)
    if stand.held:
        result = await stand.drain(giving(DONE))
        assert result.error is None
        again = {entry.delivery_count for entry in stand.store.entries[before:]}
        assert again == {expected.again}
    assert stand.held == 0
    assert {entry.id for entry in stand.store.entries} == set(stand.ids)
    stand.check_that_nothing_is_settled_without_an_entry()
    assert max(stand.deliveries_on_record().values()) == 1, "recorded twice for nothing"


@pytest.mark.parametrize(("fault", "words"), named(RECEIVE))
async def test_receive(fault: dict[str, Any], words: str) -> None:
    """Asking again is safe: an answer that was lost costs lock time."""
    async with standing() as stand:
        await stand.publish()
        stand.namespace.switch_faults(fault | {"operation": "receive"})

        async def locks_end() -> None:
            await until(lambda: stand.hits)
            if fault in (LOST, CUT):
                await until(lambda: stand.queue.counts.received)
                await stand.namespace.advance(61)

        result = await play(stand, words, keep, locks_end)

        if fault is POISON:
            assert result.settled == {"acknowledge": EVENTS - 1, "reject": 1}
            [broken] = [e for e in stand.store.entries if e.disposition == "reject"]
            assert "not a CloudEvent" in (broken.reason or "")
        if fault in (LOST, CUT):
            assert {e.delivery_count for e in stand.store.entries} == {2}
        await end(stand, words)


async def test_no_receive_is_tried_again_beyond_the_budget() -> None:
    """With a second left, it is tried for a second."""
    async with standing() as stand:
        stand.namespace.switch_faults({"kind": "error", "operation": "receive"})

        async with asyncio.timeout(5):
            result = await stand.drain(giving(DONE), seconds=1)

        assert result.stopped == "failed"
        assert stand.hits > 1


@pytest.mark.parametrize(
    ("disposition", "verb"),
    [(DONE, "acknowledge"), (LATER, "release"), (NEVER, "reject")],
    ids=["acknowledge", "release", "reject"],
)
@pytest.mark.parametrize(("fault", "words"), named(SETTLE))
async def test_settle(
    fault: dict[str, Any], words: str, disposition: Disposition, verb: str
) -> None:
    """The record stands, and the next delivery overrules it."""
    async with standing() as stand:
        await stand.publish()
        # With this seed the half that fails is a half.
        stand.namespace.switch_faults(fault | {"operation": verb}, seed=2)

        result = await play(stand, words, giving(disposition))

        assert stand.hits >= 1
        assert set(result.settled) <= {verb}
        if verb == "release":
            await released_comes_again(stand)
        else:
            await end(stand, words)


async def released_comes_again(stand: Stand) -> None:
    """Settled or not, what is released comes again as the second delivery."""
    stand.namespace.switch_faults()
    await stand.namespace.advance(61)
    assert stand.held == EVENTS
    await stand.drain(giving(DONE))
    second = Counter({(event_id, 2, "acknowledge"): 1 for event_id in stand.ids})
    assert stand.deliveries_on_record() - second == Counter(
        {(event_id, 1, "release"): 1 for event_id in stand.ids}
    )
    assert stand.held == 0


@pytest.mark.parametrize(("fault", "words"), named(SETTLE_ACKNOWLEDGE))
async def test_acknowledge(fault: dict[str, Any], words: str) -> None:
    """Even an answer that lies costs no more than a second entry."""
    async with standing() as stand:
        await stand.publish()
        stand.namespace.switch_faults(fault | {"operation": "acknowledge"})

        await play(stand, words, giving(DONE))
        await end(stand, words)


@pytest.mark.parametrize(("fault", "words"), named(RENEW))
async def test_renew(fault: dict[str, Any], words: str) -> None:
    """
    A lock that may still be there is asked for again; one that is gone ends its work.
    """
    async with standing() as stand:
        await stand.publish()
        stand.namespace.switch_faults(fault | {"operation": "renewLock"})
        cancelled: list[str] = []

        async def works_until_locks_are_renewed(event: PaidEvent) -> Disposition:
            try:
                await until(lambda: stand.queue.counts.renewed >= 2 * EVENTS, 15)
            except asyncio.CancelledError:
                cancelled.append(event.id)
                raise
            return DONE

        await play(stand, words, works_until_locks_are_renewed, lock_seconds=0.8)

        assert stand.hits >= 1
        assert len(cancelled) == OUTCOMES[words].failed.get("LockLost", 0)
        await end(stand, words)


@pytest.mark.parametrize(("fault", "words"), named(PUBLISH))
async def test_publish(fault: dict[str, Any], words: str) -> None:
    """Ids are kept from try to try, so a reader can fold what is in twice."""
    async with standing() as stand:
        stand.namespace.switch_faults(fault | {"operation": "publish"})
        events = [an_event(id=event_id) for event_id in stand.ids]

        published = await publish.publish(events, stand.topic, NOW)

        assert stand.hits >= 1
        stand.namespace.switch_faults()
        missing = [event["id"] for event in published.missing]
        assert missing == (stand.ids if words.startswith("reported") else [])
        assert (published.failure is not None) == bool(missing)
        times = 0 if "nothing" in words else 2 if "twice" in words else 1
        assert stand.held == times * EVENTS
        if times:
            await stand.drain(giving(DONE))
        assert stand.held == 0
        assert Counter(entry.id for entry in stand.store.entries) == {
            event_id: times for event_id in stand.ids if times
        }


def does_not_open(stand: Stand) -> None:
    stand.store.opens = False


def refuses(stand: Stand) -> None:
    stand.store.appends = False


def keeps_it_and_fails(stand: Stand) -> None:
    stand.store.admits = False


def takes_longer_than_the_lock(stand: Stand) -> None:
    async def lock_ends() -> None:
        await stand.namespace.advance(61)

    stand.store.before_append = lock_ends


RECORD = [
    (does_not_open, "nothing is taken while nothing can be recorded"),
    (refuses, "given back for a minute, then settled at the second delivery"),
    (keeps_it_and_fails, "on record, given back for a minute, and on record again"),
    (
        takes_longer_than_the_lock,
        "on record, not settled: its lock ended meanwhile, it comes again",
    ),
]


@pytest.mark.parametrize(("storage", "words"), RECORD)
async def test_record(storage: Callable[[Stand], None], words: str) -> None:
    """Nothing is settled as done that is not durable."""
    async with standing() as stand:
        await stand.publish()
        storage(stand)

        await play(stand, words, giving(DONE))

        assert stand.queue.counts.released == (EVENTS if "given back" in words else 0)
        entries, stand.store = stand.store.entries, type(stand.store)()
        stand.store.entries = entries
        await end(stand, words)


async def test_poison_of_every_kind_in_one_batch() -> None:
    """Each is rejected with its own reason, and what is good is settled beside it."""
    good = an_event(id="good")
    poison: dict[str, dict[str, Any]] = {
        "no order": {"data": good["data"] | {"order": 5}},
        "no number": {"data": good["data"] | {"cents": "five"}},
        "no object": {"data": [1, 2]},
        "no data but null": {"data": None},
        "text": {"data": "hello", "datacontenttype": "text/plain"},
        "bytes": {"data_base64": "AA==", "datacontenttype": "image/png"},
    }
    bodies = [msgspec.json.encode(good)]
    for name, changes in poison.items():
        event = good | {"id": name} | changes
        if "data_base64" in changes:
            del event["data"]
        bodies.append(msgspec.json.encode(event))
    async with standing() as stand:
        stand.ids = ["good", *poison]
        await stand.publish(*bodies)
        stand.namespace.switch_faults(POISON)

        result = await stand.drain(keep)

        assert (result.error, result.failed) == (None, {})
        assert result.settled == {"reject": len(poison) + 1}
        assert all(entry.reason for entry in stand.store.entries)
        assert {entry.id for entry in stand.store.entries} == set(stand.ids)
        assert stand.held == 0


def test_every_fault_has_a_row_in_every_phase_that_it_can_strike() -> None:
    """A new fault of the emulator asks for its row."""
    phases = {
        Operation.RECEIVE: RECEIVE,
        Operation.ACKNOWLEDGE: SETTLE + SETTLE_ACKNOWLEDGE,
        Operation.RELEASE: SETTLE,
        Operation.REJECT: SETTLE,
        Operation.RENEW_LOCK: RENEW,
        Operation.PUBLISH: PUBLISH,
    }
    for operation, rows in phases.items():
        here = {msgspec.convert(fault, Fault).kind for fault, _ in rows}
        able = {kind for kind in Kind if operation in APPLIES_TO.get(kind, Operation)}
        assert here == able, operation
