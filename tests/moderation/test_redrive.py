"""Redrive: chosen dead letters once more through their own handlers, and only there."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from eventgrid_pull.blob.append_log import StoreUnavailable, stamp
from eventgrid_pull.draining.decide import decide
from eventgrid_pull.event import AnyEvent
from eventgrid_pull.outcomes import (
    Acknowledge,
    Disposition,
    Reject,
    Release,
    ReleaseDelay,
    Verb,
)
from moderation.audit import entry as audit_entry
from moderation.audit.entry import AuditEntry, DeadLetterRef
from moderation.audit.log import AuditLog, Query
from moderation.dead_letters import attempts, redrive, redrive_handler, redrive_plan
from moderation.dead_letters.redrive_plan import RedriveContext, Redriven
from moderation.dead_letters.store import Lease, LeaseLost
from moderation.events import Verdict
from tests.dead_letters import InMemoryDeadLetters
from tests.eventgrid_pull.workbench import Store
from tests.make import NOW, Budget, a_delivery, an_event
from tests.virtual_time import VirtualLoop, in_virtual_time, now

NAME = "local/moderation-events/sub-flagged/2026/11/23/10/a.json"
ARCHIVED = f"archived/{NAME}"
DONE = Acknowledge(Verdict.QUARANTINED)


class Stand:
    """Dead letters in memory, with a handler that does as it is told."""

    def __init__(self, *answers: Disposition | Exception) -> None:
        self.store = InMemoryDeadLetters()
        self.log = Store()
        self.audit = AuditLog(self.log)
        self.answers = list(answers)
        self.handled: list[str] = []
        self.waits = 0.0
        self.stopping = False
        self.time_left: Callable[[], float] = lambda: 60.0
        self.put(NAME, an_event(id="a"))

    def put(self, name: str, *events: Any) -> None:
        """A blob with a dead letter for each event; bytes are its content."""
        letters = [
            {"deadLetterProperties": {"deliveryattempts": 10}, "event": event}
            for event in events
        ]
        first = events[0]
        content = first if isinstance(first, bytes) else json.dumps(letters).encode()
        self.store.put(name, content, NOW)

    async def handler(self, event: AnyEvent) -> Disposition:
        self.handled.append(event.id)
        if self.waits:
            await asyncio.sleep(self.waits)
        answer = self.answers.pop(0) if self.answers else DONE
        if isinstance(answer, Exception):
            raise answer
        return answer

    def context(self, by: str = "anna") -> RedriveContext:
        began = now()
        return RedriveContext(
            store=self.store,
            audit=self.audit,
            topic="moderation-events",
            handlers={"sub-flagged": partial(decide, "sub-flagged", self.handler)},
            handler_seconds=300,
            by=by,
            clock=lambda: NOW + timedelta(seconds=now() - began),
            time_left=lambda: self.time_left(),
            stopping=lambda: self.stopping,
        )

    async def plan(self, *chosen: DeadLetterRef) -> list[Redriven]:
        return await redrive_plan.plan(
            self.context(), chosen or [DeadLetterRef(NAME, 0)]
        )

    async def redrive(self, *chosen: DeadLetterRef, by: str = "anna") -> list[Redriven]:
        return await redrive.redrive(
            self.context(by), chosen or [DeadLetterRef(NAME, 0)]
        )

    async def entries(self) -> list[AuditEntry]:
        """What is on record, oldest first."""
        query = Query(
            since=NOW - timedelta(hours=1),
            until=NOW + timedelta(hours=1),
            subscriptions=["sub-flagged"],
        )
        return (await self.audit.find(query)).entries[::-1]

    def tried(self, name: str = NAME) -> list[tuple[int, str | None]]:
        """Number and outcome of each attempt that is in the ledger."""
        stored = self.store.kept.get(f"redrives/{name}.ndjson")
        found = attempts.read(stored.content if stored else b"")
        return [
            (attempt.number, attempt.outcome) for attempt in found.attempts.values()
        ]


async def test_a_dead_letter_that_is_acknowledged_moves_to_the_archive() -> None:
    """It is recorded with who wanted it and which dead letter it was."""
    stand = Stand(DONE)
    before = stand.store.kept[NAME].content

    [result] = await stand.redrive()

    assert result == Redriven(
        name=NAME,
        index=0,
        id="a",
        source="/tests",
        subscription="sub-flagged",
        outcome="acknowledge",
        verdict="quarantined",
        archived=True,
    )
    assert NAME not in stand.store.kept
    assert stand.store.kept[ARCHIVED].content == before
    [entry] = await stand.entries()
    assert (entry.by, entry.redrive) == ("anna", DeadLetterRef(NAME, 0))
    assert (entry.disposition, entry.delivery_count) == ("acknowledge", 11)


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (Reject("no good"), "reject", "no good"),
        (Release("later", ReleaseDelay.ONE_HOUR), "release", "later"),
        (Release("later"), "release", "later"),
        (ValueError("boom"), "release", "the handler failed: ValueError"),
    ],
)
async def test_one_that_is_not_acknowledged_stays(
    answer: Disposition | Exception, outcome: str, reason: str
) -> None:
    """With its history; and it can be redriven again."""
    stand = Stand(answer, DONE)

    [first] = await stand.redrive()
    stays = NAME in stand.store.kept and ARCHIVED not in stand.store.kept
    [second] = await stand.redrive(by="ben")

    assert (first.outcome, first.reason, first.archived) == (outcome, reason, False)
    assert stays
    assert (second.outcome, second.archived) == ("acknowledge", True)
    assert stand.tried() == [(1, outcome), (2, "acknowledge")]
    entries = await stand.entries()
    assert [entry.delivery_count for entry in entries] == [11, 12]
    assert [entry.by for entry in entries] == ["anna", "ben"]
    assert entries[0].delay_seconds == (0 if outcome == "release" else None)


async def test_a_dry_run_calls_no_handler_and_changes_nothing() -> None:
    """It says to whom the event would be given."""
    stand = Stand()
    before = dict(stand.store.kept)

    [result] = await stand.plan()

    assert (result.outcome, result.id) == ("notBegun", "a")
    assert result.reason == "would be given to the handler of sub-flagged"
    assert (stand.handled, stand.store.kept) == ([], before)
    assert await stand.entries() == []


@pytest.mark.parametrize(
    ("name", "index", "why"),
    [
        ("nonsense", 0, "no name of a dead-letter blob"),
        (NAME.replace("/a.", "/b."), 0, "no such dead letter"),
        (NAME, 1, "its blob holds 1"),
        (NAME.replace("sub-flagged", "sub-other"), 0, "nothing handles sub-other"),
        (NAME.replace("moderation-events", "orders"), 0, "of topic orders"),
        (NAME.replace("/a.", "/garbage."), 0, "cannot be read"),
    ],
)
async def test_what_cannot_be_redriven_says_why(
    name: str, index: int, why: str
) -> None:
    """In a dry run and for real alike; nothing is done."""
    stand = Stand()
    stand.put(NAME.replace("/a.", "/garbage."), b"not a dead letter")
    stand.put(NAME.replace("sub-flagged", "sub-other"), an_event())

    for results in (
        await stand.plan(DeadLetterRef(name, index)),
        await stand.redrive(DeadLetterRef(name, index)),
    ):
        [result] = results
        assert result.outcome == "skipped"
        assert why in (result.reason or "")
    assert stand.handled == []


async def test_names_in_the_path_may_differ_in_case() -> None:
    """Azure may write them as they were first made."""
    stand = Stand()
    name = NAME.replace("sub-flagged", "Sub-Flagged").replace("events", "Events")
    stand.put(name, an_event(id="b"))

    [result] = await stand.redrive(DeadLetterRef(name, 0))

    assert (result.outcome, result.subscription) == ("acknowledge", "sub-flagged")


async def test_what_was_acknowledged_is_not_handled_again() -> None:
    """Whether it is asked for twice in one call or later."""
    stand = Stand()

    results = await stand.redrive(DeadLetterRef(NAME, 0), DeadLetterRef(NAME, 0))
    [later] = await stand.redrive()
    [dry] = await stand.plan()

    assert [result.outcome for result in results] == ["acknowledge"]
    assert (later.outcome, later.archived) == ("already", True)
    assert (dry.outcome, dry.archived) == ("already", True)
    assert stand.handled == ["a"]


async def test_a_blob_of_several_moves_when_all_of_them_are_done() -> None:
    """Until then those that are done are not handled again."""
    stand = Stand(DONE, Reject("no"), DONE, DONE)
    stand.put(NAME, an_event(id="a"), an_event(id="b"), an_event(id="c"))

    first = await stand.redrive(DeadLetterRef(NAME, 0), DeadLetterRef(NAME, 1))
    second = await stand.redrive(*(DeadLetterRef(NAME, n) for n in range(3)))

    assert [result.outcome for result in first] == ["acknowledge", "reject"]
    assert not any(result.archived for result in first)
    outcomes = [result.outcome for result in second]
    assert outcomes == ["already", "acknowledge", "acknowledge"]
    assert all(result.archived for result in second)
    assert stand.handled == ["a", "b", "b", "c"]
    assert ARCHIVED in stand.store.kept


async def test_one_unreadable_keeps_the_blob_where_it_is() -> None:
    """It would disappear from view with the others otherwise."""
    stand = Stand()
    stand.put(NAME, an_event(id="a"), "garbage")

    results = await stand.redrive(DeadLetterRef(NAME, 0), DeadLetterRef(NAME, 1))

    assert [result.outcome for result in results] == ["acknowledge", "skipped"]
    assert NAME in stand.store.kept


async def test_two_redrives_never_handle_the_same_one() -> None:
    """The second is told that the first is at work."""
    stand = Stand()
    stand.waits = 0.01

    results = await asyncio.gather(stand.redrive(), stand.redrive())

    assert sorted(result.outcome for [result] in results) == ["acknowledge", "skipped"]
    assert stand.handled == ["a"]
    assert len(await stand.entries()) == 1


async def test_a_dry_run_says_when_someone_is_at_work() -> None:
    """The lease ends by itself, so it says when to look again."""
    stand = Stand()
    await stand.store.lease(NAME)

    [result] = await stand.plan()

    assert (result.outcome, result.reason) == ("skipped", redrive_plan.LEASED)


async def test_what_there_is_no_time_for_is_not_begun() -> None:
    """An HTTP call has to be answered."""
    stand = Stand()
    other = NAME.replace("/a.", "/b.")
    stand.put(other, an_event(id="b"))
    stand.time_left = Budget(1.0, each=0.4)

    results = await stand.redrive(DeadLetterRef(NAME, 0), DeadLetterRef(other, 0))

    assert [result.outcome for result in results] == ["acknowledge", "notBegun"]
    assert stand.handled == ["a"]
    assert other in stand.store.kept


async def test_nothing_is_begun_while_the_app_stops() -> None:
    """What is not begun can be redriven by the next process."""
    stand = Stand()
    stand.stopping = True

    [result] = await stand.redrive()

    assert (result.outcome, stand.handled) == ("notBegun", [])


@in_virtual_time
async def test_a_handler_has_its_time_and_no_more() -> None:
    """A redrive that hangs would keep its caller waiting for ever."""
    stand = Stand()
    stand.waits = 10_000

    [result] = await stand.redrive()

    seconds = redrive_handler.HANDLER_SECONDS
    assert result.outcome == "release"
    assert result.reason == f"the handler took longer than {seconds:.0f} s"


@in_virtual_time
async def test_a_handler_that_works_gets_a_grace_when_the_app_stops() -> None:
    """Then it is stopped, which is recorded; the dead letter stays."""
    stand = Stand()
    stand.waits = 100
    began = now()

    async def stop() -> None:
        await asyncio.sleep(10)
        stand.stopping = True

    results, _ = await asyncio.gather(stand.redrive(), stop())

    assert [result.reason for result in results] == ["the app is stopping"]
    assert now() - began < 20


class Watched(InMemoryDeadLetters):
    """Dead letters whose lease is seen being renewed, or is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.renewed: list[float] = []
        self.lost = False

    async def lease(self, name: str) -> Lease:
        return _Watched(self, await super().lease(name))

    async def delete(self, name: str, lease: Lease) -> None:
        assert isinstance(lease, _Watched)
        await super().delete(name, lease.inner)


class _Watched:
    def __init__(self, store: Watched, inner: Lease) -> None:
        self._store, self.inner = store, inner

    async def renew(self) -> None:
        self._store.renewed.append(now())
        if self._store.lost:
            raise LeaseLost("lost")
        await self.inner.renew()

    async def release(self) -> None:
        await self.inner.release()


@in_virtual_time
async def test_the_lease_is_renewed_while_the_handler_works() -> None:
    """Nobody else begins the same one meanwhile."""
    stand = Stand()
    stand.store = store = Watched()
    stand.put(NAME, an_event(id="a"))
    stand.waits = 100
    began = now()

    [result] = await stand.redrive()

    assert result.outcome == "acknowledge"
    assert [round(at - began) for at in store.renewed] == [20, 40, 60, 80, 100]


@in_virtual_time
async def test_who_has_lost_the_lease_records_nothing() -> None:
    """Someone else may be at work on it already."""
    stand = Stand()
    stand.store = store = Watched()
    store.lost = True
    stand.put(NAME, an_event(id="a"))
    stand.waits = 100

    [result] = await stand.redrive()

    assert (result.outcome, result.reason) == ("skipped", redrive.LEASE_LOST)
    assert await stand.entries() == []
    assert NAME in store.kept


@in_virtual_time
async def test_a_handler_that_held_up_everything_is_not_believed_without_a_look() -> (
    None
):
    """
    Nothing could be renewed while it did; so the lease is asked for before recording.
    """
    stand = Stand()
    stand.store = store = Watched()
    store.lost = True
    stand.put(NAME, an_event(id="a"))
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)

    async def block(event: AnyEvent) -> Disposition:
        loop.clock.now += 100
        return DONE

    stand.handler = block  # type: ignore[method-assign]
    [result] = await stand.redrive()

    assert result.reason == redrive.LEASE_LOST
    assert await stand.entries() == []


@in_virtual_time
async def test_who_lost_the_lease_while_looking_back_calls_no_handler() -> None:
    """To see what an earlier redrive recorded may take longer than a lease lasts."""
    stand = Stand()
    stand.store = store = Watched()
    store.lost = True
    stand.put(NAME, an_event(id="a"))
    attempt = attempts.Ledger().begin(0, "anna", NOW)
    await store.note(NAME, attempt.line(), after=0)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    search = stand.log.search

    async def slowly(name: str, needle: bytes, **when: Any) -> list[bytes]:
        loop.clock.now += 61
        return await search(name, needle, **when)

    stand.log.search = slowly  # type: ignore[method-assign]
    [result] = await stand.redrive()

    assert (result.reason, stand.handled) == (redrive.LEASE_LOST, [])


async def test_an_outcome_is_found_among_a_thousand_of_that_id() -> None:
    """Some publishers know only one id."""
    stand = Stand()
    [first] = await stand.redrive()
    attempt = attempts.Ledger().begin(0, "anna", NOW)
    stand.put(NAME, an_event(id="a"))
    stand.store.kept.pop(f"redrives/{NAME}.ndjson")
    await stand.store.note(NAME, attempt.line(), after=0)
    others = [
        audit_entry.entry(
            "sub-flagged", a_delivery(an_event(id="a")), DONE, stamp(at), by="x"
        )
        for at in (NOW + timedelta(milliseconds=n) for n in range(1500))
    ]
    await stand.audit.record("sub-flagged", others, NOW)

    [second] = await stand.redrive()

    assert (first.outcome, second.outcome) == ("acknowledge", "already")
    assert stand.handled == ["a"]


async def test_without_the_audit_log_nothing_is_begun() -> None:
    """Look before doing: a handler whose outcome cannot be recorded is not called."""
    stand = Stand()

    async def closed(name: str, now: datetime) -> None:
        raise StoreUnavailable("storage does not answer")

    stand.log.open = closed  # type: ignore[method-assign]
    [result] = await stand.redrive()

    assert result.outcome == "skipped"
    assert "storage does not answer" in (result.reason or "")
    assert (stand.handled, stand.tried()) == ([], [])


async def test_an_outcome_that_could_not_be_recorded_is_not_believed() -> None:
    """The next redrive handles the event again, under the same number."""
    stand = Stand()
    stand.log.fails = True

    [first] = await stand.redrive()
    stand.log.fails = False
    [second] = await stand.redrive()

    assert (first.outcome, first.archived) == ("skipped", False)
    assert (second.outcome, second.archived) == ("acknowledge", True)
    assert stand.handled == ["a", "a"]
    assert [entry.delivery_count for entry in await stand.entries()] == [11]
    assert stand.tried() == [(1, "acknowledge")]


async def test_an_outcome_that_was_recorded_is_found_and_not_repeated() -> None:
    """Whoever died before noting it in the ledger had already done everything."""
    stand = Stand()
    note, calls = stand.store.note, iter(range(9))

    async def once(name: str, line: bytes, *, after: int) -> None:
        if next(calls) == 1:
            raise StoreUnavailable("storage does not answer")
        await note(name, line, after=after)

    stand.store.note = once  # type: ignore[method-assign]
    [first] = await stand.redrive()
    [second] = await stand.redrive()

    assert first.outcome == "skipped"
    assert (second.outcome, second.archived) == ("already", True)
    assert stand.handled == ["a"]
    assert len(await stand.entries()) == 1


async def test_a_search_without_time_begins_nothing() -> None:
    """Not to know whether something is done is no reason to do it again."""
    stand = Stand()
    attempt = attempts.Ledger().begin(0, "anna", NOW)
    await stand.store.note(NAME, attempt.line(), after=0)
    left = iter([60.0, 60.0])
    stand.time_left = lambda: next(left, -1.0)
    await stand.log.append(
        "sub-flagged", NOW, b'{"at":"2026-11-23T10:30:00.000000Z"}\n'
    )

    [result] = await stand.redrive()

    assert (result.outcome, stand.handled) == ("notBegun", [])
    assert result.reason == redrive.UNSEEN


def test_a_ledger_bears_lines_that_are_none() -> None:
    """And an acknowledged attempt stays one."""
    at = "2026-11-23T10:30:00.000000Z"
    done = attempts.Attempt(at=at, index=0, number=1, by="a", outcome=Verb.ACKNOWLEDGE)
    late = attempts.Attempt(at=at, index=0, number=1, by="b", outcome=Verb.REJECT)

    found = attempts.read(done.line() + b"garbage\n\xff\n{}\n" + late.line())

    assert found.is_done(0)
    assert found.unfinished(0) is None
    assert [attempt.by for attempt in found.of(0)] == ["a"]
    assert datetime.fromisoformat(at).tzinfo is UTC
