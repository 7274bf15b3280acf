"""An Event Grid namespace: what its topics and event subscriptions do together."""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Sequence

from eventgrid_emulator.dead_letters.destinations import Destination
from eventgrid_emulator.errors import Refusal, not_found
from eventgrid_emulator.events.cloudevents import Published
from eventgrid_emulator.namespace import topics
from eventgrid_emulator.namespace.dead_lettering import DeadLettering
from eventgrid_emulator.namespace.history import History, Step, bounded_id
from eventgrid_emulator.namespace.subscription import EMPTY, Subscription
from eventgrid_emulator.namespace.topics import Topic
from eventgrid_emulator.namespace.watchers import Watchers
from eventgrid_emulator.queue.clock import Clock
from eventgrid_emulator.queue.entries import Event
from eventgrid_emulator.storage.commits import Commits, unavailable
from eventgrid_emulator.storage.journal import Journal
from eventgrid_emulator.storage.schema import Stored, read_all
from eventgrid_emulator.storage.sqlite import Store, StoreError
from eventgrid_emulator.topology.topology import Topology

logger = logging.getLogger(__name__)

SWEEP_EVERY = 1.0
LAST_LETTERS = 3.0


class Namespace:
    """Everything behind the endpoint. Methods return once what they did is stored."""

    def __init__(
        self,
        topology: Topology,
        *,
        name: str = "local",
        clock: Clock | None = None,
        store: Store | None = None,
        dead_letters: Destination | None = None,
    ) -> None:
        self.name = name
        self.clock = clock or Clock()
        self.history = History()
        self.journal = Journal(store)
        self.commits = Commits(store, self.journal, self._recover)
        stored = store.read(read_all) if store else Stored()
        self.clock.offset = stored.clock
        self.clock.not_before(stored.last_moment)
        self.known = topics.restore_subscriptions(stored)
        self.topology = topology
        self.topics = topics.apply(topology, self.known, self.journal.add_subscription)
        self.dead_lettering = DeadLettering(
            name, self.clock, self.journal, self.commits, self.known, dead_letters
        )
        self._number = 0
        self.watchers = Watchers()
        self._restore(stored)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start to sweep and to send dead letters; store what the topology added."""
        self.commits.start()
        for work in (self._sweep_forever(), self.dead_lettering.outbox.run()):
            task = asyncio.create_task(work)
            task.add_done_callback(_report)
            self._tasks.append(task)
        await self.commits.flush()

    async def close(self) -> None:
        """Answer receivers that wait with nothing, and store all that happened."""
        self.watchers.close()
        for subscription in self.known.values():
            subscription.dismiss_all()
        with contextlib.suppress(Refusal):
            await self.commits.flush()
        await self.dead_lettering.outbox.wait_until_sent(LAST_LETTERS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.commits.close()

    def topic(self, name: str) -> Topic:
        """Return the topic of this name, or raise a 404."""
        if name not in self.topics:
            raise not_found("Topic", name, self.topics)
        return self.topics[name]

    def subscription(self, topic: str, name: str) -> Subscription:
        """Return the event subscription of this topic and name, or raise a 404."""
        known = self.topic(topic).subscriptions
        if name not in known:
            raise not_found("Event subscription", name, known)
        return known[name]

    async def publish(self, topic: Topic, events: Sequence[Published]) -> None:
        """Put each event into the queue of every event subscription that it matches."""
        self.commits.check()
        now = self.clock.now()
        kept: list[Event] = []
        ids: list[object] = []
        enqueued: dict[int, tuple[Subscription, list[int]]] = {}
        for sent in events:
            event = Event(self._number + 1, sent.body, now)
            for subscription in topic.matching(sent.attributes):
                subscription.queue.enqueue(event)
                _, numbers = enqueued.setdefault(subscription.key, (subscription, []))
                numbers.append(event.number)
            if event.reference_count:
                self._number = event.number
                kept.append(event)
                ids.append(bounded_id(sent.attributes["id"]))
        topic.published += len(events)
        topic.unmatched += len(events) - len(kept)
        self.journal.publish(kept, now)
        published = [event.number for event in kept]
        self.history.note(Step(now, "published", None, published, ids))
        for subscription, numbers in enqueued.values():
            subscription.counts.matched += len(numbers)
            self.journal.enqueue(subscription.key, numbers)
            self.note(subscription, "queued", numbers)
        for subscription, _ in enqueued.values():
            self.serve(subscription, now)
        await self.commits.flush()

    async def receive(
        self, subscription: Subscription, limit: int, longest: float
    ) -> bytes:
        """Return an answer with at least one event, or an empty one after the longest wait."""
        self.commits.check()
        now = self.clock.now()
        answer = subscription.wait(limit, now + longest)
        self.serve(subscription, now)
        self.commits.commit()
        try:
            await asyncio.wait([answer], timeout=longest)
            if not answer.done() and subscription.leave(answer):
                return EMPTY
            return await asyncio.shield(answer)
        except StoreError as problem:
            raise unavailable(problem) from None
        finally:
            subscription.leave(answer)

    def serve(self, subscription: Subscription, now: float) -> None:
        """Give available events to the receivers that wait, first come first."""
        subscription.queue.sweep(now)
        self.note(subscription, "lock expired", subscription.queue.take_expired_locks())
        while (waiter := subscription.next_waiter()) is not None:
            taken = subscription.queue.receive(waiter.limit, now)
            if not taken:
                break
            subscription.leave(waiter.answer)
            subscription.counts.received += len(taken)
            self.journal.receive(subscription.key, taken)
            self.note(subscription, "received", [entry.event.number for entry in taken])
            self.commits.answer(waiter.answer, subscription.answer(taken))
        self._dead_letter(subscription)
        subscription.set_alarm(now, lambda: self._ring(subscription))

    def note(
        self, subscription: Subscription, what: str, numbers: Sequence[int]
    ) -> None:
        """Remember what happened to these events just now."""
        self.history.note(Step(self.clock.latest, what, subscription.name, numbers))
        self.watchers.notify()

    def sweep(self) -> None:
        """Do whatever is due by now, in every queue."""
        now = self.clock.now()
        for subscription in self.known.values():
            self.serve(subscription, now)
            subscription.dismiss(now)
        self.commits.commit()

    async def advance(self, seconds: float) -> None:
        """Move the clock forward, and do all that became due."""
        self.commits.check()
        self.clock.advance(seconds)
        self.journal.move_clock(self.clock.offset)
        self.sweep()
        self.dead_lettering.outbox.try_now()
        await self.commits.flush()

    async def reload(self, topology: Topology) -> None:
        """Apply the topology; event subscriptions keep what they hold."""
        self.commits.check()
        before, self.topology = self.topics, topology
        self.topics = topics.apply(topology, self.known, self.journal.add_subscription)
        for name, topic in self.topics.items():
            if name in before:
                topic.published = before[name].published
                topic.unmatched = before[name].unmatched
        self.sweep()
        await self.commits.flush()

    async def reset(self, only: Collection[Subscription] | None = None) -> None:
        """Empty these event subscriptions, or all of them with history and clock."""
        self.commits.check()
        emptied = self.known.values() if only is None else only
        for subscription in emptied:
            self.journal.forget(subscription.key, subscription.reset())
        self.dead_lettering.clear({(item.topic, item.name) for item in emptied})
        if only is None:
            self.history.clear()
            self.clock.reset()
            self.journal.move_clock(self.clock.offset)
            for topic in self.topics.values():
                topic.published = topic.unmatched = 0
        self.watchers.notify()
        await self.commits.flush()

    def _restore(self, stored: Stored) -> None:
        self._number = max(self._number, stored.last_number)
        for subscription in self.known.values():
            topics.refill(subscription, stored)
        self.dead_lettering.restore(stored.dead_letters)

    def _recover(self, stored: Stored) -> None:
        # The topology and the clock hold, though they could not be stored.
        for place, subscription in self.known.items():
            if place not in stored.subscriptions:
                self.journal.add_subscription(subscription.key, *place)
        if self.clock.offset != stored.clock:
            self.journal.move_clock(self.clock.offset)
        self._restore(stored)

    def _dead_letter(self, subscription: Subscription) -> None:
        undeliverable = subscription.queue.take_undeliverable()
        if undeliverable:
            self.dead_lettering.dead_letter(subscription, undeliverable)
        for item in undeliverable:
            what = f"ended: {item.reason.value}"
            self.note(subscription, what, [item.event.number])

    def _ring(self, subscription: Subscription) -> None:
        if self.commits.failure is None:
            self.serve(subscription, self.clock.now())
            self.commits.commit()

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            if self.commits.failure is None:
                self.sweep()


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (problem := task.exception()) is not None:
        logger.critical("A task of the emulator has failed", exc_info=problem)
