"""The queue of one event subscription: a state machine that gets the time as an argument.

Times are seconds since the epoch. Nothing here waits, writes or reads a clock.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator

from eventgrid_emulator.queue.due import DueEvents
from eventgrid_emulator.queue.entries import (
    DeadLetterReason,
    Depth,
    Entry,
    Event,
    QueueLimits,
    State,
    Undeliverable,
)
from eventgrid_emulator.queue.lock_tokens import SECRET_LENGTH

RENEW_WINDOW = 3600.0


class SubscriptionQueue:
    """Each event is in exactly one state: ready, locked, delayed or gone.

    Events never delivered wait in publish order, in which they also expire, so each
    costs only a place in the line. Delivered ones have an `Entry`, whose `due` is the
    next instant at which something happens to it.
    """

    def __init__(
        self, limits: QueueLimits, draw: Callable[[int], bytes] = os.urandom
    ) -> None:
        self.limits = limits
        self._draw = draw
        self._fresh: deque[Event] = deque()
        self._again: deque[int] = deque()
        self._entries: dict[int, Entry] = {}
        self._locks: dict[bytes, Entry] = {}
        self.due = DueEvents()
        self._ready_again = 0
        self.undeliverable: list[Undeliverable] = []
        self.expired_locks: list[int] = []

    def enqueue(self, event: Event) -> None:
        """Add the event at the end of the line."""
        event.reference_count += 1
        self._fresh.append(event)

    def restore(self, entry: Entry) -> None:
        """Take a delivered event back as it was stored: locked or delayed until due."""
        entry.event.reference_count += 1
        self._entries[entry.event.number] = entry
        if entry.state is State.LOCKED:
            self._locks[entry.secret] = entry
        else:
            entry.due = min(entry.due, self._expires(entry))
        self._mark(entry.due, [entry.event.number])

    def reconfigure(self, limits: QueueLimits) -> None:
        """Apply new limits; locks that are held keep their term."""
        self.limits = limits
        for entry in self._entries.values():
            if entry.state is State.READY:
                entry.due = self._expires(entry)
            elif entry.state is State.DELAYED:
                entry.due = min(entry.due, self._expires(entry))
        self.due.rebuild(self._entries)

    def receive(self, limit: int, now: float) -> list[Entry]:
        """Lock and return at most `limit` events, the longest available first."""
        self.sweep(now)
        taken: list[Entry] = []
        while len(taken) < limit and (entry := self._next()) is not None:
            taken.append(entry)
        if not taken:
            return taken
        secrets = self._draw(SECRET_LENGTH * len(taken))
        due = now + self.limits.lock_duration
        for index, entry in enumerate(taken):
            start = index * SECRET_LENGTH
            entry.secret = secrets[start : start + SECRET_LENGTH]
            entry.count += 1
            entry.state = State.LOCKED
            entry.received = now
            entry.due = due
            self._locks[entry.secret] = entry
        self._mark(due, [entry.event.number for entry in taken])
        return taken

    def acknowledge(self, secret: bytes, now: float) -> Entry | None:
        """Forget the event; return None when the lock is not held."""
        entry = self._take_lock(secret, now)
        if entry is not None:
            self._forget(entry)
        return entry

    def reject(self, secret: bytes, now: float) -> Entry | None:
        """End the event at once; return None when the lock is not held."""
        entry = self._take_lock(secret, now)
        if entry is not None:
            self._end(entry, DeadLetterReason.REJECTED)
        return entry

    def release(self, secret: bytes, delay: float, now: float) -> Entry | None:
        """Give the event back after the delay, or end it if it had its last delivery."""
        entry = self._take_lock(secret, now)
        if entry is not None:
            self._give_back(entry, now + delay, now)
        return entry

    def renew(self, secret: bytes, now: float) -> Entry | None:
        """Extend the lock by its full duration; return None when it is lost or too old."""
        entry = self.find(secret, now)
        if entry is None or now - entry.received > RENEW_WINDOW:
            return None
        entry.due = now + self.limits.lock_duration
        self._mark(entry.due, [entry.event.number])
        return entry

    def find(self, secret: bytes, now: float) -> Entry | None:
        """Return the event that this lock holds; None when it holds none any more."""
        entry = self._locks.get(secret)
        return entry if entry is not None and now < entry.due else None

    def sweep(self, now: float) -> None:
        """Do what is due: end locks and delays, expire old events."""
        for due, numbers in self.due.pop(now):
            for number in numbers:
                entry = self._entries.get(number)
                if entry is not None and entry.due == due:
                    self._handle_due(entry, due, now)
        oldest_allowed = now - self.limits.time_to_live
        while self._fresh and self._fresh[0].published <= oldest_allowed:
            event = self._fresh.popleft()
            event.reference_count -= 1
            self.undeliverable.append(
                Undeliverable(event, 0, DeadLetterReason.EXPIRED, event.published)
            )

    def clear(self) -> list[Event]:
        """Forget every event, locked and delayed ones too; return what was held."""
        held = [event for event, _ in self.holding()]
        for event in held:
            event.reference_count -= 1
        for store in (self._fresh, self._again, self._entries, self._locks, self.due):
            store.clear()
        self._ready_again = 0
        self.take_undeliverable()
        self.take_expired_locks()
        return held

    def holding(self) -> Iterator[tuple[Event, Entry | None]]:
        """Yield every event that is held, with its entry once it was delivered."""
        for entry in self._entries.values():
            yield entry.event, entry
        for event in self._fresh:
            yield event, None

    def __len__(self) -> int:
        return len(self._fresh) + len(self._entries)

    def take_undeliverable(self) -> list[Undeliverable]:
        """Return what became undeliverable since the last call."""
        undeliverable, self.undeliverable = self.undeliverable, []
        return undeliverable

    def take_expired_locks(self) -> list[int]:
        """Return the events whose lock has expired since the last call."""
        expired_locks, self.expired_locks = self.expired_locks, []
        return expired_locks

    def depth(self) -> Depth:
        """Return how many events are in each state, and the oldest's publish time."""
        locked = len(self._locks)
        delayed = len(self._entries) - locked - self._ready_again
        times = [entry.event.published for entry in self._entries.values()]
        if self._fresh:
            times.append(self._fresh[0].published)
        ready = len(self._fresh) + self._ready_again
        return Depth(ready, locked, delayed, min(times, default=None))

    def _next(self) -> Entry | None:
        while self._again:
            entry = self._entries.get(self._again[0])
            if entry is None or entry.state is not State.READY:
                self._again.popleft()
                continue
            if self._fresh and self._fresh[0].published < entry.since:
                break
            self._again.popleft()
            self._ready_again -= 1
            return entry
        if not self._fresh:
            return None
        event = self._fresh.popleft()
        entry = self._entries[event.number] = Entry(event, 0)
        return entry

    def _take_lock(self, secret: bytes, now: float) -> Entry | None:
        entry = self.find(secret, now)
        if entry is not None:
            del self._locks[secret]
        return entry

    def _handle_due(self, entry: Entry, due: float, now: float) -> None:
        if entry.state is State.READY:
            self._ready_again -= 1
            self._end(entry, DeadLetterReason.EXPIRED)
            return
        if entry.state is State.LOCKED:
            del self._locks[entry.secret]
            self.expired_locks.append(entry.event.number)
        self._give_back(entry, due, now)

    def _give_back(self, entry: Entry, available: float, now: float) -> None:
        expires = self._expires(entry)
        if entry.state is State.LOCKED and self._is_worn_out(entry):
            self._end(entry, DeadLetterReason.MAX_DELIVERIES)
        elif expires <= now:
            self._end(entry, DeadLetterReason.EXPIRED)
        elif available > now:
            entry.state = State.DELAYED
            entry.due = min(available, expires)
            self._mark(entry.due, [entry.event.number])
        else:
            entry.state = State.READY
            entry.since = available
            entry.due = expires
            self._ready_again += 1
            self._again.append(entry.event.number)
            self._mark(expires, [entry.event.number])

    def _expires(self, entry: Entry) -> float:
        return entry.event.published + self.limits.time_to_live

    def _is_worn_out(self, entry: Entry) -> bool:
        return entry.count >= self.limits.max_delivery_count

    def _end(self, entry: Entry, reason: DeadLetterReason) -> None:
        self._forget(entry)
        self.undeliverable.append(
            Undeliverable(entry.event, entry.count, reason, entry.received)
        )

    def _forget(self, entry: Entry) -> None:
        del self._entries[entry.event.number]
        entry.event.reference_count -= 1

    def _mark(self, due: float, numbers: list[int]) -> None:
        self.due.mark(due, numbers, self._entries)
