"""What a queue holds: events, and their entries once they were delivered."""

from dataclasses import dataclass
from enum import Enum


class Event:
    """One published event; its bytes are shared by every queue that holds it."""

    __slots__ = ("body", "number", "published", "reference_count")

    def __init__(self, number: int, body: bytes, published: float) -> None:
        self.number = number
        self.body = body
        self.published = published
        self.reference_count = 0


class State(Enum):
    """Where a delivered event is: on loan, held back, or ready to be received again."""

    LOCKED = "locked"
    DELAYED = "delayed"
    READY = "ready"


class Entry:
    """An event that was delivered at least once and is not settled for good."""

    __slots__ = ("count", "due", "event", "received", "secret", "since", "state")

    def __init__(self, event: Event, count: int) -> None:
        self.event = event
        self.count = count
        self.secret = b""
        self.received = 0.0
        self.since = 0.0
        self.due = 0.0
        self.state = State.READY


class DeadLetterReason(Enum):
    """Why an event left without being acknowledged."""

    MAX_DELIVERIES = "max-deliveries"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """An event to be dead-lettered or dropped."""

    event: Event
    count: int
    reason: DeadLetterReason
    last_attempt: float


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """What an event subscription says about its queue, in seconds and counts."""

    lock_duration: float
    max_delivery_count: int
    time_to_live: float


@dataclass(frozen=True, slots=True)
class Depth:
    """How many events are in each state, and when the oldest was published."""

    ready: int
    locked: int
    delayed: int
    oldest: float | None
