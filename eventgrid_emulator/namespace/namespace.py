"""An Event Grid namespace: what its topics and event subscriptions do together."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine, Sequence

from eventgrid_emulator.cloudevents import Published
from eventgrid_emulator.dead_letters.document import Destination
from eventgrid_emulator.errors import Refusal, subscription_not_found, topic_not_found
from eventgrid_emulator.namespace import build
from eventgrid_emulator.namespace.dead_lettering import DeadLettering
from eventgrid_emulator.namespace.history import History, Step, memorable
from eventgrid_emulator.namespace.subscription import EMPTY, Counts, Subscription
from eventgrid_emulator.namespace.topic import Topic
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
        self.known = build.undeclared(stored)
        self.topology = topology
        self.topics = build.apply(topology, self.known, self.journal.add_subscription)
        self.dead_lettering = DeadLettering(
            name, self.clock, self.journal, self.commits, self.known
        )
        if dead_letters is not None:
            self.dead_lettering.send_to(dead_letters)
        self._number = 0
        self._watchers: list[asyncio.Future[None]] = []
        self._restore(stored)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Do by itself from now on what is due."""
        self.commits.start()
        self._keep_running(self._sweep_forever())
        if self.dead_lettering.letters is not None:
            self._keep_running(self.dead_lettering.letters.run())
        await self.commits.flush()

    async def close(self) -> None:
        """Answer receivers that wait with nothing, and store all that happened."""
        for subscription in self.known.values():
            subscription.cancel_alarm()
            subscription.dismiss()
        with contextlib.suppress(Refusal):
            await self.commits.flush()
        if self.dead_lettering.letters is not None:
            await self.dead_lettering.letters.settle(LAST_LETTERS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.commits.close()

    def topic(self, name: str) -> Topic:
        """Return the topic of this name, or raise a 404."""
        topic = self.topics.get(name)
        if topic is None:
            raise topic_not_found(name, self.topics)
        return topic

    def subscription(self, topic: str, name: str) -> Subscription:
        """Return the event subscription of this topic and name, or raise a 404."""
        subscription = self.topic(topic).subscriptions.get(name)
        if subscription is None:
            raise subscription_not_found(name, self.topic(topic).subscriptions)
        return subscription

    async def publish(self, topic: Topic, events: Sequence[Published]) -> None:
        """Put each event into the queue of every event subscription that it matches."""
        self.commits.check()
        now = self.clock.now()
        kept: list[Event] = []
        ids: list[object] = []
        held: dict[int, tuple[Subscription, list[int]]] = {}
        for published in events:
            event = Event(self._number + 1, published.body, now)
            for subscription in topic.matching(published.attributes):
                subscription.queue.enqueue(event)
                place = held.setdefault(subscription.key, (subscription, []))
                place[1].append(event.number)
            if event.holders:
                self._number = event.number
                kept.append(event)
                ids.append(memorable(published.attributes["id"]))
        topic.count(len(events), len(kept))
        self.journal.publish(kept, now)
        numbers = [event.number for event in kept]
        self.history.note(Step(now, "published", None, numbers, ids))
        for subscription, enqueued in held.values():
            subscription.counts.matched += len(enqueued)
            self.journal.enqueue(subscription.key, enqueued)
            self.note(subscription, "queued", enqueued)
        for subscription, _ in held.values():
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
            subscription.waiters.popleft()
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
        step = Step(self.clock.latest, what, subscription.name, numbers)
        self.history.note(step)
        if self._watchers:
            self._tell_watchers()

    def sweep(self) -> None:
        """Do whatever is due by now, in every queue."""
        now = self.clock.now()
        for subscription in self.known.values():
            self.serve(subscription, now)
            subscription.dismiss(now)
        self.commits.commit()

    async def advance(self, seconds: float) -> float:
        """Move the clock forward, do all that became due, and return the time."""
        self.commits.check()
        now = self.clock.advance(seconds)
        self.journal.move_clock(self.clock.offset)
        self.sweep()
        if self.dead_lettering.letters is not None:
            self.dead_lettering.letters.try_now()
        await self.commits.flush()
        return now

    async def reload(self, topology: Topology) -> None:
        """Put the topology in force; event subscriptions keep what they hold."""
        self.commits.check()
        before, self.topology = self.topics, topology
        self.topics = build.apply(topology, self.known, self.journal.add_subscription)
        for name, topic in self.topics.items():
            if name in before:
                topic.continue_from(before[name])
        self.sweep()
        await self.commits.flush()

    async def reset(
        self, subscriptions: Collection[Subscription] | None = None
    ) -> None:
        """Empty these event subscriptions, or all of them and the clock with them.

        Their events, locks, delays and counts are gone, receivers that wait are answered
        with nothing, and with all of them also what is known of dead letters and the past.
        """
        self.commits.check()
        chosen = self.known.values() if subscriptions is None else subscriptions
        for subscription in chosen:
            held = subscription.queue.clear()
            self.journal.forget(subscription.key, held)
            subscription.counts = Counts()
            subscription.cancel_alarm()
            subscription.dismiss()
        if subscriptions is None:
            self.history.clear()
            self.dead_lettering.clear()
            self.clock.reset()
            self.journal.move_clock(self.clock.offset)
            for topic in self.topics.values():
                topic.published = topic.unmatched = 0
        self._tell_watchers()
        await self.commits.flush()

    async def wait_until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        """Wait until the condition holds, at most so many seconds; return whether it does."""
        ends = asyncio.get_running_loop().time() + seconds
        while not is_so():
            news = asyncio.get_running_loop().create_future()
            self._watchers.append(news)
            left = ends - asyncio.get_running_loop().time()
            done, _ = await asyncio.wait((news,), timeout=max(0.0, left))
            if not done:
                self._watchers.remove(news)
                return is_so()
        return True

    def _tell_watchers(self) -> None:
        watchers, self._watchers = self._watchers, []
        for news in watchers:
            news.set_result(None)

    def _keep_running(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(_report)
        self._tasks.append(task)

    def _restore(self, stored: Stored) -> None:
        self._number = max(self._number, stored.last_number)
        for subscription in self.known.values():
            build.refill(subscription, stored)
        self.dead_lettering.restore(stored.dead_letters)

    def _recover(self, stored: Stored) -> None:
        # What was declared, and how late it is, holds though it could not be stored.
        for place, subscription in self.known.items():
            if place not in stored.subscriptions:
                self.journal.add_subscription(subscription.key, *place)
        if self.clock.offset != stored.clock:
            self.journal.move_clock(self.clock.offset)
        self._restore(stored)

    def _dead_letter(self, subscription: Subscription) -> None:
        ended = subscription.queue.take_ended()
        if ended:
            self.dead_lettering.dead_letter(subscription, ended)
        for end in ended:
            self.note(subscription, f"ended: {end.ending.value}", [end.event.number])

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
        logger.critical("A part of the emulator has died", exc_info=problem)
