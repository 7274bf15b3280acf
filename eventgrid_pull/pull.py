"""The trigger that Functions does not have: a Blueprint of pulled event subscriptions."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import azure.functions as func
import msgspec

from eventgrid_pull import connection as connections
from eventgrid_pull import declaration, setting_values
from eventgrid_pull.batch import BatchContext
from eventgrid_pull.client import Credential, Subscription
from eventgrid_pull.declaration import Declared
from eventgrid_pull.drain import DrainJob, Receiver
from eventgrid_pull.drain_registry import Drains
from eventgrid_pull.drain_result import DrainResult, DrainSummary
from eventgrid_pull.event import Decode, Event, MalformedEvent
from eventgrid_pull.invoke import Threads
from eventgrid_pull.loop_watch import Block, LoopWatch, tell
from eventgrid_pull.outcomes import Disposition
from eventgrid_pull.recorder import NoRecorder, Recorder
from eventgrid_pull.registration import Builders, PullInvalid
from eventgrid_pull.run_handler import OnMalformed, Runner

_log = logging.getLogger(__name__)

type Said = Disposition | Sequence[Disposition] | None
type Answer = Said | Awaitable[Said]
# What mypy takes below a declaration; anything else is an error there, too.
type AnyHandler = (
    Callable[[Event[Any]], Answer]
    | Callable[[Event[Any] | MalformedEvent], Answer]
    | Callable[[list[Event[Any]]], Answer]
    | Callable[[list[Event[Any] | MalformedEvent]], Answer]
)
type OnDrained = Callable[[DrainSummary], Awaitable[None]]


class DrainFailed(Exception):
    """A drain ended early; the message says what to look at."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How an event subscription is: its functions, what is wrong, what it last did."""

    name: str
    functions: Sequence[str]
    problems: Sequence[str]
    error: str | None = None
    blocked: Block | None = None
    last: DrainSummary | None = None


class EventGridPull(func.Blueprint):
    """Event subscriptions of one topic, each with the handler below its declaration.

    `connection` is the prefix of settings (`EVENTGRID__endpoint` …), read at the first
    tick, unless `endpoint` and `credential` are given. `topic` may be `%SETTING%`.
    """

    def __init__(
        self,
        *,
        topic: str,
        connection: str = "EVENTGRID",
        endpoint: str | None = None,
        credential: Credential | None = None,
        recorder: Recorder | None = None,
        on_drained: OnDrained | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._function_builders = Builders(self._register)
        self._topic, self._prefix = topic, connection
        self._endpoint, self._credential = endpoint, credential
        self._recorder = recorder or NoRecorder()
        self._on_drained = on_drained
        self._environ = os.environ if environ is None else environ
        self._declared: dict[str, Declared] = {}
        self._functions: dict[str, list[str]] = {}
        self._wrong: list[str] = []
        self._is_registered = False
        self._clients: dict[str, Subscription] = {}
        self._drains = Drains()
        self._last: dict[str, DrainSummary] = {}
        self._errors: dict[str, str | None] = {}
        self._runners: dict[str, Runner] = {}
        self._watch: LoopWatch | None = None
        self._watching = 0
        self._blocks: dict[str, Block] = {}

    def subscription[H: AnyHandler](
        self,
        name: str,
        *,
        schedule: str,
        function: str | None = None,
        lanes: int | str = 1,
        concurrency: int | str = 100,
        budget: int | str = 50,
        timeout: int | str = 300,
        lock_duration: int = 60,
        max_delivery_count: int = 10,
        on_malformed: OnMalformed = "reject",
        types: Mapping[str | None, object] | None = None,
        decode: Decode | None = None,
    ) -> Callable[[H], H]:
        """Pull this event subscription on a schedule, through the handler below.

        The handler comes back unchanged. Numbers may be `%SETTING%`; times are seconds.
        What is wrong with the code is raised as PullInvalid when it is registered.
        """

        def declare(handler: H) -> H:
            self._refuse_late(name)
            if name in self._declared:
                self._wrong.append(f"{name} has two handlers: remove one")
                return handler
            shape, made, wrong = declaration.shape_of(name, handler, types)
            self._wrong += wrong
            if shape is None or made is None:
                return handler
            read = declaration.Numbers(self._environ)
            read.schedule(schedule)
            declared = Declared(
                name=name,
                function=function or declaration.function_of(name),
                handler=handler,
                shape=shape,
                decode=decode or made,
                on_malformed=on_malformed,
                schedule=schedule,
                lanes=read.read("lanes", lanes, declaration.LANES, 1),
                concurrency=read.read(
                    "concurrency", concurrency, declaration.CONCURRENCY, 100
                ),
                budget=read.read("budget", budget, declaration.BUDGET, 50),
                timeout=read.read("timeout", timeout, declaration.TIMEOUT, 300),
                lock_duration=lock_duration,
                max_delivery_count=max_delivery_count,
                problems=read.problems,
            )
            read.agree(declared.timeout, declared.budget)
            self._declared[name] = declared
            self._add_functions(declared)
            return handler

        return declare

    def _refuse_late(self, name: str) -> None:
        if self._is_registered:
            raise PullInvalid(
                f"{name} is declared after app.register_functions(pull), which would lose "
                "it: declare it before"
            )

    def _add_functions(self, declared: Declared) -> None:
        for problem in declared.problems:
            _log.error("%s is not pulled: %s", declared.name, problem)
        lanes = 0 if declared.problems else declared.lanes
        names = [
            declared.function + (f"_{lane}" if lane > 1 else "")
            for lane in range(1, lanes + 1)
        ]
        self._functions[declared.name] = names
        for function in names:
            self._add_timer(function, declared)

    def _add_timer(self, function: str, declared: Declared) -> None:
        async def tick(timer: func.TimerRequest) -> None:
            result = await self.drain(declared.name)
            if result.error is not None:
                raise DrainFailed(f"{declared.name}: {result.error}")

        trigger = self.timer_trigger(arg_name="timer", schedule=declared.schedule)
        self.function_name(function)(trigger(tick))

    def _register(self) -> None:
        if self._wrong:
            raise PullInvalid("; ".join(self._wrong))
        self._is_registered = True

    async def drain(self, name: str, *, until_empty: bool = False) -> DrainResult:
        """Drain an event subscription; or see the drain through that is at work already.

        Raises KeyError for one that is not declared, ConnectionInvalid for settings.
        """
        declared = self.declared(name)
        receiver = self._receiver(declared)
        task = self._drains.of(name, lambda: self.job(declared, receiver, until_empty))
        with self._watched():
            result = await asyncio.shield(task)
        self._errors[name] = result.error
        return result

    def job(
        self, declared: Declared, receiver: Receiver, until_empty: bool
    ) -> DrainJob:
        """Return a drain of that event subscription from there."""
        ends = monotonic() + declared.budget
        runner = self.runner(declared.name)
        context = BatchContext(
            subscription=declared.name,
            max_delivery_count=declared.max_delivery_count,
            lock_seconds=declared.lock_duration,
            handler_seconds=float("inf"),
            handler=runner.handle,
            for_batch=runner.for_batch,
            receiver=receiver,
            recorder=self._recorder,
            clock=lambda: datetime.now(UTC),  # noqa: TID251 - the edge that owns the clock
            stopping=lambda: self._drains.is_stopping,
        )
        return DrainJob(
            context=context,
            receiver=receiver,
            time_left=lambda: ends - monotonic(),
            until_empty=until_empty,
            note=self._note,
        )

    def declared(self, name: str) -> Declared:
        """Return a declaration; KeyError when there is none of that name."""
        return self._declared[name]

    def runner(self, name: str) -> Runner:
        """Return what runs its handler: one for all drains, as a thread may outlast one."""
        if name not in self._runners:
            declared = self.declared(name)
            self._runners[name] = Runner(
                handler=declared.handler,
                shape=declared.shape,
                on_malformed=declared.on_malformed,
                seconds=declared.timeout,
                slots=asyncio.Semaphore(declared.concurrency),
                threads=Threads(declared.concurrency, declared.function),
            )
        return self._runners[name]

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """While a drain is at work, see whether a handler blocks the event loop."""
        if self._watch is None:
            codes = {
                declared.handler.__code__: declared.name
                for declared in self._declared.values()
                if declared.shape.is_async and hasattr(declared.handler, "__code__")
            }
            self._watch = LoopWatch(lambda: codes, self._blocked)
            self._watch.start()
        self._watching += 1
        try:
            yield
        finally:
            self._watching -= 1
            if not self._watching:
                self._watch.stop()
                self._watch = None

    def _blocked(self, block: Block) -> None:
        self._blocks[block.handler] = block
        tell(block)

    async def _note(self, summary: DrainSummary) -> None:
        self._last[summary.subscription] = summary
        if self._on_drained is None:
            return
        try:
            await self._on_drained(summary)
        except Exception:  # a hook is no reason to end a drain
            _log.exception("on_drained failed for %s", summary.subscription)

    def _receiver(self, declared: Declared) -> Subscription:
        if declared.name not in self._clients:
            endpoint, credential = self._endpoint, self._credential
            if endpoint is None or credential is None:
                read = connections.read(self._prefix, self._environ)
                endpoint, credential = read.endpoint, read.credential()
            setting = setting_values.setting_name(self._topic)
            topic = self._environ.get(setting, "") if setting else self._topic
            self._clients[declared.name] = Subscription(
                endpoint, topic, declared.name, credential, declared.decode
            )
        return self._clients[declared.name]

    def status(self) -> list[Status]:
        """Return how each declared event subscription is."""
        return [
            Status(
                name=name,
                functions=self._functions[name],
                problems=declared.problems,
                error=self._errors.get(name),
                blocked=self._blocks.get(name),
                last=self._last.get(name),
            )
            for name, declared in self._declared.items()
        ]

    async def close(self) -> None:
        """Take nothing more, finish what is in hand, close the connections."""
        self._drains.stop()
        if at_work := list(self._drains.at_work.values()):
            await asyncio.wait(at_work, timeout=10)
        for runner in self._runners.values():
            runner.threads.close()
        for client in self._clients.values():
            await client.close()
        self._clients.clear()
