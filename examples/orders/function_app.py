"""Orders that were paid or refunded, kept in SQLite: pulled from Event Grid."""

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing

import azure.functions as func
from pydantic import BaseModel, PositiveInt

from eventgrid_pull import Event, EventGridPull, Record, Reject

TABLES = """
    create table if not exists paid (id text primary key, cents int);
    create table if not exists refunded (id text primary key);
    create table if not exists decided (at, source, id, disposition, reason);
"""


def database() -> sqlite3.Connection:
    """Open the database: one connection for each use, as handlers run in threads."""
    db = sqlite3.connect(os.environ.get("ORDERS_DB", "orders.db"), timeout=10)
    db.executescript(TABLES)
    return db


class Decided:
    """Keeps what was decided about each delivery, before it is settled."""

    down = sqlite3.Error

    async def open(self, subscription: str) -> None:
        """See that it can be kept; in a thread, as all that would block the loop."""
        await asyncio.to_thread(lambda: database().close())

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        """Keep it."""
        await asyncio.to_thread(keep, records)


def keep(records: Sequence[Record]) -> None:
    """Write the records in one transaction."""
    with closing(database()) as db, db:
        rows = map(row, records)
        db.executemany("insert into decided values (?, ?, ?, ?, ?)", rows)


def row(record: Record) -> tuple[str | None, ...]:
    """Return what is kept of a record."""
    event, outcome = record.delivery.event, record.disposition
    return record.at.isoformat(), event.source, event.id, outcome.VERB, outcome.reason


class Order(BaseModel):
    """An order that was paid or refunded."""

    order: str
    cents: PositiveInt


pull = EventGridPull(topic="orders", connection="EVENTGRID", recorder=Decided())


@pull.subscription("sub-paid", schedule="%PAID_SCHEDULE%", concurrency=4)
def paid(event: Event[Order]) -> Reject | None:
    """Keep what was paid, once however often it comes."""
    if event.data.cents > 1_000_000:
        return Reject("more than anything costs here")
    with closing(database()) as db, db:
        values = (event.data.order, event.data.cents)
        db.execute("insert or ignore into paid values (?, ?)", values)
    return None


@pull.subscription("sub-refunded", schedule="0 * * * * *")
def refunded(events: list[Event[Order]]) -> None:
    """Keep refunds: one transaction for the batch."""
    with closing(database()) as db, db:
        orders = [(event.data.order,) for event in events]
        db.executemany("insert or ignore into refunded values (?)", orders)


app = func.FunctionApp()
app.register_functions(pull)
