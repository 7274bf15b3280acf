"""An Event Grid namespace: what its topics and event subscriptions do together."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence

from local.broker import deadletters, furnish
from local.broker.clock import Clock
from local.broker.deadletters import DeadLetter, DeadLetterQueue, Destination
from local.broker.entries import Ended, Event
from local.broker.errors import (
    Code,
    Refusal,
    subscription_not_found,
    topic_not_found,
)
from local.broker.events import Published
from local.broker.history import History, Step
from local.broker.journal import Journal
from local.broker.schema import Stored, read_all
from local.broker.store import Store, StoreError
from local.broker.subscription import Subscription
from local.broker.topic import Topic
from local.broker.topology import Topology

logger = logging.getLogger(__name__)

SWEEP_EVERY = 1.0
EMPTY = b'{"value":[]}'


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
        self.failure: str | None = None
        self.history = History()
        self._store = store
        self.journal = Journal(store)
        stored = store.read(read_all) if store else Stored()
        self._number = stored.last_number
        self._letter = max((each.id for each in stored.dead_letters), default=0)
        self.clock.offset = stored.clock
        self.clock.not_before(stored.last_published)
        self.known = furnish.undeclared(stored)
        self.topics = furnish.apply(topology, self.known, self.journal.subscribed)
        self.dead_letters = self._letter_queue(dead_letters, stored.dead_letters)
        for subscription in self.known.values():
            furnish.refill(subscription, stored)
        self._answers: list[tuple[asyncio.Future[bytes], bytes]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._recovery: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """What is due happens by itself from now on."""
        if self._store is not None:
            self._store.start()
        self._tasks.append(asyncio.create_task(self._sweep_forever()))
        if self.dead_letters is not None:
            self._tasks.append(asyncio.create_task(self.dead_letters.run()))
        await self.stored()

    async def close(self) -> None:
        """Receivers are answered with nothing; all that happened is stored."""
        for subscription in self.known.values():
            subscription.silence()
            while (waiter := subscription.next_waiter()) is not None:
                waiter.answer.set_result(EMPTY)
        with contextlib.suppress(Refusal):
            await self.stored()
        tasks = [*self._tasks, *([self._recovery] if self._recovery else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._store is not None:
            await self._store.close()

    def topic(self, name: str) -> Topic:
        """The topic of this name, or a 404."""
        topic = self.topics.get(name)
        if topic is None:
            raise topic_not_found(name)
        return topic

    def subscription(self, topic: str, name: str) -> Subscription:
        """The event subscription of this topic and name, or a 404."""
        subscription = self.topic(topic).subscriptions.get(name)
        if subscription is None:
            raise subscription_not_found(name)
        return subscription

    async def publish(self, topic: Topic, events: Sequence[Published]) -> None:
        """Each event is in the queue of every event subscription that it matches."""
        self.check()
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
                ids.append(published.attributes["id"])
        topic.published += len(events)
        topic.unmatched += len(events) - len(kept)
        numbers = [event.number for event in kept]
        self.history.note(Step(now, "published", None, numbers, ids))
        self.journal.published(kept, now)
        for subscription, enqueued in held.values():
            subscription.counts.matched += len(enqueued)
            self.journal.enqueued(subscription.key, enqueued)
            self.note(subscription, "queued", enqueued)
        for subscription, _ in held.values():
            self.serve(subscription, now)
        await self.stored()

    async def receive(
        self, subscription: Subscription, limit: int, longest: float
    ) -> bytes:
        """The answer with at least one event, or an empty one after the longest wait."""
        self.check()
        answer = subscription.wait(limit)
        self.serve(subscription, self.clock.now())
        self.commit()
        try:
            await asyncio.wait([answer], timeout=longest)
            if not answer.done() and subscription.leave(answer):
                return EMPTY
            return await asyncio.shield(answer)
        except StoreError as problem:
            raise self._unavailable(problem) from None
        finally:
            subscription.leave(answer)

    def serve(self, subscription: Subscription, now: float) -> None:
        """Events that are available go to the receivers that wait, first come first."""
        while (waiter := subscription.next_waiter()) is not None:
            taken = subscription.queue.receive(waiter.limit, now)
            if not taken:
                break
            subscription.waiters.popleft()
            subscription.counts.received += len(taken)
            self.journal.received(subscription.key, taken)
            self.note(subscription, "received", [each.event.number for each in taken])
            self._answers.append((waiter.answer, subscription.answer(taken)))
        self.bury(subscription)
        subscription.set_alarm(now, lambda: self._ring(subscription))

    def bury(self, subscription: Subscription) -> None:
        """Events that ended are dead-lettered, or dropped where there is no place for them."""
        ended = subscription.queue.take_ended()
        if not ended:
            return
        self.journal.forgotten(subscription.key, [each.event for each in ended])
        for each in ended:
            self.note(subscription, f"ended: {each.ending.value}", [each.event.number])
        if self.dead_letters is None or subscription.container is None:
            subscription.counts.dropped += len(ended)
            return
        for letter in self._letters(subscription, ended):
            self.journal.dead_lettered(letter)
            self.dead_letters.add(letter)

    def note(
        self, subscription: Subscription, what: str, numbers: Sequence[int]
    ) -> None:
        """This happened to these events just now."""
        step = Step(self.clock.latest, what, subscription.name, numbers)
        self.history.note(step)

    def sweep(self) -> None:
        """Whatever is due by now happens, in every queue."""
        now = self.clock.now()
        for subscription in self.known.values():
            subscription.queue.sweep(now)
            self.serve(subscription, now)
        self.commit()

    async def advance(self, seconds: float) -> float:
        """The time after the clock was moved forward, with all that became due done."""
        self.check()
        now = self.clock.advance(seconds)
        self.journal.clock_moved(self.clock.offset)
        self.sweep()
        if self.dead_letters is not None:
            self.dead_letters.look_again()
        await self.stored()
        return now

    async def reload(self, topology: Topology) -> None:
        """The new topology holds; event subscriptions keep what they hold."""
        self.check()
        counts = dict(self.topics)
        self.topics = furnish.apply(topology, self.known, self.journal.subscribed)
        for name, topic in self.topics.items():
            if name in counts:
                topic.published = counts[name].published
                topic.unmatched = counts[name].unmatched
        self.sweep()
        await self.stored()

    def commit(self) -> asyncio.Future[None] | None:
        """Hands what happened to the store; receivers are answered once it is there."""
        done = self.journal.commit()
        answers, self._answers = self._answers, []
        if done is None:
            for answer, body in answers:
                _answer(answer, body)
            return None
        done.add_done_callback(lambda done: self._committed(done, answers))
        return done

    async def stored(self) -> None:
        """All that happened so far is stored; a 503 when that fails."""
        done = self.commit()
        if done is None:
            return
        try:
            await asyncio.shield(done)
        except StoreError as problem:
            raise self._unavailable(problem) from None

    def _committed(
        self,
        done: asyncio.Future[None],
        answers: Iterable[tuple[asyncio.Future[bytes], bytes]],
    ) -> None:
        problem = done.exception()
        for answer, body in answers:
            if problem is None:
                _answer(answer, body)
            elif not answer.done():
                answer.set_exception(problem)
        if problem is not None and self.failure is None:
            self.failure = str(problem)
            logger.error("The data folder cannot be written: %s", problem)
            self._recovery = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        # What is in memory is ahead of the file, and nobody was told about it.
        while self._store is not None and self.failure is not None:
            try:
                stored = await self._store.recover(read_all)
            except StoreError:
                await asyncio.sleep(SWEEP_EVERY)
                continue
            self.journal.discard()
            for subscription in self.known.values():
                furnish.refill(subscription, stored)
            self.failure = None

    def check(self) -> None:
        if self.failure is not None:
            raise self._unavailable(self.failure)

    def _unavailable(self, problem: object) -> Refusal:
        return Refusal(
            Code.UNAVAILABLE,
            f"Nothing was done, because the data folder cannot be written: {problem}",
        )

    def _ring(self, subscription: Subscription) -> None:
        self.serve(subscription, self.clock.now())
        self.commit()

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            if self.failure is None:
                self.sweep()

    def _letters(
        self, subscription: Subscription, ended: Iterable[Ended]
    ) -> Iterable[DeadLetter]:
        now = self.clock.now()
        place = f"{subscription.container}/{self.name}/{subscription.topic}/{subscription.name}"
        for each in ended:
            self._letter += 1
            yield DeadLetter(self._letter, place, now, deadletters.document(each))

    def _letter_queue(
        self, to: Destination | None, waiting: Iterable[DeadLetter]
    ) -> DeadLetterQueue | None:
        if to is None:
            return None
        queue = DeadLetterQueue(to, self.clock.now, self._buried)
        for letter in waiting:
            queue.add(letter)
        return queue

    def _buried(self, letters: list[DeadLetter], arrived: bool) -> None:
        self.journal.delivered_dead_letters([letter.id for letter in letters])
        self.commit()
        for letter in letters:
            _, _, topic, name = letter.path.split("/")
            subscription = self.known.get((topic, name))
            if subscription is not None:
                subscription.counts.dead_lettered += arrived
                subscription.counts.dropped += not arrived


def _answer(answer: asyncio.Future[bytes], body: bytes) -> None:
    if not answer.done():
        answer.set_result(body)
