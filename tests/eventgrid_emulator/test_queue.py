"""The queue of one event subscription, at given times."""

from eventgrid_emulator.queue.entries import (
    DeadLetterReason,
    Entry,
    Event,
    QueueLimits,
    State,
)
from eventgrid_emulator.queue.queue import SubscriptionQueue

LIMITS = QueueLimits(lock_duration=60, max_delivery_count=3, time_to_live=7200)


def a_queue(*published: float, limits: QueueLimits = LIMITS) -> SubscriptionQueue:
    queue = SubscriptionQueue(limits)
    for number, at in enumerate(published, start=1):
        queue.enqueue(Event(number, b"{}", at))
    return queue


def test_a_lock_is_renewed_within_an_hour_of_its_receive_only() -> None:
    """The last renewal is at one hour; the next is refused and the lock runs out."""
    queue = a_queue(0)
    [entry] = queue.receive(1, 0)
    for at in range(50, 3601, 50):
        assert queue.renew(entry.secret, at) is entry

    assert queue.renew(entry.secret, 3600.5) is None
    assert queue.acknowledge(entry.secret, 3659) is entry


def test_the_longest_available_event_is_delivered_first() -> None:
    """A released event queues behind those that were available before it."""
    queue = a_queue(0, 0, 0)
    [first] = queue.receive(1, 0)
    queue.release(first.secret, 0, 1)

    assert [entry.event.number for entry in queue.receive(3, 2)] == [2, 3, 1]


def test_no_mark_is_left_behind_by_settled_events() -> None:
    """A day of traffic does not grow the queue's bookkeeping."""
    queue = SubscriptionQueue(LIMITS)
    for number in range(20_000):
        queue.enqueue(Event(number, b"{}", 0))
        [entry] = queue.receive(1, 0)
        queue.acknowledge(entry.secret, 0)

    assert len(queue.due) < 5_000


def test_a_delay_that_outlasts_the_life_of_its_event_ends_with_it() -> None:
    """Whether it was asked for, restored, or the limits changed meanwhile."""
    queue = a_queue(0, 0)
    for delay in (0, 3600):
        [entry] = queue.receive(1, 0)
        queue.release(entry.secret, delay, 0)
    queue.reconfigure(QueueLimits(60, 3, 100))
    restored = SubscriptionQueue(QueueLimits(60, 3, 100))
    again = Entry(Event(1, b"{}", 0), 1)
    again.state, again.due = State.DELAYED, 3600
    restored.restore(again)

    for fresh, held in ((queue, 2), (restored, 1)):
        fresh.sweep(100)
        endings = [ended.reason for ended in fresh.take_undeliverable()]
        assert endings == [DeadLetterReason.EXPIRED] * held


def test_the_bytes_of_an_event_are_shared_by_all_queues() -> None:
    """Three event subscriptions hold one copy, and each lets go on its own."""
    event = Event(1, b"{}", 0)
    queues = [SubscriptionQueue(LIMITS) for _ in range(3)]
    for queue in queues:
        queue.enqueue(event)

    assert event.reference_count == 3
    for left, queue in zip((2, 1, 0), queues, strict=True):
        [entry] = queue.receive(1, 0)
        assert entry.event is event
        queue.acknowledge(entry.secret, 0)
        assert event.reference_count == left
