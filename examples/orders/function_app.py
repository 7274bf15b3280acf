"""Orders that were paid or refunded, kept in SQLite: pulled from Event Grid."""

import os
import sqlite3
from contextlib import closing

import azure.functions as func
import msgspec

from eventgrid_pull import Event, EventGridPull, Reject

pull = EventGridPull(topic="orders", connection="EVENTGRID")


class Paid(msgspec.Struct):
    """An order that is paid."""

    order: str
    cents: int


class Refunded(msgspec.Struct):
    """An order that is paid back."""

    order: str


def database() -> sqlite3.Connection:
    """Open the database, in autocommit but for `with`."""
    db = sqlite3.connect(os.environ.get("ORDERS_DB", "orders.db"), timeout=10)
    db.execute("create table if not exists paid (id text primary key, cents int)")
    db.execute("create table if not exists refunded (id text primary key)")
    return db


@pull.subscription("sub-paid", schedule="%PAID_SCHEDULE%", concurrency=4)
def paid(event: Event[Paid]) -> Reject | None:
    """Keep what was paid, once however often it comes."""
    if event.data.cents < 0:
        return Reject("negative amount")
    with closing(database()) as db, db:
        row = (event.data.order, event.data.cents)
        db.execute("insert or ignore into paid values (?, ?)", row)
    return None


@pull.subscription("sub-refunded", schedule="0 * * * * *")
def refunded(events: list[Event[Refunded]]) -> None:
    """Keep refunds: one transaction for the batch."""
    with closing(database()) as db, db:
        rows = [(event.data.order,) for event in events]
        db.executemany("insert or ignore into refunded values (?)", rows)


app = func.FunctionApp()
app.register_functions(pull)
