"""What one process does for the event subscriptions that an app declares."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from eventgrid_pull import shutdown
from eventgrid_pull.draining import settle
from eventgrid_pull.draining.batch import BatchContext
from eventgrid_pull.draining.callers import PATIENCE_SECONDS, RETRY_SECONDS
from eventgrid_pull.draining.decide import decide
from eventgrid_pull.draining.drain import SHORTEST_WAIT, DrainJob
from eventgrid_pull.draining.drain_registry import Drains
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.draining.drain_summary import DrainSummary
from eventgrid_pull.draining.settle import Decided, Receiver
from eventgrid_pull.event import Decode, Delivery
from eventgrid_pull.handlers.declaration import Declared
from eventgrid_pull.handlers.run_handler import Runner
from eventgrid_pull.hooks import Hooks, StartupFailed
from eventgrid_pull.outcomes import Disposition
from eventgrid_pull.publishing import publish
from eventgrid_pull.publishing.publish import Json, Published, Publisher
from eventgrid_pull.publishing.shared_publish import SharedTopic
from eventgrid_pull.recorder import Recorder, SafeRecorder
from eventgrid_pull.settings.connection import ConnectionInvalid
from eventgrid_pull.settings.ticks import seconds_to_run
from eventgrid_pull.status import Status, Statuses
from eventgrid_pull.wire.http_retry import loop_time

STOP_SECONDS = 10


class Namespace(Protocol):
    """Where events are published and pulled; see `client.Namespace`."""

    def topic(self, name: str) -> Publisher:
        """Return a topic to publish to."""

    def subscription(self, topic: str, name: str, decode: Decode) -> Receiver:
        """Return an event subscription to pull from."""

    async def close(self) -> None:
        """Close the connections."""


# What is connected to at the first use: the namespace, and the name of the topic.
type Connect = Callable[[], tuple[Namespace, str]]


class Consumer:
    """The drains of the declared event subscriptions, over one connection."""

    def __init__(
        self,
        declared: Mapping[str, Declared],
        connect: Connect,
        *,
        recorder: Recorder,
        hooks: Hooks,
        clock: Callable[[], datetime],
    ) -> None:
        self._declared, self._connect = declared, connect
        self._recorder, self._hooks, self._clock = recorder, hooks, clock
        self._safe_recorder = SafeRecorder(recorder)
        self._connected: tuple[Namespace, str] | None = None
        self._topic: SharedTopic | None = None
        self._receivers: dict[str, Receiver] = {}
        self._runners: dict[str, Runner] = {}
        self._drains = Drains()
        self._statuses = Statuses()

    def elsewhere(
        self,
        connect: Connect,
        *,
        recorder: Recorder | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> "Consumer":
        """Return another one of the same declarations, which connects there."""
        return Consumer(
            self._declared,
            connect,
            recorder=self._recorder if recorder is None else recorder,
            hooks=self._hooks.again(),
            clock=clock or self._clock,
        )

    def declared(self, name: str) -> Declared:
        """Return a declaration; KeyError when there is none of that name."""
        return self._declared[name]

    async def drain(self, name: str, *, until_empty: bool = False) -> DrainResult:
        """Drain an event subscription, or wait for the end of the drain that is at work.

        `until_empty`: return as soon as what is there now is done. What goes wrong is the
        result's `error`. Raises KeyError for a name that is not declared.
        """
        declared = self._declared[name]
        try:
            self.receiver(name)
            self.listen()
            await self._hooks.start()
        except (ConnectionInvalid, StartupFailed) as error:
            result = DrainResult(name, stopped="failed", error=str(error))
        else:
            drain = self._drains.drain_now if until_empty else self._drains.drain
            result = await drain(name, lambda: self._job(declared, until_empty))
        self._statuses.errors[name] = result.error
        return result

    def is_draining(self, name: str) -> bool:
        """Return whether a drain is at work there that a caller would join."""
        return self._drains.is_busy(name)

    @property
    def is_stopping(self) -> bool:
        """Return whether the process is stopping: nothing more is to be begun."""
        return self._drains.is_stopping

    def listen(self) -> None:
        """Have SIGTERM stop this, where the process lets us hear it."""
        shutdown.listen(self.stop)

    def _job(self, declared: Declared, until_empty: bool) -> DrainJob:
        numbers = declared.numbers
        seconds = min(numbers.budget, PATIENCE_SECONDS)
        if not until_empty:
            seconds = seconds_to_run(declared.expression, self._clock(), numbers.budget)
        ends, latest = loop_time() + seconds, loop_time() + numbers.budget
        runner = self.runner(declared.name)
        context = BatchContext(
            subscription=declared.name,
            max_delivery_count=numbers.max_delivery_count,
            lives=timedelta(seconds=numbers.time_to_live),
            lock_seconds=numbers.lock_duration,
            for_batch=self._hooks.for_batch(declared.name, runner),
            receiver=self.receiver(declared.name),
            recorder=self._safe_recorder,
            clock=self._clock,
            stopping=lambda: self._drains.is_stopping,
        )
        return DrainJob(
            context=context,
            time_left=lambda: ends - loop_time(),
            longest_left=None if until_empty else lambda: latest - loop_time(),
            manner=numbers.manner,
            pace=numbers.pace,
            until_empty=until_empty,
            note=self._note,
            room=runner,
            watching=self._watch_loop,
        )

    def _watch_loop(self) -> AbstractContextManager[None]:
        """Watch, for the length of a block, for handlers that hold the event loop."""
        handlers = self._declared.values()
        codes = {handler.code: handler.name for handler in handlers if handler.code}
        return self._statuses.blocks.watch(codes)

    def runner(self, name: str) -> Runner:
        """Return what runs its handler: one for all drains, as a thread may outlast one."""
        if name not in self._runners:
            self._runners[name] = self._declared[name].runner()
        return self._runners[name]

    async def handle(self, name: str, raw: bytes, delivery_count: int) -> Disposition:
        """Return what becomes of an event, as in a drain; nothing is received or settled."""
        event = self._declared[name].decode(raw, delivery_count)
        handler = self._hooks.for_batch(name, self.runner(name))([event])
        return await decide(name, handler, event)

    async def _note(self, summary: DrainSummary) -> None:
        self._statuses.last[summary.subscription] = summary
        await self._hooks.note_drained(summary)

    def namespace(self) -> tuple[Namespace, str]:
        """Return the namespace and the name of the topic. Raises ConnectionInvalid."""
        if self._connected is None:
            self._connected = self._connect()
        return self._connected

    def receiver(self, name: str) -> Receiver:
        """Return the event subscription itself, to pull from by hand.

        Raises KeyError and ConnectionInvalid.
        """
        if name not in self._receivers:
            declared = self._declared[name]
            namespace, topic = self.namespace()
            self._receivers[name] = namespace.subscription(topic, name, declared.decode)
        return self._receivers[name]

    def topic(self) -> Publisher:
        """Return the topic itself. Raises ConnectionInvalid."""
        if self._topic is None:
            namespace, topic = self.namespace()
            self._topic = SharedTopic(namespace.topic(topic))
        return self._topic

    async def publish(self, events: Sequence[Json]) -> Published:
        """Publish CloudEvents to the topic, in requests that Event Grid accepts.

        Says how far it came; see `Published`. Raises EventTooLarge, ConnectionInvalid.
        """
        return await publish.publish(list(events), self.topic(), self._clock())

    async def peek(self, name: str, max_events: int = 10) -> list[Delivery]:
        """Receive 1 to 100 events for someone to look at; none after 10 seconds without.

        They are locked, and each uses a delivery: `settle` them. Raises EventGridError.
        """
        wait, receiver = SHORTEST_WAIT, self.receiver(name)
        return await receiver.receive(max_events, wait, within=wait + RETRY_SECONDS)

    async def settle(self, name: str, decided: Decided) -> dict[str, str | None]:
        """Settle what was peeked, each delivery with its disposition; nothing is recorded.

        Returns for each lock token None, or the code why it is not settled.
        """
        results, _ = await settle.settle(self.receiver(name), decided)
        return results

    def status(self) -> list[Status]:
        """Return how each declared event subscription is."""
        return [
            self._statuses.of(name, declared.functions, declared.problems)
            for name, declared in self._declared.items()
        ]

    async def stop(self) -> None:
        """Take nothing more, finish what is in hand within 10 s, run the shutdown hook."""
        self._drains.stop()
        if at_work := list(self._drains.at_work.values()):
            await asyncio.wait(at_work, timeout=STOP_SECONDS)
        await self._hooks.stop()

    async def close(self) -> None:
        """Stop, then end threads that have nothing to do and close the connections."""
        try:
            await self.stop()
        finally:
            for runner in self._runners.values():
                runner.threads.shutdown(wait=False, cancel_futures=True)
            if self._connected is not None:
                await self._connected[0].close()
            self._connected = self._topic = None
            self._receivers.clear()
