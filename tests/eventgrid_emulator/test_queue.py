"""The queue of one event subscription, told the time."""

from eventgrid_emulator.queue.entries import Ending, Entry, Event, QueueLimits, State
from eventgrid_emulator.queue.queue import SubscriptionQueue

LIMITS = QueueLimits(lock_duration=60, max_delivery_count=3, time_to_live=7200)


def a_queue(*published: float, limits: QueueLimits = LIMITS) -> SubscriptionQueue:
    queue = SubscriptionQueue(limits)
    for number, at in enumerate(published, start=1):
        queue.enqueue(Event(number, b"{}", at))
    return queue


def test_a_received_event_is_locked_until_the_lock_ends() -> None:
    """Nobody else gets an event on loan; at the end of the lock it is available again."""
    queue = a_queue(0)
    [first] = queue.receive(10, 0)
    secret = first.secret

    assert queue.receive(10, 59.999) == []
    [second] = queue.receive(10, 60)
    assert second.count == 2
    assert second.secret != secret
    assert queue.acknowledge(secret, 60) is None


def test_a_released_event_waits_for_its_delay() -> None:
    """A delay of 10 s ends at 10 s, not before."""
    queue = a_queue(0)
    [entry] = queue.receive(1, 0)
    queue.release(entry.secret, 10, 5)

    assert queue.depth().delayed == 1
    assert queue.receive(1, 14.9) == []
    [again] = queue.receive(1, 15)
    assert again.count == 2


def test_a_lock_is_renewed_within_an_hour_of_its_receive_only() -> None:
    """The last renewal is at one hour; the next is refused and the lock runs out."""
    queue = a_queue(0)
    [entry] = queue.receive(1, 0)
    for at in range(50, 3601, 50):
        assert queue.renew(entry.secret, at) is entry

    assert queue.renew(entry.secret, 3600.5) is None
    assert queue.acknowledge(entry.secret, 3659) is entry


def test_the_last_permitted_delivery_ends_in_dead_lettering() -> None:
    """After the third lock ends the event is never delivered again."""
    queue = a_queue(0)
    for at in (0, 60, 120):
        assert len(queue.receive(1, at)) == 1

    assert queue.receive(1, 180) == []
    [ended] = queue.take_ended()
    assert (ended.ending, ended.count) == (Ending.MAX_DELIVERIES, 3)


def test_a_rejected_event_ends_at_once() -> None:
    """Reject does not wait for the maximum delivery count."""
    queue = a_queue(0)
    [entry] = queue.receive(1, 0)
    queue.reject(entry.secret, 1)

    [ended] = queue.take_ended()
    assert (ended.ending, ended.count, ended.last_attempt) == (Ending.REJECTED, 1, 0)


def test_an_event_expires_wherever_it_waits() -> None:
    """Time to live ends never-delivered, released and delayed events alike."""
    queue = a_queue(0, 0, 0)
    delayed, ready = queue.receive(2, 7100)
    queue.release(delayed.secret, 3600, 7101)
    queue.release(ready.secret, 0, 7101)

    queue.sweep(7199.9)
    assert queue.take_ended() == []
    queue.sweep(7200)
    assert [ended.ending for ended in queue.take_ended()] == [Ending.EXPIRED] * 3
    assert len(queue) == 0


def test_an_event_that_expires_under_a_lock_can_still_be_acknowledged() -> None:
    """Time to live is looked at when a lock ends, not while it is held."""
    queue = a_queue(0, 0)
    first, second = queue.receive(2, 7199)

    assert queue.acknowledge(first.secret, 7201) is first
    queue.release(second.secret, 0, 7201)
    assert [ended.ending for ended in queue.take_ended()] == [Ending.EXPIRED]


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


def test_new_limits_hold_for_what_is_queued_already() -> None:
    """A shorter time to live ends events that a longer one would have kept."""
    queue = a_queue(0)
    [entry] = queue.receive(1, 0)
    queue.release(entry.secret, 0, 0)
    queue.reconfigure(QueueLimits(60, 3, 100))

    queue.sweep(100)
    assert [ended.ending for ended in queue.take_ended()] == [Ending.EXPIRED]


def test_a_delay_that_outlasts_the_life_of_its_event_ends_with_it() -> None:
    """Whether it was asked for, restored, or the limits changed meanwhile."""
    queue = a_queue(0)
    [entry] = queue.receive(1, 0)
    queue.release(entry.secret, 3600, 0)
    queue.reconfigure(QueueLimits(60, 3, 100))
    restored = SubscriptionQueue(QueueLimits(60, 3, 100))
    again = Entry(Event(1, b"{}", 0), 1)
    again.state, again.due = State.DELAYED, 3600
    restored.restore(again)

    for fresh in (queue, restored):
        fresh.sweep(100)
        assert [ended.ending for ended in fresh.take_ended()] == [Ending.EXPIRED]


def test_the_bytes_of_an_event_are_shared_by_all_queues() -> None:
    """Three event subscriptions hold one copy, and each lets go on its own."""
    event = Event(1, b"{}", 0)
    queues = [SubscriptionQueue(LIMITS) for _ in range(3)]
    for queue in queues:
        queue.enqueue(event)

    assert event.holders == 3
    for left, queue in zip((2, 1, 0), queues, strict=True):
        [entry] = queue.receive(1, 0)
        assert entry.event is event
        queue.acknowledge(entry.secret, 0)
        assert event.holders == left
