"""A redrive in a process of its own, which ends at a step as a kill would."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from eventgrid_pull.blob import blob_client
from eventgrid_pull.blob.blob_append_log import BlobAppendLog
from eventgrid_pull.draining.decide import decide
from eventgrid_pull.event import AnyEvent
from eventgrid_pull.outcomes import Acknowledge, Disposition
from moderation.audit.entry import DeadLetterRef
from moderation.audit.log import AuditLog
from moderation.dead_letters import redrive
from moderation.dead_letters.redrive_plan import RedriveContext, Redriven
from moderation.dead_letters.store import Lease, Stored
from moderation.events import Verdict
from moderation.storage.dead_letter_blobs import BlobDeadLetters, BlobLease

KILLED = 9


class Steps:
    """Counts what is done, and ends the process before one of it."""

    def __init__(self, last: int) -> None:
        self._last = last
        self.count = 0

    def step(self) -> None:
        self.count += 1
        if self.count == self._last:
            os._exit(KILLED)


class Store(BlobDeadLetters):
    """Dead letters in blobs, a step for each call."""

    steps: Steps

    async def read(self, name: str, *, archived: bool = False) -> Stored | None:
        self.steps.step()
        return await super().read(name, archived=archived)

    async def lease(self, name: str) -> Lease:
        self.steps.step()
        lease = await super().lease(name)
        assert isinstance(lease, BlobLease)
        release = lease.release

        async def count_step() -> None:
            self.steps.step()
            await release()

        lease.release = count_step  # type: ignore[method-assign]
        return lease

    async def ledger(self, name: str) -> bytes:
        self.steps.step()
        return await super().ledger(name)

    async def note(self, name: str, line: bytes, *, after: int) -> None:
        self.steps.step()
        await super().note(name, line, after=after)

    async def archive(self, name: str, content: bytes) -> None:
        self.steps.step()
        await super().archive(name, content)

    async def delete(self, name: str, lease: Lease) -> None:
        self.steps.step()
        await super().delete(name, lease)


class Log(BlobAppendLog):
    """The audit log in blobs, a step for each call."""

    steps: Steps

    async def open(self, name: str, now: datetime) -> None:
        self.steps.step()
        await super().open(name, now)

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        self.steps.step()
        await super().append(name, now, lines)

    async def newest(
        self, name: str, *, since: datetime, until: datetime
    ) -> AsyncIterator[bytes]:
        self.steps.step()
        async for line in super().newest(name, since=since, until=until):
            yield line


def clock() -> datetime:
    """The time of this process."""
    return datetime.now(UTC)  # noqa: TID251


async def redrive_two(
    connection: str, name: str, last: int, effects: Path
) -> tuple[list[Redriven], int]:
    """The first two dead letters of the blob redriven, and how many steps it took."""
    steps = Steps(last)

    async def handler(event: AnyEvent) -> Disposition:
        steps.step()
        with effects.open("a", encoding="utf-8") as file:
            file.write(f"{event.id}\n")
        steps.step()
        return Acknowledge(Verdict.QUARANTINED)

    async with blob_client.service(connection, None) as client:
        store = Store(client.get_container_client("dead-letters"))
        log = Log(client.get_container_client("audit"), f"writer-{os.getpid()}")
        store.steps = log.steps = steps
        context = RedriveContext(
            store=store,
            audit=AuditLog(log),
            topic="moderation-events",
            handlers={"sub-flagged": partial(decide, "sub-flagged", handler)},
            handler_seconds=300,
            by=f"process {last}",
            clock=clock,
            time_left=lambda: 60.0,
        )
        results = await redrive.redrive(
            context, [DeadLetterRef(name, n) for n in range(2)]
        )
    return results, steps.count


def main(connection: str, name: str, last: int, effects: Path) -> None:
    """Redrive; die before that step, counted from 1 over storage and handler, if not 0.

    The handler adds the id of each event to the file `effects`.
    """
    asyncio.run(redrive_two(connection, name, last, effects))
