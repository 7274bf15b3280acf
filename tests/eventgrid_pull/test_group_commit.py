"""Appends that meet are written together, and each caller learns how its own went."""

import asyncio
from datetime import datetime, timedelta

import pytest

from eventgrid_pull.blob.append_log import InMemoryAppendLog, StoreUnavailable, stamp
from eventgrid_pull.blob.group_commit import GroupCommitLog
from tests.eventgrid_pull.orders import NOW, minutes


class Slow(InMemoryAppendLog):
    """A log whose writes wait to be let through, or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.gate = asyncio.Semaphore(0)
        self.fails = False

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        self.writes.append(lines)
        await self.gate.acquire()
        if self.fails:
            raise StoreUnavailable("storage does not answer")
        await super().append(name, now, lines)


def line(n: int) -> bytes:
    return b'{"at":"%s","n":%d}\n' % (stamp(NOW).encode(), n)


async def begun(log: GroupCommitLog, n: int, name: str = "a") -> asyncio.Task[None]:
    task = asyncio.create_task(log.append(name, NOW, line(n)))
    for _ in range(3):
        await asyncio.sleep(0)
    return task


async def test_what_comes_during_a_write_goes_together_in_the_next() -> None:
    """Four receivers cost two writes, not four."""
    slow = Slow()
    log = GroupCommitLog(slow)
    tasks = [await begun(log, n) for n in range(4)]

    slow.gate.release()
    slow.gate.release()
    await asyncio.gather(*tasks)

    assert slow.writes == [line(0), line(1) + line(2) + line(3)]
    found = log.newest("a", since=NOW - minutes(1), until=NOW)
    assert len([line async for line in found]) == 4


async def test_an_append_returns_only_when_its_own_lines_are_written() -> None:
    """Nothing is settled before its entry is durable."""
    slow = Slow()
    log = GroupCommitLog(slow)
    first, second = await begun(log, 1), await begun(log, 2)

    slow.gate.release()
    await first

    assert not second.done()
    slow.gate.release()
    await second


async def test_a_write_that_fails_fails_for_all_that_it_held_and_no_more() -> None:
    """The next write is tried for itself."""
    slow = Slow()
    log = GroupCommitLog(slow)
    first = await begun(log, 0)
    meanwhile = [await begun(log, n) for n in (1, 2)]
    slow.gate.release()
    await first

    slow.fails = True
    slow.gate.release()
    results = await asyncio.gather(*meanwhile, return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable, StoreUnavailable]

    slow.fails = False
    slow.gate.release()
    await log.append("a", NOW, line(3))


async def test_a_caller_that_gives_up_does_not_take_the_others_along() -> None:
    """Its lines may be written; theirs are."""
    slow = Slow()
    log = GroupCommitLog(slow)
    first, second = await begun(log, 1), await begun(log, 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    slow.gate.release()
    slow.gate.release()
    await second

    assert slow.writes == [line(1), line(2)]


async def test_logs_of_different_names_do_not_wait_for_each_other() -> None:
    """One event subscription's write does not hold another's up."""
    slow = Slow()
    log = GroupCommitLog(slow)

    tasks = [await begun(log, 1, "a"), await begun(log, 2, "b")]

    assert len(slow.writes) == 2
    slow.gate.release()
    slow.gate.release()
    await asyncio.gather(*tasks)


async def test_nobody_waits_for_a_writer_that_was_cut_off() -> None:
    """
    What it had not begun to write is not written, and its callers are not left hanging.
    """
    log = GroupCommitLog(Slow())
    tasks = [await begun(log, n) for n in range(2)]

    log._writers["a"].cancel()
    async with asyncio.timeout(5):
        await asyncio.wait(tasks)

    assert [task.cancelled() for task in tasks] == [True, True]


async def test_a_line_is_kept_under_the_hour_of_its_moment() -> None:
    """
    What was stamped before the full hour is not written after it with what came later.
    """
    slow = Slow()
    log = GroupCommitLog(slow)
    later = NOW + minutes(60)
    first = await begun(log, 0)
    others = [
        asyncio.create_task(log.append("a", now, line(n)))
        for n, now in enumerate((NOW, NOW, later, later), 1)
    ]
    await asyncio.sleep(0)

    for _ in range(3):
        slow.gate.release()
    await asyncio.gather(first, *others)

    assert slow.writes == [line(0), line(1) + line(2), line(3) + line(4)]


async def test_what_was_stamped_before_a_clock_went_back_is_written_apart() -> None:
    """Written together, the later ones would bear a moment that is yet to come."""
    slow = Slow()
    log = GroupCommitLog(slow)
    first = await begun(log, 0)
    back = (0.0, 0.9, 2.0, 2.0)
    others = [
        asyncio.create_task(log.append("a", NOW - timedelta(seconds=ago), line(n)))
        for n, ago in enumerate(back, 1)
    ]
    await asyncio.sleep(0)

    for _ in range(3):
        slow.gate.release()
    await asyncio.gather(first, *others)

    assert slow.writes == [line(0), line(1) + line(2), line(3) + line(4)]
