"""What has to be stored for each thing that happens; without a store, nothing.

A request becomes a handful of statements, each over a list of event numbers, so that
SQLite works through a whole batch in one step.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from eventgrid_emulator.dead_letters.document import DeadLetter
from eventgrid_emulator.queue.entries import Entry, Event
from eventgrid_emulator.storage.sqlite import Statement, Store

_json = msgspec.json.encode

_INSERT_EVENTS = """
INSERT INTO event (number, published, body)
SELECT value ->> 0, ?, substr(?, (value ->> 1) + 1, value ->> 2) FROM json_each(?)
"""
_INSERT_ENTRIES = """
INSERT INTO entry (subscription, number) SELECT ?, value FROM json_each(?)
"""
# An upsert, because it walks through the list; UPDATE ... FROM would walk the whole table.
_LOCK = """
INSERT INTO entry (subscription, number, count, due, received, secret)
SELECT ?, value, 1, ?, ?, substr(?, key * 16 + 1, 16) FROM json_each(?) WHERE true
ON CONFLICT (subscription, number) DO UPDATE SET
    count = count + 1, due = excluded.due, received = excluded.received,
    secret = excluded.secret
"""
_RENEW = """
UPDATE entry SET due = ? WHERE subscription = ?
    AND number IN (SELECT value FROM json_each(?))
"""
_RELEASE = """
UPDATE entry SET due = ?, secret = NULL WHERE subscription = ?
    AND number IN (SELECT value FROM json_each(?))
"""
_DELETE_ENTRIES = """
DELETE FROM entry WHERE subscription = ?
    AND number IN (SELECT value FROM json_each(?))
"""
_DELETE_EVENTS = """
DELETE FROM event WHERE number IN (SELECT value FROM json_each(?))
"""
_DELETE_DEAD_LETTERS = """
DELETE FROM dead_letter WHERE id IN (SELECT value FROM json_each(?))
"""


class Journal:
    """Collects what one request changed, and commits it as one transaction."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._pending: list[Statement] = []

    def commit(self) -> asyncio.Future[None] | None:
        """Hand all that was noted to the store; return None when there is nothing."""
        if self._store is None or not self._pending:
            return None
        pending, self._pending = self._pending, []
        return self._store.write(pending)

    def discard(self) -> None:
        """Forget what was noted and not committed."""
        self._pending.clear()

    def add_subscription(self, key: int, topic: str, name: str) -> None:
        """Note the key of an event subscription."""
        self._note("INSERT INTO subscription VALUES (?, ?, ?)", (key, topic, name))

    def move_clock(self, offset: float) -> None:
        """Note how far the clock is ahead of the machine's."""
        self._note("UPDATE meta SET value = ? WHERE name = 'clock'", (offset,))

    def publish(self, events: Sequence[Event], published: float) -> None:
        """Note events, which are kept until no event subscription holds them."""
        if self._store is None or not events:
            return
        places, start = [], 0
        for event in events:
            places.append((event.number, start, len(event.body)))
            start += len(event.body)
        bodies = b"".join([event.body for event in events])
        self._note(_INSERT_EVENTS, (published, bodies, _text(places)))

    def enqueue(self, key: int, numbers: list[int]) -> None:
        """Note that the event subscription holds these events."""
        if self._store is not None and numbers:
            self._note(_INSERT_ENTRIES, (key, _text(numbers)))

    def receive(self, key: int, taken: list[Entry]) -> None:
        """Note that these events are locked."""
        if self._store is None or not taken:
            return
        first, secrets = taken[0], b"".join([entry.secret for entry in taken])
        values = (key, first.due, first.received, secrets, _numbers(taken))
        self._note(_LOCK, values)

    def renew(self, key: int, entries: list[Entry]) -> None:
        """Note that these locks last longer."""
        if self._store is not None and entries:
            self._note(_RENEW, (entries[0].due, key, _numbers(entries)))

    def release(self, key: int, entries: list[Entry], due: float) -> None:
        """Note that these events are not locked any more, and available from then on."""
        if self._store is not None and entries:
            self._note(_RELEASE, (due, key, _numbers(entries)))

    def forget(self, key: int, events: list[Event]) -> None:
        """Note that the event subscription does not hold these events any more."""
        if self._store is None or not events:
            return
        self._note(_DELETE_ENTRIES, (key, _text([event.number for event in events])))
        unheld = [event.number for event in events if event.reference_count == 0]
        if unheld:
            self._note(_DELETE_EVENTS, (_text(unheld),))

    def dead_letter(self, letter: DeadLetter) -> None:
        """Note a document that has to reach its destination."""
        values = (letter.id, letter.blob, letter.since, letter.document)
        self._note("INSERT INTO dead_letter VALUES (?, ?, ?, ?)", values)

    def forget_dead_letters(self, ids: list[int]) -> None:
        """Note that these documents have reached their destination, or were given up."""
        if ids:
            self._note(_DELETE_DEAD_LETTERS, (_text(ids),))

    def _note(self, sql: str, values: Sequence[object]) -> None:
        if self._store is not None:
            self._pending.append((sql, values))


def _numbers(entries: list[Entry]) -> str:
    return _text([entry.event.number for entry in entries])


def _text(value: object) -> str:
    return _json(value).decode()
