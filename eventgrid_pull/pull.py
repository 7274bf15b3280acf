"""The trigger that Functions does not have: a Blueprint of pulled event subscriptions."""

import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import azure.functions as func

from eventgrid_pull.consumer import Consumer, Namespace
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.draining.settle import Decided, Receiver
from eventgrid_pull.event import Decode, Delivery, Event, MalformedEvent
from eventgrid_pull.events.event_decoder import Types
from eventgrid_pull.handlers.declaration import Declarations, Declared
from eventgrid_pull.handlers.registration import Builders
from eventgrid_pull.handlers.run_handler import OnMalformed
from eventgrid_pull.hooks import Before, Hook, Hooks, OnDrained
from eventgrid_pull.outcomes import Disposition
from eventgrid_pull.publishing.publish import Json, Published
from eventgrid_pull.recorder import NoRecorder, Recorder, recorder_problems
from eventgrid_pull.settings import connection
from eventgrid_pull.settings.connection import Credential
from eventgrid_pull.settings.ticks import Manner, unheard
from eventgrid_pull.status import Status

_log = logging.getLogger(__name__)

type Returned = Disposition | Sequence[Disposition | None] | None
type Answer = Returned | Awaitable[Returned]
# What mypy accepts below a declaration.
type AnyHandler = (
    Callable[[Event[Any]], Answer]
    | Callable[[Event[Any] | MalformedEvent], Answer]
    | Callable[[list[Event[Any]]], Answer]
    | Callable[[list[Event[Any] | MalformedEvent]], Answer]
)


class DrainFailed(Exception):
    """A drain ended early; the message says what to look at."""


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the edge that owns the clock


class EventGridPull(func.Blueprint):
    """Event subscriptions of one topic, each with the handler below its declaration.

    `connection` is the prefix of settings (`EVENTGRID__endpoint` …), read at the first
    use, unless `endpoint` and `credential` are given. `topic` may be `%SETTING%`. The
    hooks are described in `Hooks`.
    """

    def __init__(
        self,
        *,
        topic: str,
        connection: str = "EVENTGRID",
        endpoint: str | None = None,
        credential: Credential | None = None,
        recorder: Recorder | None = None,
        startup: Hook | None = None,
        shutdown: Hook | None = None,
        on_drained: OnDrained | None = None,
        before: Before | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._function_builders = Builders(self._register)
        self._topic, self._prefix = topic, connection
        self._endpoint, self._credential = endpoint, credential
        self._environ = os.environ if environ is None else environ
        recorder = NoRecorder() if recorder is None else recorder
        wrong = recorder_problems(recorder)
        self._declarations = Declarations(self._environ, wrong)
        self.consumer = Consumer(
            self._declarations.by_name,
            self._connect,
            recorder=recorder,
            hooks=Hooks(startup, shutdown, on_drained, before),
            clock=clock,
        )

    def subscription[H: AnyHandler](
        self,
        subscription: str,
        *,
        schedule: str,
        name: str | None = None,
        lanes: int | str = 1,
        concurrency: int | str = 100,
        manner: Manner | str = "visit",
        pace: float | str = 0.8,
        budget: int | str = 900,
        timeout: int | str = 300,
        lock_duration: int | str = 60,
        max_delivery_count: int | str = 10,
        time_to_live: int | str = 604_800,
        on_malformed: OnMalformed = "reject",
        types: Types | None = None,
        decode: Decode | None = None,
        problems: Sequence[str] = (),
    ) -> Callable[[H], H]:
        """Pull this event subscription on a schedule, through the handler below.

        The handler comes back unchanged. Numbers may be `%SETTING%`; times are seconds.
        `manner` "visit" takes what is there at each tick, and "stay" listens until the next
        one, with `pace` seconds from one receive to the next unless one came full; neither
        run begins a receive after `budget`. `name` is the timer function's, `pull_paid` for
        `sub-paid` unless given. What is wrong with the code is raised as PullInvalid when
        it is registered; `problems` is what you know to be wrong with its settings: there
        is no timer then.
        """

        def declare(handler: H) -> H:
            declared = self._declarations.add(
                subscription,
                handler,
                schedule=schedule,
                timer=name,
                on_malformed=on_malformed,
                types=types,
                decode=decode,
                numbers={
                    "manner": manner,
                    "pace": pace,
                    "lanes": lanes,
                    "concurrency": concurrency,
                    "budget": budget,
                    "timeout": timeout,
                    "lock_duration": lock_duration,
                    "max_delivery_count": max_delivery_count,
                    "time_to_live": time_to_live,
                },
                problems=problems,
            )
            if declared is not None:
                self._add_timers(declared)
            return handler

        return declare

    def _add_timers(self, declared: Declared) -> None:
        for problem in declared.problems:
            _log.error("%s is not pulled: %s", declared.name, problem)
        numbers = declared.numbers
        if gap := unheard(numbers.manner, declared.expression, numbers.budget):
            _log.warning("%s is to stay, but %s", declared.name, gap)
        for function in declared.functions:
            self._add_timer(function, declared)

    def _add_timer(self, function: str, declared: Declared) -> None:
        async def tick(timer: func.TimerRequest) -> None:
            result = await self.drain(declared.name)
            if result.error is not None:
                raise DrainFailed(f"{declared.name}: {result.error}")

        # Nobody would listen until the first tick otherwise; a visit waits for its tick.
        trigger = self.timer_trigger(
            arg_name="timer",
            schedule=declared.schedule,
            run_on_startup=declared.numbers.manner == "stay",
        )
        self.function_name(function)(trigger(tick))

    def _register(self, functions: list[Any]) -> None:
        self._declarations.end(functions)
        self.consumer.listen()

    def _connect(self) -> tuple[Namespace, str]:
        # Imported here because the SDK and aiohttp are most of a cold start.
        from eventgrid_pull.wire import client
        from eventgrid_pull.wire.error_messages import SettingNames

        topic, topic_name = connection.read_topic(self._topic, self._environ)
        found = connection.read(
            self._prefix, self._environ, self._endpoint, self._credential
        )
        names = SettingNames(found.endpoint_name, found.key_name, topic_name)
        namespace = client.Namespace(
            found.endpoint,
            found.credential(),
            names,
            closes_credential=found.given is None,
        )
        return namespace, topic

    async def drain(self, name: str, *, until_empty: bool = False) -> DrainResult:
        """Drain an event subscription, or wait for the end of the drain that is at work.

        `until_empty`: return as soon as what is there now is done. What goes wrong is the
        result's `error`. Raises KeyError for a name that is not declared.
        """
        return await self.consumer.drain(name, until_empty=until_empty)

    async def publish(self, events: Sequence[Json]) -> Published:
        """Publish CloudEvents to the topic; says how far it came. Raises EventTooLarge."""
        return await self.consumer.publish(events)

    async def peek(self, name: str, max_events: int = 10) -> list[Delivery]:
        """Receive up to 100 events for someone to look at; none after 10 seconds without.

        They are locked, and each uses a delivery: `settle` them. Raises EventGridError.
        """
        return await self.consumer.peek(name, max_events)

    async def settle(self, name: str, decided: Decided) -> dict[str, str | None]:
        """Settle what was peeked, each delivery with its disposition; nothing is recorded.

        Returns for each lock token None, or the code why it is not settled.
        """
        return await self.consumer.settle(name, decided)

    def receiver(self, name: str) -> Receiver:
        """Return the event subscription itself: receive, settle and renew as you like."""
        return self.consumer.receiver(name)

    def status(self) -> list[Status]:
        """Return how each declared event subscription is."""
        return self.consumer.status()

    async def close(self) -> None:
        """Take nothing more, finish what is in hand, close the connections."""
        await self.consumer.close()
