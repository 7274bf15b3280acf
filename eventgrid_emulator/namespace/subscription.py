"""One event subscription at work: its queue, its waiting receivers, its counts."""

import asyncio
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from eventgrid_emulator.queue import lock_tokens
from eventgrid_emulator.queue.entries import Entry, Event
from eventgrid_emulator.queue.queue import SubscriptionQueue
from eventgrid_emulator.topology.topology import EventSubscription

EMPTY = b'{"value":[]}'


class Counts(msgspec.Struct, rename="camel"):
    """How often each thing has happened since the start."""

    matched: int = 0
    received: int = 0
    acknowledged: int = 0
    released: int = 0
    rejected: int = 0
    renewed: int = 0
    failed_tokens: int = 0
    dead_lettered: int = 0
    dropped: int = 0


@dataclass(slots=True, eq=False)
class Waiter:
    """A receive that waits for its first event."""

    limit: int
    answer: asyncio.Future[bytes]
    ends: float


@dataclass(slots=True, eq=False)
class Subscription:
    """An event subscription of a topic; `key` names it in the store."""

    key: int
    topic: str
    declared: EventSubscription
    container: str | None = None
    queue: SubscriptionQueue = field(init=False)
    counts: Counts = field(default_factory=Counts)
    waiters: dict[asyncio.Future[bytes], Waiter] = field(default_factory=dict)
    alarm: asyncio.TimerHandle | None = None
    token_start: bytes = field(default_factory=lambda: lock_tokens.prefix(uuid.uuid4()))

    def __post_init__(self) -> None:
        self.queue = SubscriptionQueue(self.declared.limits)

    @property
    def name(self) -> str:
        """Return the name it was declared with."""
        return self.declared.name

    def answer(self, taken: list[Entry]) -> bytes:
        """Return the body of a receive that took these events."""
        encode, start = lock_tokens.encode, self.token_start
        items = [
            b'{"brokerProperties":{"lockToken":"%b","deliveryCount":%d},"event":%b}'
            % (encode(start, entry.secret), entry.count, entry.event.body)
            for entry in taken
        ]
        return b'{"value":[%b]}' % b",".join(items)

    def wait(self, limit: int, ends: float) -> asyncio.Future[bytes]:
        """Add a receiver at the end of the line, until the time `ends`."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.waiters[answer] = Waiter(limit, answer, ends)
        return answer

    def reset(self) -> list[Event]:
        """Forget counts and events, answer receivers; return the events that were held."""
        self.counts = Counts()
        self.dismiss_all()
        return self.queue.clear()

    def dismiss_all(self) -> None:
        """Answer every receiver without events, and cancel the alarm."""
        self.cancel_alarm()
        self.dismiss(math.inf)

    def dismiss(self, now: float) -> None:
        """Answer the receivers whose wait is over by `now`, without events."""
        for answer, waiter in list(self.waiters.items()):
            if waiter.ends <= now and not answer.done():
                del self.waiters[answer]
                answer.set_result(EMPTY)

    def leave(self, answer: asyncio.Future[bytes]) -> bool:
        """Take the receiver out of the line; False when events were taken for it already."""
        return self.waiters.pop(answer, None) is not None

    def next_waiter(self) -> Waiter | None:
        """Return the receiver that has waited longest and still does."""
        while self.waiters:
            waiter = next(iter(self.waiters.values()))
            if not waiter.answer.done():
                return waiter
            del self.waiters[waiter.answer]
        return None

    def set_alarm(self, now: float, ring: Callable[[], None]) -> None:
        """Call `ring` when the next lock or delay ends, if a receiver waits for it."""
        self.cancel_alarm()
        due = self.queue.due.next
        if due is not None and self.next_waiter() is not None:
            delay = max(0.0, due - now)
            self.alarm = asyncio.get_running_loop().call_later(delay, ring)

    def cancel_alarm(self) -> None:
        """Cancel the alarm."""
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
