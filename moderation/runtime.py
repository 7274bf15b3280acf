"""Composition: settings → clients → the calls that triggers make."""

import asyncio
import logging
import os
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from time import monotonic

from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential

from eventgrid_pull.batch import BatchContext
from eventgrid_pull.blob.append_log import AppendLog, StoreUnavailable
from eventgrid_pull.blob.group_commit import GroupedAppendLog
from eventgrid_pull.callers import PATIENCE_SECONDS
from eventgrid_pull.client import Namespace, Subscription, Topic
from eventgrid_pull.cloudevents import Problem
from eventgrid_pull.drain import DrainJob
from eventgrid_pull.drain_registry import Drains
from eventgrid_pull.drain_result import DrainResult, DrainSummary, Outcome
from eventgrid_pull.error_messages import SettingNames
from eventgrid_pull.publish_stamp import LONGEST_LIFE
from eventgrid_pull.shared_publish import SharedTopic
from eventgrid_pull.ticks import seconds_to_run
from moderation import events, timers, topology, topology_file
from moderation.activity.counting import DrainCounts
from moderation.activity.log import ActivityLog, Store
from moderation.audit.actions import ActionLog
from moderation.audit.log import AuditLog
from moderation.audit.recorder import AuditRecorder
from moderation.dead_letters.store import DeadLetterStore, InMemoryDeadLetters
from moderation.handlers import HANDLERS
from moderation.publishing import Publishing
from moderation.settings import Settings, SettingsInvalid
from moderation.topology import EventSubscription, Topology

_log = logging.getLogger(__name__)

STOP_SECONDS, FLUSH_SECONDS = 10, 2
SETTING_NAMES = SettingNames(
    "EVENTGRID_ENDPOINT", "EVENTGRID_KEY", "EVENTGRID_TOPIC_NAME"
)
# So many peeks wait at once: each holds a connection, and up to ten events.
MOST_PEEKS = 8

# Two lines for every request would cost more than the request.
logging.getLogger("azure.core.pipeline.policies").setLevel(logging.WARNING)


class DrainFailed(Exception):
    """A drain ended early; the message says what to look at."""


class Runtime:
    """The clients of this process, and what can be done with them."""

    def __init__(
        self,
        settings: Settings,
        declared: Topology,
        *,
        topic: Topic,
        subscriptions: dict[str, Subscription],
        audit_log: AppendLog,
        activity_log: Store,
        clock: Callable[[], datetime],
        dead_letters: DeadLetterStore | None = None,
        close_storage: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.settings = settings
        self.topology = declared
        self.topic = topic
        self.subscriptions = subscriptions
        grouped = GroupedAppendLog(audit_log)
        self.audit = AuditLog(grouped)
        self._recorder = AuditRecorder(self.audit, clock)
        self.activity = ActivityLog(activity_log)
        self.actions = ActionLog(grouped)
        self.publishing = Publishing(SharedTopic(topic), self.actions, clock)
        self.audit_store = audit_log
        self.by_hand = asyncio.Lock()  # see `peeking.Hand`
        self.peeks = asyncio.Semaphore(MOST_PEEKS)
        self.dead_letters = dead_letters or InMemoryDeadLetters()
        self.clock = clock
        self._close_storage = close_storage
        self.drains = Drains()
        self._calls: set[asyncio.Task[object]] = set()

    async def tick(self, name: str) -> None:
        """Drain within the budget, as a timer does. Raises DrainFailed."""
        drained = await self.drains.drain(name, lambda: self._job(name, False))
        if drained.error is not None:
            raise DrainFailed(f"{name}: {drained.error}")

    async def pull_now(self, name: str) -> tuple[DrainResult, bool]:
        """Drain what is there now, whoever began the drain.

        The second value says whether one was joined that was at work already.
        """
        if name not in HANDLERS:
            error = f"{name} {timers.no_handler(name)}"
            return DrainResult(name, stopped="failed", error=error), False
        joined = self.drains.is_busy(name)
        return await self.drains.drain_now(name, lambda: self._job(name, True)), joined

    def _job(self, name: str, until_empty: bool) -> DrainJob:
        declared, budget = self.topology.subscription(name), self.settings.pull_budget
        [timer] = (
            timer
            for timer in timers.of(self.topology, os.environ)
            if timer.subscription == name
        )
        seconds = min(budget, PATIENCE_SECONDS)
        if not until_empty:
            seconds = seconds_to_run(timer.schedule, self.clock(), budget)
        ends = monotonic() + seconds
        receiver, counts = self.subscriptions[name], DrainCounts()

        def settled(outcomes: list[Outcome]) -> None:
            counts.settled(outcomes)
            self.drains.settled(name, outcomes)

        async def note(drained: DrainSummary) -> None:
            summary = counts.summary(drained)
            try:
                await self.activity.note(summary, self.clock())
            except StoreUnavailable as error:
                _log.warning("activity of %s not noted: %s", name, error)

        context = BatchContext(
            subscription=name,
            max_delivery_count=declared.max_delivery_count,
            lock_seconds=declared.receive_lock_duration_in_seconds,
            handler_seconds=self.settings.handler_seconds,
            handler=HANDLERS[name],
            receiver=receiver,
            recorder=self._recorder,
            clock=self.clock,
            lives=_lives(declared),
            stopping=self.is_stopping,
            on_settled=settled,
        )
        return DrainJob(
            context=context,
            receiver=receiver,
            time_left=lambda: ends - monotonic(),
            manner=timer.manner,
            pace=timer.pace,
            until_empty=until_empty,
            note=note,
        )

    async def stop(self) -> None:
        """Take nothing more; finish what is in hand, or hand it back, in 10 seconds."""
        self.drains.stop()
        busy = {*self.drains.at_work.values(), *self._calls}
        if busy:
            await asyncio.wait(busy, timeout=STOP_SECONDS)
        await self.publishing.noted.flush(FLUSH_SECONDS)

    def is_stopping(self) -> bool:
        """Whether the process is told to stop: nothing more is to be begun."""
        return self.drains.is_stopping

    @contextmanager
    def attending(self) -> Iterator[None]:
        """While it lasts, a stop waits for the task that is in here."""
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
        await self.topic.close()
        for subscription in self.subscriptions.values():
            await subscription.close()
        if self._close_storage is not None:
            await self._close_storage()
        if _identity.cache_info().currsize:
            await _identity().close()  # it opens again when it is asked again


def build(settings: Settings, declared: Topology) -> Runtime:
    """A runtime with clients for what the settings name; nothing is connected yet."""
    namespace = Namespace(settings.endpoint, _credential(settings), SETTING_NAMES)
    audit_log, activity_log, dead_letters, close_storage = _storage(settings, declared)
    return Runtime(
        settings,
        declared,
        topic=namespace.topic(settings.topic),
        subscriptions={
            one.name: namespace.subscription(settings.topic, one.name, events.read)
            for one in declared.event_subscriptions
        },
        audit_log=audit_log,
        activity_log=activity_log,
        clock=lambda: datetime.now(UTC),  # noqa: TID251 - the edge that owns the clock
        dead_letters=dead_letters,
        close_storage=close_storage,
    )


def _lives(declared: EventSubscription) -> timedelta:
    seconds = topology_file.seconds(declared.event_time_to_live)
    return LONGEST_LIFE if seconds is None else timedelta(seconds=seconds)


def _credential(settings: Settings) -> AzureKeyCredential | AsyncTokenCredential:
    if settings.key is not None:
        return AzureKeyCredential(settings.key)
    return _identity()


@cache
def _identity() -> AsyncTokenCredential:
    # Imported here because it costs 150 ms of a cold start, and a key needs none of it.
    from azure.identity.aio import DefaultAzureCredential

    try:
        return DefaultAzureCredential()
    except ValueError as error:  # of AZURE_AUTHORITY_HOST, AZURE_TOKEN_CREDENTIALS …
        wrong = Problem("AZURE_…", f"settings of the identity: {error}")
        raise SettingsInvalid([wrong]) from None


def _storage(
    settings: Settings, declared: Topology
) -> tuple[AppendLog, Store, DeadLetterStore, Callable[[], Awaitable[None]]]:
    # Imported here because it costs 200 ms of a cold start that the page does not need.
    from eventgrid_pull.blob import blob_client as blobs
    from eventgrid_pull.blob.blob_append_log import BlobAppendLog
    from moderation.storage.dead_letter_blobs import BlobDeadLetters

    if settings.audit_connection_string is not None:
        service = blobs.service(settings.audit_connection_string, None)
    else:
        service = blobs.service(settings.audit_account_url or "", _identity())
    writer = uuid.uuid4().hex[:12]
    audit_log, activity_log = (
        BlobAppendLog(service.get_container_client(name), writer)
        for name in (settings.audit_container, settings.activity_container)
    )
    letters = service
    if settings.dead_letter_account_url is not None:
        letters = blobs.service(settings.dead_letter_account_url, _identity())
    container = letters.get_container_client(declared.dead_letter_container)

    async def close() -> None:
        for client in {service, letters}:
            await client.close()

    return audit_log, activity_log, BlobDeadLetters(container), close


@cache
def current() -> Runtime:
    """The runtime of this process, made at the first call.

    Raises SettingsInvalid and TopologyInvalid.
    """
    declared = topology.load()
    settings = Settings.from_environ(os.environ, topic=declared.topic)
    return build(settings, declared)


async def stop() -> None:
    """Stop the runtime of this process, if there is one; see `Runtime.stop`."""
    if current.cache_info().currsize:
        await current().stop()
