"""What one process does for the event subscriptions that an app declares."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Protocol

import msgspec

from eventgrid_pull import publish, settle, shutdown
from eventgrid_pull.batch import BatchContext
from eventgrid_pull.connection import ConnectionInvalid
from eventgrid_pull.declaration import Declared
from eventgrid_pull.drain import RETRY_SECONDS, SHORTEST_WAIT, DrainJob, Receiver
from eventgrid_pull.drain_registry import Drains
from eventgrid_pull.drain_result import DrainResult, DrainSummary
from eventgrid_pull.event import Decode, Delivery
from eventgrid_pull.loop_watch import Block, Blocks
from eventgrid_pull.publish import Json, Published, Publisher
from eventgrid_pull.recorder import Recorder
from eventgrid_pull.run_handler import Runner
from eventgrid_pull.settle import Decided

_log = logging.getLogger(__name__)

STOP_SECONDS = 10

type Hook = Callable[[], Awaitable[None] | None]
type OnDrained = Callable[[DrainSummary], Awaitable[None] | None]


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


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """What an app has to do of its own, each plain or async.

    `startup` once before the first receive, `shutdown` when the process is told to stop,
    which it may never be. `on_drained` gets what a drain did: at its end, and once a
    minute while it lasts.
    """

    startup: Hook | None = None
    shutdown: Hook | None = None
    on_drained: OnDrained | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How an event subscription is: its functions, what is wrong, what it last did."""

    name: str
    functions: Sequence[str]
    problems: Sequence[str]
    error: str | None = None
    blocked: Block | None = None
    last: DrainSummary | None = None


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
        self._connected: tuple[Namespace, str] | None = None
        self._receivers: dict[str, Receiver] = {}
        self._runners: dict[str, Runner] = {}
        self._drains = Drains()
        self._blocks = Blocks()
        self._last: dict[str, DrainSummary] = {}
        self._errors: dict[str, str | None] = {}
        self._starting: asyncio.Future[None] | None = None
        self._has_stopped = False

    def elsewhere(
        self,
        connect: Connect,
        *,
        recorder: Recorder | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> "Consumer":
        """Return another one of the same declarations and hooks, which connects there."""
        return Consumer(
            self._declared,
            connect,
            recorder=recorder or self._recorder,
            hooks=self._hooks,
            clock=clock or self._clock,
        )

    def declared(self, name: str) -> Declared:
        """Return a declaration; KeyError when there is none of that name."""
        return self._declared[name]

    async def drain(self, name: str, *, until_empty: bool = False) -> DrainResult:
        """Drain an event subscription; or see the drain through that is at work already.

        `until_empty`: return as soon as what is there now is done. What goes wrong is the result's `error`. Raises KeyError for a name that is not
        declared.
        """
        declared = self._declared[name]
        try:
            receiver = self.receiver(name)
            await self._start()
        except ConnectionInvalid as error:
            result = DrainResult(name, stopped="failed", error=str(error))
        except Exception as error:  # of the hook: nothing is received without it
            _log.exception("startup failed, so %s is not drained", name)
            said = f"startup failed: {type(error).__name__}"
            result = DrainResult(name, stopped="failed", error=said)
        else:
            drain = self._drains.drain_now if until_empty else self._drains.drain
            with self._blocks.watching(self._declared.values()):
                result = await drain(
                    name, lambda: self._job(declared, receiver, until_empty)
                )
        self._errors[name] = result.error
        return result

    def is_draining(self, name: str) -> bool:
        """Tell whether a drain is at work there that a caller would join."""
        return self._drains.is_busy(name)

    @property
    def is_stopping(self) -> bool:
        """Tell whether the process is told to stop: nothing more is to be begun."""
        return self._drains.is_stopping

    def listen(self) -> None:
        """Have SIGTERM stop this, where the process lets us hear it."""
        shutdown.listen(self.stop)

    async def _start(self) -> None:
        """Run the startup hook once; one that failed is run again."""
        if self._starting is None or (
            self._starting.done() and self._starting.exception() is not None
        ):
            self.listen()
            self._starting = asyncio.ensure_future(_call(self._hooks.startup))
        await asyncio.shield(self._starting)

    def _job(
        self, declared: Declared, receiver: Receiver, until_empty: bool
    ) -> DrainJob:
        ends = monotonic() + declared.numbers.budget
        runner = self.runner(declared.name)
        context = BatchContext(
            subscription=declared.name,
            max_delivery_count=declared.numbers.max_delivery_count,
            lock_seconds=declared.numbers.lock_duration,
            handler_seconds=float("inf"),
            handler=runner.handle,
            for_batch=runner.for_batch,
            receiver=receiver,
            recorder=self._recorder,
            clock=self._clock,
            stopping=lambda: self._drains.is_stopping,
        )
        return DrainJob(
            context=context,
            receiver=receiver,
            time_left=lambda: ends - monotonic(),
            until_empty=until_empty,
            note=self._note,
            room=runner.room,
        )

    def runner(self, name: str) -> Runner:
        """Return what runs its handler: one for all drains, as a thread may outlast one."""
        if name not in self._runners:
            self._runners[name] = self._declared[name].runner()
        return self._runners[name]

    async def _note(self, summary: DrainSummary) -> None:
        self._last[summary.subscription] = summary
        if self._hooks.on_drained is None:
            return
        try:
            said = self._hooks.on_drained(summary)
            if said is not None:
                await said
        except Exception:  # a hook is no reason to end a drain
            _log.exception("on_drained failed for %s", summary.subscription)

    def _namespace(self) -> tuple[Namespace, str]:
        if self._connected is None:
            self._connected = self._connect()
        return self._connected

    def receiver(self, name: str) -> Receiver:
        """Return the event subscription itself, to pull from by hand.

        Raises KeyError and ConnectionInvalid.
        """
        if name not in self._receivers:
            declared = self._declared[name]
            namespace, topic = self._namespace()
            self._receivers[name] = namespace.subscription(topic, name, declared.decode)
        return self._receivers[name]

    def topic(self) -> Publisher:
        """Return the topic itself. Raises ConnectionInvalid."""
        namespace, topic = self._namespace()
        return namespace.topic(topic)

    async def publish(self, events: Sequence[Json]) -> Published:
        """Publish CloudEvents to the topic, in requests that Event Grid accepts.

        Says how far it came; see `Published`. Raises EventTooLarge, ConnectionInvalid.
        """
        return await publish.publish(list(events), self.topic(), self._clock())

    async def peek(self, name: str, max_events: int = 10) -> list[Delivery]:
        """Receive 1 to 100 events for someone to look at; none after 10 seconds without.

        They are locked, and each uses a delivery: `settle` them. Raises EventGridError.
        """
        within = SHORTEST_WAIT + RETRY_SECONDS
        return await self.receiver(name).receive(
            max_events, SHORTEST_WAIT, within=within
        )

    async def settle(self, name: str, decided: Decided) -> dict[str, str | None]:
        """Settle what was peeked, each delivery with its disposition; nothing is recorded.

        Returns for each lock token None, or the code why it is not settled.
        """
        results, _ = await settle.settle(self.receiver(name), decided)
        return results

    def status(self) -> list[Status]:
        """Return how each declared event subscription is."""
        return [
            Status(
                name=name,
                functions=declared.functions,
                problems=declared.problems,
                error=self._errors.get(name),
                blocked=self._blocks.found.get(name),
                last=self._last.get(name),
            )
            for name, declared in self._declared.items()
        ]

    async def stop(self) -> None:
        """Take nothing more, finish what is in hand within 10 s, run the shutdown hook."""
        self._drains.stop()
        if at_work := list(self._drains.at_work.values()):
            await asyncio.wait(at_work, timeout=STOP_SECONDS)
        never_started = self._hooks.startup is not None and self._starting is None
        if not self._has_stopped and not never_started:
            self._has_stopped = True
            await _call(self._hooks.shutdown)

    async def close(self) -> None:
        """Stop, then end threads that have nothing to do and close the connections."""
        try:
            await self.stop()
        finally:
            for runner in self._runners.values():
                runner.threads.shutdown(wait=False, cancel_futures=True)
            if self._connected is not None:
                await self._connected[0].close()


async def _call(hook: Hook | None) -> None:
    said = hook() if hook is not None else None
    if inspect.isawaitable(said):
        await said
