"""An event subscription and a store that do as scripted, over the emulator's real queue.

Time is the clock of the loop that runs. Each scripted fault befalls one call; when the
script is over, all is well.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from eventgrid_emulator.queue.entries import DeadLetterReason, Entry, Event, QueueLimits
from eventgrid_emulator.queue.lock_tokens import SECRET_LENGTH
from eventgrid_emulator.queue.queue import SubscriptionQueue
from eventgrid_pull.blob.append_log import InMemoryAppendLog, StoreUnavailable
from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import ReleaseDelay, Settled
from eventgrid_pull.wire.http_retry import EventGridError
from tests.eventgrid_pull import orders
from tests.virtual_time import now

RECEIVE_FAULTS = ["error", "answer lost", "late answer", "one event", "undecodable"]
SETTLE_FAULTS = [
    "error",
    "answer lost",
    "slow",
    "tokens fail",
    "locks lost",
    "left out",
    "pretended",
]
RENEW_FAULTS = ["error", "slow", "tokens fail", "locks lost", "left out"]
STORE_FAULTS = ["does not open", "refuses", "keeps it and fails", "slow"]

GIVEN_BACK = ReleaseDelay.ONE_MINUTE

type Act = Callable[[bytes], Entry | None]


class Store(InMemoryAppendLog):
    """An append log that fails as scripted; `entries` by lock token."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.entries: dict[str, list[orders.Entry]] = {}

    async def open(self, name: str, now: datetime) -> None:
        if self.faults[:1] == ["does not open"]:
            self.faults.pop(0)
            raise StoreUnavailable("does not open")

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "refuses":
            raise StoreUnavailable(fault)
        if fault == "slow":
            await asyncio.sleep(70)
        for line in lines.splitlines():
            entry = msgspec.json.decode(line, type=orders.Entry)
            self.entries.setdefault(entry.lock_token, []).append(entry)
        if fault == "keeps it and fails":
            raise StoreUnavailable(fault)


class Grid:
    """The queue as `consumer.Receiver`; every settlement that happens is checked.

    `acknowledged`, `rejected` and `worn_out` have the numbers of the events that ended
    so; what is in none of them is still queued. `handed_out` counts the deliveries that
    arrived, `confirmed` the lock tokens that were answered as settled.
    """

    def __init__(self, limits: QueueLimits, store: Store) -> None:
        self.queue = SubscriptionQueue(limits, self._draw)
        self._store = store
        self._drawn = 0
        self.receive_faults: list[str] = []
        self.settle_faults: list[str] = []
        self.renew_faults: list[str] = []
        self.giving_back = False
        self.handed_out = 0
        self.confirmed: Counter[str] = Counter()
        self.acknowledged: set[int] = set()
        self.rejected: set[int] = set()
        self.worn_out: set[int] = set()

    def publish(self, number: int, body: bytes) -> None:
        """One more event in the queue."""
        self.queue.enqueue(Event(number, body, now()))

    def sweep(self) -> None:
        """What is due by now happens; note what ended of itself."""
        self.queue.sweep(now())
        for ended in self.queue.take_undeliverable():
            assert ended.reason is not DeadLetterReason.EXPIRED
            if ended.reason is DeadLetterReason.MAX_DELIVERIES:
                self.worn_out.add(ended.event.number)

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        """As the service: at once when there is something, else after the wait."""
        fault = self.receive_faults.pop(0) if self.receive_faults else ""
        if fault == "error":
            raise EventGridError(fault, 503)
        self.sweep()
        if not self.queue.depth().ready:
            await asyncio.sleep(max_wait)
        taken = self.queue.receive(1 if fault == "one event" else max_events, now())
        for entry in taken:
            assert entry.count <= self.queue.limits.max_delivery_count
        found = [_delivery(entry) for entry in taken]
        if fault == "late answer":
            await asyncio.sleep(35)
        if fault == "answer lost":
            raise EventGridError(fault, transient=True)
        self.handed_out += len(found)
        if fault == "undecodable":
            found[:1] = map(_broken, found[:1])
        return found

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        """Done, if what is on record says so."""

        def act(secret: bytes) -> Entry | None:
            entry = self.queue.acknowledge(secret, now())
            if entry is not None:
                assert self._recorded(secret, "acknowledge"), "no entry, but settled"
                self.acknowledged.add(entry.event.number)
            return entry

        return await self._settled("acknowledge", tokens, act)

    async def reject(self, tokens: Sequence[str]) -> Settled:
        """Dead-lettered, if what is on record says why."""

        def act(secret: bytes) -> Entry | None:
            entry = self.queue.reject(secret, now())
            if entry is not None:
                recorded = self._recorded(secret, "reject")
                assert recorded, "no entry, but settled"
                assert recorded.reason, "rejected without a reason"
                self.rejected.add(entry.event.number)
            return entry

        return await self._settled("reject", tokens, act)

    async def release(self, tokens: Sequence[str], delay: ReleaseDelay) -> Settled:
        """Later, with an entry; without one only when something is out of order."""
        limit = self.queue.limits.max_delivery_count

        def act(secret: bytes) -> Entry | None:
            entry = self.queue.release(secret, delay, now())
            if entry is None:
                return None
            recorded = self._recorded(secret, "release")
            if recorded and recorded.delay_seconds == delay:
                assert recorded.reason, "released without a reason"
                assert entry.count < limit, "released on the last delivery"
            else:
                assert self.giving_back, "no entry, but released"
                assert delay == GIVEN_BACK
            return entry

        return await self._settled("release", tokens, act)

    async def renew(self, tokens: Sequence[str]) -> Settled:
        """The locks last their full time from now."""
        fault = self._next(self.renew_faults)
        return await self._settle(
            tokens, lambda secret: self.queue.renew(secret, now()), fault
        )

    async def _settled(self, verb: str, tokens: Sequence[str], act: Act) -> Settled:
        answer = await self._settle(tokens, act, self._next(self.settle_faults))
        self.confirmed[verb] += len(answer.succeeded)
        return answer

    async def _settle(self, tokens: Sequence[str], act: Act, fault: str) -> Settled:
        assert 1 <= len(tokens) <= 100
        if fault == "slow":
            await asyncio.sleep(30)
        if fault == "error":
            self.giving_back = True
            raise EventGridError(fault, 503)
        codes = [self._each(token, act, fault, n) for n, token in enumerate(tokens)]
        self.sweep()
        if fault == "answer lost":
            self.giving_back = True
            raise EventGridError(fault, transient=True)
        failed = {
            token: code for token, code in zip(tokens, codes, strict=True) if code
        }
        confirmed = frozenset(tokens) - failed.keys()
        return Settled(frozenset() if fault == "left out" else confirmed, failed)

    def _each(self, token: str, act: Act, fault: str, place: int) -> str | None:
        secret = int(token).to_bytes(SECRET_LENGTH)
        if fault == "tokens fail" and place % 2 == 0:
            return "InternalServerError"
        if fault == "locks lost":
            self.queue.release(secret, 0, now())
        if fault == "pretended" and self.queue.find(secret, now()):
            return None
        return None if act(secret) else "TokenLost"

    def _recorded(self, secret: bytes, disposition: str) -> orders.Entry | None:
        """The newest entry about that delivery, if it says so."""
        entries = self._store.entries.get(str(int.from_bytes(secret)), [])
        return (
            entries[-1] if entries and entries[-1].disposition == disposition else None
        )

    def _next(self, faults: list[str]) -> str:
        return faults.pop(0) if faults else ""

    def _draw(self, size: int) -> bytes:
        """Secrets in order, so that the same steps always meet the same ones."""
        count = size // SECRET_LENGTH
        numbers = range(self._drawn, self._drawn + count)
        self._drawn += count
        return b"".join(number.to_bytes(SECRET_LENGTH) for number in numbers)


def _delivery(entry: Entry) -> Delivery:
    token = str(int.from_bytes(entry.secret))
    raw = entry.event.body
    return Delivery(token, orders.read(raw, entry.count))


def _broken(delivery: Delivery) -> Delivery:
    raw = delivery.raw.replace(b'{"', b'{"data_base64":"AA==","', 1)
    return Delivery(delivery.lock_token, orders.read(raw, delivery.delivery_count))
