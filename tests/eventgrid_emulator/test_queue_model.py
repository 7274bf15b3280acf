"""The queue as a state machine against a dictionary of locks."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from eventgrid_emulator.queue.entries import DeadLetterReason, Entry, Event, QueueLimits
from eventgrid_emulator.queue.lock_tokens import SECRET_LENGTH
from eventgrid_emulator.queue.queue import RENEW_WINDOW, SubscriptionQueue

LOCK, LIMIT, TTL = 60, 3, 7200
# Times come from the boundaries: an off-by-one shows nowhere else.
WAITS = [1, 10, 59, 60, 61, 600, 3540, 3600, 3601, TTL - 1, TTL]
DELAYS = [0, 10, 60, 600, 3600]


class Held:
    """What the model knows of one event."""

    def __init__(self, published: float) -> None:
        self.published = published
        self.count = 0
        self.locked_until: float | None = None
        self.received = 0.0
        self.available = published

    @property
    def expires(self) -> float:
        return self.published + TTL


class QueueMachine(RuleBasedStateMachine):
    """Every event is available, locked, delayed, acknowledged or ended, and just one."""

    make: type[SubscriptionQueue] = SubscriptionQueue

    @initialize(start=st.sampled_from([0.0, 1_800_000_000.0]))
    def begin(self, start: float) -> None:
        self.now = start
        self.drawn = 0
        self.queue = self.make(QueueLimits(LOCK, LIMIT, TTL), self.draw)
        self.model: dict[int, Held] = {}
        self.tokens: dict[bytes, int] = {}
        self.spent: list[bytes] = []
        self.published = self.acknowledged = 0
        self.ended: dict[int, DeadLetterReason] = {}
        self.expected: dict[int, DeadLetterReason] = {}

    @rule(waited=st.sampled_from(WAITS))
    def time_passes(self, waited: int) -> None:
        self.now += waited

    @rule(count=st.integers(1, 3))
    def publish(self, count: int) -> None:
        for _ in range(count):
            self.published += 1
            self.model[self.published] = Held(self.now)
            self.queue.enqueue(Event(self.published, b"{}", self.now))

    @rule(limit=st.integers(1, 5))
    def receive(self, limit: int) -> None:
        self.expire_locks()
        available = {
            number
            for number, held in self.model.items()
            if held.locked_until is None and held.available <= self.now
        }
        taken = self.queue.receive(limit, self.now)
        assert len(taken) == min(limit, len(available))
        for entry in taken:
            held = self.model[entry.event.number]
            assert entry.event.number in available
            assert entry.secret not in self.tokens, "a lock token was given out twice"
            assert entry.secret not in self.spent, "a lock token was given out twice"
            held.count += 1
            assert entry.count == held.count <= LIMIT
            held.locked_until = self.now + LOCK
            held.received = self.now
            self.tokens[entry.secret] = entry.event.number

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), verb=st.sampled_from(["acknowledge", "reject", "renew"]))
    def settle(self, data: st.DataObject, verb: str) -> None:
        secret, held = self.pick(data)
        result = getattr(self.queue, verb)(secret, self.now)
        if not self.is_held(held) or (verb == "renew" and self.is_too_old(held)):
            assert result is None
            return
        assert result is not None
        number = self.tokens[secret]
        if verb == "renew":
            held.locked_until = self.now + LOCK
            return
        self.spend(secret)
        del self.model[number]
        if verb == "acknowledge":
            self.acknowledged += 1
        else:
            self.expected[number] = DeadLetterReason.REJECTED

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), delay=st.sampled_from(DELAYS))
    def release(self, data: st.DataObject, delay: int) -> None:
        secret, held = self.pick(data)
        result = self.queue.release(secret, delay, self.now)
        assert (result is not None) == self.is_held(held)
        if result is not None:
            self.give_back(secret, self.now + delay)

    @precondition(lambda self: self.spent)
    @rule(data=st.data(), verb=st.sampled_from(["acknowledge", "reject", "renew"]))
    def use_a_spent_lock(self, data: st.DataObject, verb: str) -> None:
        secret = data.draw(st.sampled_from(self.spent))
        assert getattr(self.queue, verb)(secret, self.now) is None

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        if not hasattr(self, "queue"):
            return
        self.expire_locks()
        self.queue.sweep(self.now)
        for ended in self.queue.take_undeliverable():
            assert ended.event.number not in self.ended, "an event ended twice"
            self.ended[ended.event.number] = ended.reason
        assert self.ended == self.expected
        depth = self.queue.depth()
        locked = [held for held in self.model.values() if held.locked_until is not None]
        assert depth.locked == len(locked)
        assert len(self.queue) == len(self.model)
        assert self.published == len(self.queue) + self.acknowledged + len(self.ended)
        times = [held.published for held in self.model.values()]
        assert depth.oldest == min(times, default=None)

    def draw(self, size: int) -> bytes:
        """Return secrets in order, so that the same steps always meet the same ones."""
        count = size // SECRET_LENGTH
        numbers = range(self.drawn, self.drawn + count)
        self.drawn += count
        return b"".join(number.to_bytes(SECRET_LENGTH) for number in numbers)

    def expire_locks(self) -> None:
        """End the locks and lives of the model that are over by now."""
        for secret, number in list(self.tokens.items()):
            until = self.model[number].locked_until
            if until is not None and until <= self.now:
                self.give_back(secret, until)
        for number, held in list(self.model.items()):
            if held.locked_until is None and held.expires <= self.now:
                del self.model[number]
                self.expected[number] = DeadLetterReason.EXPIRED

    def give_back(self, secret: bytes, available: float) -> None:
        number = self.tokens[secret]
        held = self.model[number]
        self.spend(secret)
        held.locked_until = None
        held.available = available
        if held.count >= LIMIT:
            del self.model[number]
            self.expected[number] = DeadLetterReason.MAX_DELIVERIES

    def pick(self, data: st.DataObject) -> tuple[bytes, Held]:
        secret = data.draw(st.sampled_from(sorted(self.tokens)))
        return secret, self.model[self.tokens[secret]]

    def spend(self, secret: bytes) -> None:
        del self.tokens[secret]
        self.spent.append(secret)

    def is_held(self, held: Held) -> bool:
        return held.locked_until is not None and self.now < held.locked_until

    def is_too_old(self, held: Held) -> bool:
        return self.now - held.received > RENEW_WINDOW


def test_every_event_is_in_one_place_until_it_ends() -> None:
    """Lives and locks end when they should, and only then."""
    run_state_machine_as_test(QueueMachine)


class SpentTokensWork(SubscriptionQueue):
    """Planted: a lock survives its settlement."""

    def _take_lock(self, secret: bytes, now: float) -> Entry | None:
        entry = super()._take_lock(secret, now)
        if entry is not None:
            self._locks[secret] = entry
        return entry


class LocksLastTooLong(SubscriptionQueue):
    """Planted: a lock is still held at the very moment of its end."""

    def sweep(self, now: float) -> None:
        super().sweep(now - 1e-6)

    def find(self, secret: bytes, now: float) -> Entry | None:
        entry = self._locks.get(secret)
        return entry if entry is not None and now <= entry.due else None


class ReleaseKeepsTheLock(SubscriptionQueue):
    """Planted: a release answers and does nothing."""

    def release(self, secret: bytes, delay: float, now: float) -> Entry | None:
        return self.find(secret, now)


class OneDeliveryTooMany(SubscriptionQueue):
    """Planted: an event ends after one delivery more than allowed."""

    def _is_worn_out(self, entry: Entry) -> bool:
        return entry.count > self.limits.max_delivery_count


@pytest.mark.parametrize(
    "planted",
    [SpentTokensWork, LocksLastTooLong, ReleaseKeepsTheLock, OneDeliveryTooMany],
)
def test_the_model_catches_a_planted_bug(planted: type[SubscriptionQueue]) -> None:
    """A model that lets these pass would prove nothing about the queue."""
    machine = type(planted.__name__, (QueueMachine,), {"make": planted})
    quiet = settings(
        max_examples=500,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    with pytest.raises(BaseException) as caught:  # noqa: PT011  (whatever breaks first)
        run_state_machine_as_test(machine, settings=quiet)

    assert isinstance(caught.value, AssertionError | KeyError | BaseExceptionGroup)
