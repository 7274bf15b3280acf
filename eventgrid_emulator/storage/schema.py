"""The tables of the data file, and what can be read from them."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from eventgrid_emulator.dead_letters.document import DeadLetter
from eventgrid_emulator.queue.entries import Entry, Event, State

VERSION = 1

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO meta VALUES ('opened', 1), ('clock', 0.0);
CREATE TABLE subscription (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (topic, name)
);
CREATE TABLE event (number INTEGER PRIMARY KEY, published REAL NOT NULL, body BLOB NOT NULL);
CREATE TABLE entry (
    subscription INTEGER NOT NULL,
    number INTEGER NOT NULL,
    count INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL DEFAULT 0,
    received REAL NOT NULL DEFAULT 0,
    secret BLOB,
    PRIMARY KEY (subscription, number)
) WITHOUT ROWID;
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    since REAL NOT NULL,
    document BLOB NOT NULL
);
"""

_LAST_MOMENT = """
SELECT max(at) FROM (
    SELECT max(published) AS at FROM event UNION ALL
    SELECT max(received) FROM entry UNION ALL SELECT max(since) FROM dead_letter
)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything the data file holds."""

    clock: float = 0.0
    last_number: int = 0
    last_moment: float = 0.0
    subscriptions: dict[tuple[str, str], int] = field(default_factory=dict)
    fresh: dict[int, list[Event]] = field(default_factory=dict)
    entries: dict[int, list[Entry]] = field(default_factory=dict)
    dead_letters: list[DeadLetter] = field(default_factory=list)


def read_all(connection: sqlite3.Connection) -> Stored:
    """Return what the emulator knew when it last answered."""
    execute = connection.execute
    clock = execute("SELECT value FROM meta WHERE name = 'clock'").fetchone()[0]
    subscriptions = {
        (topic, name): key
        for key, topic, name in execute("SELECT id, topic, name FROM subscription")
    }
    rows = execute("SELECT number, body, published FROM event ORDER BY number")
    events = {row[0]: Event(*row) for row in rows}
    fresh: dict[int, list[Event]] = {}
    entries: dict[int, list[Entry]] = {}
    for key, entry in _entries(connection, events):
        if entry.count == 0:
            fresh.setdefault(key, []).append(entry.event)
        else:
            entries.setdefault(key, []).append(entry)
    last_moment = execute(_LAST_MOMENT).fetchone()[0] or 0.0
    rows = execute("SELECT id, path, since, document FROM dead_letter ORDER BY id")
    letters = [DeadLetter(*row) for row in rows]
    last = max(events, default=0)
    return Stored(clock, last, last_moment, subscriptions, fresh, entries, letters)


def _entries(
    connection: sqlite3.Connection, events: dict[int, Event]
) -> Iterator[tuple[int, Entry]]:
    rows = connection.execute(
        "SELECT subscription, number, count, due, received, secret FROM entry"
        " ORDER BY subscription, number"
    )
    for key, number, count, due, received, secret in rows:
        entry = Entry(events[number], count)
        entry.due = due
        entry.received = received
        entry.secret = secret or b""
        entry.state = State.LOCKED if secret else State.DELAYED
        yield key, entry
