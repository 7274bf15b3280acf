"""Composition: settings → clients → the calls that triggers make."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, cast

from eventgrid_pull import ConnectionInvalid, Consumer, DrainResult
from moderation import events, timers, topology
from moderation import handlers as handlers  # it declares what is pulled
from moderation.pulling import clock, current_logs, current_settings, pull
from moderation.settings import Settings, SettingsInvalid, connection_problems
from moderation.storage import logs
from moderation.storage.logs import Logs
from moderation.topology import Topology, TopologyInvalid

if TYPE_CHECKING:  # the SDK is imported when it is asked something
    from eventgrid_pull import Namespace, Subscription
    from moderation.dead_letters.store import DeadLetterStore

_log = logging.getLogger(__name__)

STOP_SECONDS, FLUSH_SECONDS = 10, 2

# Two lines for every request would cost more than the request.
logging.getLogger("azure.core.pipeline.policies").setLevel(logging.WARNING)


class Runtime:
    """The clients of this process, and what can be done with them."""

    def __init__(
        self,
        settings: Settings,
        declared: Topology,
        *,
        consumer: Consumer,
        logs: Logs,
        clock: Callable[[], datetime],
        dead_letters: "DeadLetterStore",
        close_storage: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        # Imported here because a tick needs none of it.
        from moderation.manual.peek import MOST_PEEKS
        from moderation.publishing.publisher import Publishing

        self.settings = settings
        self.topology = declared
        self.consumer = consumer
        namespace, self._topic_name = consumer.namespace()
        self._namespace = cast("Namespace", namespace)
        self.topic = consumer.topic()
        self.audit, self.actions = logs.audit, logs.actions
        self.activity, self.audit_store = logs.activity, logs.store
        self._logs = logs
        self.publishing = Publishing(self.topic, self.actions, clock)
        # See `PeekSession`.
        self.peeks, self.by_hand = asyncio.Semaphore(MOST_PEEKS), asyncio.Lock()
        self.dead_letters = dead_letters
        self.clock = clock
        self._close_storage = close_storage
        self._calls: set[asyncio.Task[object]] = set()

    @property
    def handled(self) -> list[str]:
        """Return the names of the event subscriptions that have a handler."""
        return [status.name for status in self.consumer.status()]

    def subscription(self, name: str) -> "Subscription":
        """Return an event subscription itself, to receive from by hand."""
        return self._namespace.subscription(self._topic_name, name, events.read)

    async def pull_now(self, name: str) -> tuple[DrainResult, bool]:
        """Drain what is there now, whoever began the drain.

        The second value says whether a drain was joined that was at work already.
        """
        if name not in self.handled:
            error = f"{name} {timers.no_handler(name)}"
            return DrainResult(name, stopped="failed", error=error), False
        joined = self.consumer.is_draining(name)
        return await self.consumer.drain(name, until_empty=True), joined

    async def stop(self) -> None:
        """Receive nothing more; finish what is held, or release it, within 10 seconds."""
        stopping = asyncio.create_task(self.consumer.stop())
        await asyncio.wait({stopping, *self._calls}, timeout=STOP_SECONDS)
        await self.publishing.noted.flush(FLUSH_SECONDS)

    def is_stopping(self) -> bool:
        """Return whether the process is stopping: nothing more may begin."""
        return self.consumer.is_stopping

    @contextmanager
    def attending(self) -> Iterator[None]:
        """Have a stop wait for the current task, until it leaves."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("to be used in a task")
        self._calls.add(task)
        try:
            yield
        finally:
            self._calls.discard(task)

    async def close(self) -> None:
        """Stop, then close the connections."""
        await self.stop()
        await self.consumer.close()
        await self._logs.close()
        if self._close_storage is not None:
            await self._close_storage()
        if logs.identity.cache_info().currsize:
            await logs.identity().close()  # it opens again when it is asked again


def build(
    settings: Settings, declared: Topology, kept: Logs, consumer: Consumer
) -> Runtime:
    """Return a runtime for what the settings name; nothing is connected yet.

    Raises SettingsInvalid.
    """
    dead_letters, close = _dead_letters(settings, declared)
    try:
        return Runtime(
            settings,
            declared,
            consumer=consumer,
            logs=kept,
            clock=clock,
            dead_letters=dead_letters,
            close_storage=close,
        )
    except ConnectionInvalid as error:
        raise SettingsInvalid(connection_problems(error, os.environ)) from None


def _dead_letters(
    settings: Settings, declared: Topology
) -> "tuple[DeadLetterStore, Callable[[], Awaitable[None]]]":
    # Imported here because it costs 200 ms of a cold start that a tick does not need.
    from moderation.storage.dead_letter_blobs import BlobDeadLetters

    service = logs.service(settings, settings.dead_letter_account_url)
    container = service.get_container_client(declared.dead_letter_container)
    return BlobDeadLetters(container), service.close


@cache
def current() -> Runtime:
    """Return the runtime of this process, made at the first call.

    Raises SettingsInvalid and TopologyInvalid.
    """
    return build(current_settings(), topology.load(), current_logs(), pull.consumer)


def forget() -> None:
    """Forget the runtime of this process, which is closed: the next call makes another."""
    for made in (current, current_settings, current_logs):
        made.cache_clear()


async def stop() -> None:
    """Stop the runtime of this process, if there is one; see `Runtime.stop`."""
    if current.cache_info().currsize:
        await current().stop()


def handled() -> list[str]:
    """Return the names of the event subscriptions that have a handler."""
    return [status.name for status in pull.status()]


def log_undrained() -> None:
    """Log why a declared event subscription has no timer, where no handler says so."""
    try:
        names = topology.load().names
    except TopologyInvalid as error:
        _log.error("there are no timers: %s", error)
        return
    for name in names:
        if name not in handled():
            _log.error("%s is not pulled: it %s", name, timers.no_handler(name))
