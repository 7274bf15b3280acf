"""`drain()` over the emulator's real queue while emulator, store and handler misbehave."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from eventgrid_emulator.queue.entries import QueueLimits
from eventgrid_pull.draining.drain import DrainJob, drain
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.event import MalformedEvent
from eventgrid_pull.outcomes import Disposition, Reject, Release
from eventgrid_pull.shutdown import GRACE_SECONDS
from tests.eventgrid_pull.misbehaving import (
    RECEIVE_FAULTS,
    RENEW_FAULTS,
    SETTLE_FAULTS,
    STORE_FAULTS,
    Grid,
    Store,
)
from tests.eventgrid_pull.orders import (
    DONE,
    LogRecorder,
    PaidEvent,
    a_context,
    an_event,
)
from tests.eventgrid_pull.workbench import swallow
from tests.virtual_time import VirtualLoop, now, settle_down

LOCK, LIMIT, FOR_EVER = 60, 3, 1e12
LONGEST = 500  # that a handler takes
POISON = [b"[]", b'{"id": 7}', b'{"specversion":"1.0","time":"yesterday"}', b'"\xff"']
TAKES = {"quick": 0.0, "slow": 8.0, "outlives a lock": 75.0}
HANDLERS = [
    "acknowledges",
    *TAKES,
    "swallows its cancellation",
    "rejects",
    "releases",
    "raises",
    "gives nothing",
    "cancels itself",
]


def scripts(faults: list[str]) -> st.SearchStrategy[list[str]]:
    """What befalls the first calls; most often nothing."""
    return st.one_of(st.just([]), st.lists(st.sampled_from(["", *faults]), max_size=4))


class ConsumerMachine(RuleBasedStateMachine):
    """Every event is queued, acknowledged, rejected or worn out, and just one of them."""

    @initialize()
    def begin(self) -> None:
        self.loop = VirtualLoop()
        self.store = Store()
        self.grid = Grid(QueueLimits(LOCK, LIMIT, FOR_EVER), self.store)
        self.published = 0
        self.misbehaved = False
        self.handlers = ["acknowledges"]
        self.stopping = False
        self.swallowing = 0

    @rule()
    def publish_a_backlog(self) -> None:
        self.publish(130)

    def publish(self, count: int) -> None:
        for _ in range(count):
            self.published += 1
            event = an_event(id=str(self.published))
            self.put(msgspec.json.encode(event))

    @rule(body=st.sampled_from(POISON))
    def publish_poison(self, body: bytes) -> None:
        self.published += 1
        self.put(body)

    @rule(seconds=st.sampled_from([1, 9, 10, 59, 60, 61, 600, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.run(asyncio.sleep(seconds))

    @rule(
        receive=scripts(RECEIVE_FAULTS),
        settle=scripts(SETTLE_FAULTS),
        renew=scripts(RENEW_FAULTS),
        store=scripts(STORE_FAULTS),
        handlers=st.lists(st.sampled_from(HANDLERS), min_size=1, max_size=4),
        budget=st.sampled_from([10, 25, 60]),
        drains=st.integers(1, 2),
        fresh=st.sampled_from([0, 1, 4]),
    )
    def drain(
        self,
        receive: list[str],
        settle: list[str],
        renew: list[str],
        store: list[str],
        handlers: list[str],
        budget: int,
        drains: int,
        fresh: int,
    ) -> None:
        """One drain, or two of two processes side by side."""
        self.publish(fresh)
        self.script(receive, settle, renew, store, handlers)
        began, locked = self.loop.time(), self.grid.queue.depth().locked
        results = self.run(self.run_drains(budget, drains))
        self.check(results)
        if not (receive or settle or renew):
            assert self.grid.queue.depth().locked <= locked, "not given back"
        if store[:drains] == ["does not open"] * drains:
            assert self.grid.handed_out == 0, "taken, but nothing can be recorded"
        if not (receive or settle or renew or store):
            assert not any(result.failed or result.error for result in results)
            assert self.loop.time() - began <= budget + LONGEST + 5
        self.all_is_well()

    def check(self, results: list[DrainResult]) -> None:
        """What the tallies say is what happened."""
        settled = sum((result.settled for result in results), Counter[str]())
        failed = sum((result.failed for result in results), Counter[str]())
        received = sum(result.summary.received for result in results)
        assert received == settled.total() + failed.total()
        if not any(result.error for result in results):
            assert received == self.grid.handed_out, "not all accounted for"
        for verb in ("acknowledge", "reject"):
            assert settled[verb] == self.grid.confirmed[verb], (
                "not what Event Grid said"
            )

    @rule(
        handlers=st.lists(st.sampled_from(HANDLERS), min_size=1, max_size=4),
        settle=scripts(SETTLE_FAULTS),
        after=st.sampled_from([0.0, 1.0, 5.0, 30.0]),
    )
    def stop(self, handlers: list[str], settle: list[str], after: float) -> None:
        """A drain is told to stop: it ends within the grace, and takes nothing more."""
        self.publish(2)
        self.script([], settle, [], [], handlers)
        began = self.loop.time()
        locked = self.grid.queue.depth().locked
        self.run(self.stop_drain(after))
        if not settle:
            assert self.loop.time() - began <= after + GRACE_SECONDS + 3
            assert self.grid.queue.depth().locked <= locked, "not handed back"
        self.all_is_well()

    @rule(
        handlers=st.lists(st.sampled_from(HANDLERS), min_size=1, max_size=4),
        store=scripts(["slow"]),
        settle=scripts(["slow"]),
        after=st.sampled_from([0.0, 0.5, 1.0, 8.0, 15.0, 40.0, 75.0]),
    )
    def kill(
        self, handlers: list[str], store: list[str], settle: list[str], after: float
    ) -> None:
        """The process of a drain is gone, wherever it was."""
        self.misbehaved = True
        self.publish(2)
        self.script([], settle, [], store, handlers)
        self.run(self.cut_off(after))
        self.all_is_well()

    @precondition(lambda self: self.published)
    @rule()
    def locks_end(self) -> None:
        """Nobody renews a lock once its drain is over."""
        self.run(asyncio.sleep(LOCK))
        self.run(self.swept())
        assert self.grid.queue.depth().locked == 0, "locked beyond its lock"

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        if not hasattr(self, "grid"):
            return
        self.run(self.swept())
        grid = self.grid
        ended = (grid.acknowledged, grid.rejected, grid.worn_out)
        assert sum(map(len, ended)) == len(set().union(*ended)), "ended twice"
        held = len(grid.queue)
        assert self.published == held + sum(map(len, ended)), "lost"
        if not self.misbehaved:
            assert not grid.worn_out, "given up without a reason"

    def teardown(self) -> None:
        """When all is well again, every event comes to its end."""
        if not hasattr(self, "grid"):
            return
        self.script([], [], [], [], ["acknowledges"])
        for _ in range(LIMIT + 2):
            self.run(self.run_drains(25, 1))
            self.run(asyncio.sleep(3600))
        self.nothing_is_lost_or_doubled()
        assert len(self.grid.queue) == 0, "never comes to its end"
        assert self.run(settle_down()) == []
        self.loop.close()

    def put(self, body: bytes) -> None:
        async def publish() -> None:
            self.grid.publish(self.published, body)

        self.run(publish())

    def script(
        self,
        receive: list[str],
        settle: list[str],
        renew: list[str],
        store: list[str],
        handlers: list[str],
    ) -> None:
        self.grid.receive_faults = [*receive]
        self.grid.settle_faults = [*settle]
        self.grid.renew_faults = [*renew]
        self.store.faults = [*store]
        self.handlers = handlers
        faults = [
            fault for script in (receive, settle, renew, store) for fault in script
        ]
        self.misbehaved |= any(faults)
        self.grid.giving_back = any(store)
        self.grid.handed_out = 0
        self.grid.confirmed.clear()

    def all_is_well(self) -> None:
        """The drain is over, but for what swallows its cancellation."""
        left = self.run(settle_down())
        assert len(left) == self.swallowing, "a task is left behind"
        self.script([], [], [], [], ["acknowledges"])

    def run(self, doing: Any) -> Any:
        return self.loop.run_until_complete(doing)

    async def swept(self) -> None:
        self.grid.sweep()

    async def run_drains(self, budget: float, drains: int) -> list[DrainResult]:
        return await asyncio.gather(*(drain(self.job(budget)) for _ in range(drains)))

    async def stop_drain(self, after: float) -> None:
        job = self.job(3600)
        draining = asyncio.create_task(drain(job))
        await asyncio.sleep(after)
        received = [self.grid.queue.depth().ready]
        self.stopping = True
        job.ending.set()
        await draining
        self.stopping = False
        assert self.grid.queue.depth().ready >= received[0], "more was taken"

    async def cut_off(self, after: float) -> None:
        draining = asyncio.create_task(drain(self.job(3600)))
        await asyncio.sleep(after)
        draining.cancel()
        await asyncio.wait({draining})

    def job(self, budget: float) -> DrainJob:
        ends = now() + budget
        context = a_context(
            self.grid,
            self.handle,
            recorder=LogRecorder(self.store, self.clock),
            max_delivery_count=LIMIT,
            lock_seconds=LOCK,
            clock=self.clock,
            stopping=lambda: self.stopping,
        )
        return DrainJob(
            context=context,
            time_left=lambda: ends - self.loop.time(),
            until_empty=budget < 60,
        )

    def clock(self) -> datetime:
        return datetime.fromtimestamp(self.loop.time(), UTC)

    async def handle(self, event: PaidEvent) -> Disposition:
        if isinstance(event, MalformedEvent):
            return Reject(event.reason)
        kind = self.handlers[int(event.id) % len(self.handlers)]
        if kind == "swallows its cancellation":
            self.swallowing += 1
            await swallow(LONGEST)
            self.swallowing -= 1
        await asyncio.sleep(TAKES.get(kind, 0))
        return answer(kind)


def answer(kind: str) -> Disposition:
    """What that kind of handler gives in the end."""
    match kind:
        case "rejects":
            return Reject("against the rules")
        case "releases":
            return Release("not yet")
        case "raises":
            raise ValueError(kind)
        case "gives nothing":
            return None  # type: ignore[return-value]
        case "cancels itself":
            raise asyncio.CancelledError
        case _:
            return DONE


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of drains would log a line for each event that is not acknowledged."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


TestConsumer: Any = ConsumerMachine.TestCase
TestConsumer.settings = settings(
    max_examples=max(250, settings().max_examples), stateful_step_count=15
)
