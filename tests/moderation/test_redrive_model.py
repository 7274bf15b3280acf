"""Redrives that die again and again: whatever the steps, the end is the same."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from itertools import product

import pytest

from eventgrid_pull.blob.append_log import InMemoryAppendLog
from eventgrid_pull.draining.decide import decide
from eventgrid_pull.event import AnyEvent
from eventgrid_pull.outcomes import Acknowledge, Disposition, Reject
from moderation.audit.entry import DeadLetterRef
from moderation.audit.log import AuditLog, Query
from moderation.dead_letters import attempts, redrive
from moderation.dead_letters.redrive_plan import RedriveContext
from moderation.dead_letters.store import Lease, Stored
from moderation.events import Verdict
from tests.dead_letters import InMemoryDeadLetters
from tests.make import NOW, an_event

NAME = "local/moderation-events/sub-flagged/2026/11/23/10/a.json"
IDS = ["a", "b"]
# More steps than a redrive has.
STEPS = 22


class Killed(BaseException):
    """The process is gone: nothing it would still do is done."""


class World:
    """What outlives a process; and the process at work, which dies before a step."""

    def __init__(self) -> None:
        self.letters = InMemoryDeadLetters()
        self.log = InMemoryAppendLog()
        self.handled: Counter[str] = Counter()
        self.left = 0
        self.now = NOW
        content = [{"event": an_event(id=event_id)} for event_id in IDS]
        self.content = json.dumps(content).encode()
        self.letters.put(NAME, self.content, NOW)

    def step(self) -> None:
        """Dead is dead: every step after the last one fails, too."""
        self.left -= 1
        if self.left <= 0:
            raise Killed

    async def redrive(self, steps: int, answers: dict[str, Disposition]) -> None:
        """A redrive that dies before that step; then its lease ends."""
        self.left = steps
        self.now += timedelta(seconds=70)

        async def handler(event: AnyEvent) -> Disposition:
            self.step()
            self.handled[event.id] += 1
            self.step()
            return answers[event.id]

        context = RedriveContext(
            store=Dying(self),
            audit=AuditLog(DyingLog(self)),
            topic="moderation-events",
            handlers={"sub-flagged": partial(decide, "sub-flagged", handler)},
            handler_seconds=300,
            by="anna",
            clock=lambda: self.now,
            time_left=lambda: 60.0,
        )
        try:
            await redrive.redrive(
                context, [DeadLetterRef(NAME, n) for n in range(len(IDS))]
            )
        except Killed:
            self.letters.end_leases()

    async def recorded(self) -> list[tuple[str, int, str]]:
        """Event, count and disposition of the entries, as readers fold them."""
        query = Query(
            since=NOW, until=self.now, subscriptions=["sub-flagged"], limit=1000
        )
        found = await AuditLog(self.log).find(query)
        return sorted(
            (entry.id, entry.delivery_count, entry.disposition)
            for entry in found.entries
        )

    async def noted(self) -> list[tuple[str, int, str | None]]:
        """The same from the ledger."""
        found = attempts.read(await self.letters.ledger(NAME)).attempts.values()
        return sorted(
            (IDS[attempt.index], attempt.number, attempt.outcome) for attempt in found
        )

    def places(self) -> set[str]:
        """Where the blob is."""
        names = (NAME, f"archived/{NAME}")
        return {
            name
            for name in names
            if name in self.letters.kept
            and self.letters.kept[name].content == self.content
        }


class Dying(InMemoryDeadLetters):
    """The dead letters as the process at work reaches them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.__dict__.update(world.letters.__dict__)

    async def read(self, name: str, *, archived: bool = False) -> Stored | None:
        self._world.step()
        return await super().read(name, archived=archived)

    async def lease(self, name: str) -> Lease:
        self._world.step()
        return await super().lease(name)

    async def ledger(self, name: str) -> bytes:
        self._world.step()
        return await super().ledger(name)

    async def note(self, name: str, line: bytes, *, after: int) -> None:
        self._world.step()
        await self._world.letters.note(name, line, after=after)

    async def archive(self, name: str, content: bytes) -> None:
        self._world.step()
        await super().archive(name, content)

    async def delete(self, name: str, lease: Lease) -> None:
        self._world.step()
        await super().delete(name, lease)


class DyingLog(InMemoryAppendLog):
    """The audit log as the process at work reaches it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.__dict__.update(world.log.__dict__)

    async def open(self, name: str, now: datetime) -> None:
        self._world.step()
        await super().open(name, now)

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        self._world.step()
        await super().append(name, now, lines)

    async def newest(
        self, name: str, *, since: datetime, until: datetime
    ) -> AsyncIterator[bytes]:
        async for line in super().newest(name, since=since, until=until):
            yield line


DONE = Acknowledge(Verdict.QUARANTINED)
NO = Reject("no")
FIRST = [
    pytest.param({"a": DONE, "b": DONE}, id="both acknowledged"),
    pytest.param({"a": NO, "b": DONE}, id="one rejected"),
    pytest.param({"a": NO, "b": NO}, id="both rejected"),
]


@pytest.mark.parametrize("first", FIRST)
async def test_two_that_die_one_after_the_other_are_finished_by_a_third(
    first: dict[str, Disposition],
) -> None:
    """
    At every pair of steps: one place, one acknowledgement for each dead letter, and in
    the ledger whatever is in the audit log.
    """
    for steps in product(range(1, STEPS), repeat=2):
        world = World()
        await world.redrive(steps[0], first)
        await world.redrive(steps[1], first)
        await world.redrive(1000, {"a": DONE, "b": DONE})

        assert world.places() == {f"archived/{NAME}"}, steps
        recorded = await world.recorded()
        done = [event for event, _, outcome in recorded if outcome == "acknowledge"]
        assert done == IDS, steps
        assert recorded == await world.noted(), steps


async def test_while_nobody_finishes_the_dead_letter_is_in_the_list() -> None:
    """It leaves its place only when the archive has it."""
    for steps in range(1, STEPS):
        world = World()
        await world.redrive(steps, {"a": DONE, "b": DONE})

        assert world.places(), steps
        if f"archived/{NAME}" in world.places():
            recorded = await world.recorded()
            assert [entry[0] for entry in recorded] == IDS
