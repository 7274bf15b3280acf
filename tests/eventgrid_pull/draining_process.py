"""A drain of paid orders in a process of its own, which ends at a step as a kill would."""

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from azure.core.credentials import AzureKeyCredential

from eventgrid_pull import Event, EventGridPull, Record
from eventgrid_pull.outcomes import Settled
from eventgrid_pull.wire.client import Subscription
from tests.eventgrid_pull.orders import NAME, Paid

KILLED = 9
TABLES = """
    create table if not exists orders (id text primary key);
    create table if not exists decided (id, disposition, delivery_count);
"""


class Steps:
    """Counts what is done, and ends the process before one of it."""

    def __init__(self, last: int, file: Path) -> None:
        self._last, self._file = last, file
        self._count = 0

    def step(self) -> None:
        """End the process, if this is where it ends."""
        self._count += 1
        if self._count == self._last:
            os._exit(KILLED)

    def database(self) -> sqlite3.Connection:
        """Open the database."""
        db = sqlite3.connect(self._file, timeout=10)
        db.executescript(TABLES)
        return db


class Recorder:
    """Keeps what was decided in SQLite, a step before and after it."""

    down = sqlite3.Error

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    async def open(self, subscription: str) -> None:
        self._steps.step()

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        rows = [
            (
                record.delivery.event.id,
                record.disposition.VERB,
                record.delivery.delivery_count,
            )
            for record in records
        ]
        self._steps.step()
        with closing(self._steps.database()) as db, db:
            db.executemany("insert into decided values (?, ?, ?)", rows)
        self._steps.step()


def main(endpoint: str, key: str, batch: bool, last: int, file: Path) -> None:
    """Drain until it is empty; die before that step, counted from 1, if not 0."""
    steps = Steps(last, file)
    pull = EventGridPull(
        topic="orders",
        endpoint=endpoint,
        credential=AzureKeyCredential(key),
        recorder=Recorder(steps),
        environ={},
    )

    def keep(*events: Event[Paid]) -> None:
        steps.step()
        with closing(steps.database()) as db, db:
            orders = [(event.id,) for event in events]
            db.executemany("insert or ignore into orders values (?)", orders)
        steps.step()

    def paid(event: Event[Paid]) -> None:
        keep(event)

    def many_paid(events: list[Event[Paid]]) -> None:
        keep(*events)

    declare = pull.subscription(NAME, schedule="0 * * * * *")
    declare(many_paid) if batch else declare(paid)
    receiver = pull.receiver(NAME)
    assert isinstance(receiver, Subscription)
    acknowledge = receiver.acknowledge

    async def counted(tokens: Sequence[str]) -> Settled:
        steps.step()
        settled = await acknowledge(tokens)
        steps.step()
        return settled

    receiver.acknowledge = counted  # type: ignore[method-assign]
    asyncio.run(pull.drain(NAME, until_empty=True))
    os._exit(0)
