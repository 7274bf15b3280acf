"""A drain that is killed at any step: nothing is lost, nothing is settled off the record."""

import asyncio
import multiprocessing
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.eventgrid_pull import draining_process
from tests.eventgrid_pull.draining_process import KILLED
from tests.eventgrid_pull.fault_stand import Stand, standing
from tests.eventgrid_pull.orders import NAME

pytestmark = pytest.mark.contract

# More steps than a drain of these events has; the last are those at which it lives.
STEPS = {False: 18, True: 9}
# Where a system can fork, all that a drain imports is imported once.
FORKS = "forkserver" in multiprocessing.get_all_start_methods()
PROCESSES: Any = multiprocessing.get_context("forkserver" if FORKS else "spawn")
PROCESSES.set_forkserver_preload(["tests.eventgrid_pull.draining_process"])


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing() as made:
        yield made


async def drain_in_process(stand: Stand, is_batch: bool, last: int, file: Path) -> int:
    """Drain in a process that dies before that step; its exit code."""
    where = stand.namespace.endpoint, stand.namespace.key
    process = PROCESSES.Process(
        target=draining_process.main, args=(*where, is_batch, last, file)
    )
    process.start()
    await asyncio.to_thread(process.join, 30)
    code: int = process.exitcode
    return code


def rows(file: Path, table: str) -> Counter[tuple[Any, ...]]:
    """What a table has; nothing before there is one."""
    with closing(sqlite3.connect(file)) as db:
        db.executescript(draining_process.TABLES)
        return Counter(db.execute(f"select * from {table}"))


@pytest.mark.parametrize("is_batch", [False, True], ids=["one by one", "batch"])
async def test_a_drain_may_be_killed_at_any_step(
    stand: Stand, is_batch: bool, tmp_path: Path
) -> None:
    """A second delivery and a second entry is all it may cost."""
    lived = []
    for last in range(1, STEPS[is_batch] + 1):
        file = tmp_path / f"{last}.db"
        await stand.namespace.reset()
        await stand.publish()

        code = await drain_in_process(stand, is_batch, last, file)
        done = rows(file, "decided")
        acknowledged = len(stand.ids) - stand.held
        assert acknowledged <= sum(verb == "acknowledge" for _, verb, _ in done)
        await stand.namespace.advance(61)
        assert await drain_in_process(stand, is_batch, 0, file) == 0

        assert stand.held == 0
        assert {event_id for (event_id,) in rows(file, "orders")} == set(stand.ids)
        decided = rows(file, "decided")
        assert {event_id for event_id, *_ in decided} == set(stand.ids)
        assert max(decided.values()) == 1, "one delivery is on record twice"
        lived += [last] if code == 0 else []
        assert code in (0, KILLED)

    assert lived, "a drain has more steps than these"
    assert lived[0] > 6, f"a drain of {NAME} has more steps than these"
