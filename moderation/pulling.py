"""The consumer that `handlers` declares event subscriptions with, and where it keeps logs."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Required, TypedDict

from eventgrid_pull import EventGridPull
from eventgrid_pull.settings.ticks import Manner
from moderation import function_names, settings, timers, topology
from moderation.audit.recorder import Recording
from moderation.inspection.recognition import Probes
from moderation.settings import Settings
from moderation.storage import logs
from moderation.storage.logs import Logs
from moderation.topology import Topology, TopologyInvalid
from moderation.topology_file import seconds

TOPIC = "EVENTGRID_TOPIC_NAME"
# A lock can be renewed for an hour; no event lives longer than a week.
HOUR, WEEK = 3600, 7 * 86_400


class Declaration(TypedDict, total=False):
    """What is declared of an event subscription besides its handler."""

    name: Required[str]
    schedule: Required[str]
    lanes: int
    manner: Manner
    pace: float
    budget: int
    timeout: int
    lock_duration: int
    max_delivery_count: int
    time_to_live: int
    problems: Sequence[str]


def clock() -> datetime:
    """Return the time, on the machine's clock."""
    return datetime.now(UTC)  # noqa: TID251 - the edge that owns the clock


@cache
def current_settings() -> Settings:
    """Return the settings of this process. Raises SettingsInvalid and TopologyInvalid."""
    return Settings.from_environ(os.environ, topic=topology.load().topic)


@cache
def current_logs() -> Logs:
    """Return the logs of this process; see `current_settings`."""
    return logs.of(current_settings())


def declared(subscription: str) -> Declaration:
    """Return what topology.json and the settings say of an event subscription.

    What is wrong there is among its problems: then no timer drains it.
    """
    try:
        shape = topology.load()
    except TopologyInvalid as error:
        return _undeclared(subscription, f"topology.json cannot be used: {error}")
    if subscription not in shape.names:
        return _undeclared(subscription, timers.not_declared(shape.names))
    return _declared(shape, subscription)


def _declared(shape: Topology, subscription: str) -> Declaration:
    limits = shape.subscription(subscription)
    timer = timers.timer(subscription, os.environ, [subscription])
    lock = limits.receive_lock_duration_in_seconds
    timeout = settings.number_or_default("HANDLER_TIMEOUT_SECONDS", os.environ)
    return Declaration(
        name=function_names.function(subscription),
        schedule=timers.EVERY_FIVE_MINUTES if timer.problems else timer.trigger,
        lanes=timer.lanes,
        manner=timer.manner,
        pace=timer.pace,
        budget=settings.number_or_default("PULL_BUDGET_SECONDS", os.environ),
        timeout=min(timeout, HOUR - lock),
        lock_duration=lock,
        max_delivery_count=limits.max_delivery_count,
        time_to_live=seconds(limits.event_time_to_live) or WEEK,
        problems=[f"{problem.path} {problem.problem}" for problem in timer.problems],
    )


def _undeclared(subscription: str, problem: str) -> Declaration:
    return Declaration(
        name=f"undeclared_{function_names.function(subscription)}",
        schedule=timers.EVERY_FIVE_MINUTES,
        problems=[problem],
    )


def _topic() -> str:
    """Return the topic's name, or the setting that has it."""
    if os.environ.get(TOPIC, "").strip():
        return f"%{TOPIC}%"
    try:
        return topology.load().topic
    except TopologyInvalid:
        return "unknown"


_recording = Recording(
    lambda: current_logs().audit, lambda: current_logs().activity, clock
)
pull = EventGridPull(
    topic=_topic(),
    connection=settings.CONNECTION,
    recorder=_recording,
    on_drained=_recording.note,
    before=Probes(lambda: current_logs().actions).before,
)
