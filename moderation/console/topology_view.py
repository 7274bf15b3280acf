"""The topic, its event subscriptions, and the timers that drain them."""

import os
from collections.abc import Mapping, Sequence

import msgspec

from moderation import settings
from moderation.console.asked import Asked
from moderation.topology import EventSubscription, Topology


class Queue(msgspec.Struct, frozen=True, rename="camel"):
    """One event subscription, with its limits and its timer.

    `timeToLive` is an ISO 8601 duration. `schedule` is null where no timer of this
    app drains it; `lanes` is how many timer functions share it.
    """

    name: str
    included_event_types: Sequence[str] | None
    filters: Sequence[dict[str, object]]
    lock_seconds: int
    max_delivery_count: int
    time_to_live: str
    schedule: str | None
    lanes: int


class Layout(msgspec.Struct, frozen=True):
    """What the app is deployed with."""

    topic: str
    subscriptions: Sequence[Queue]


async def topology(asked: Asked[None, None]) -> Layout:
    """Show the topic and its event subscriptions, as they are declared."""
    declared = queues(asked.runtime.topology, os.environ)
    return Layout(asked.runtime.settings.topic, declared)


def queues(declared: Topology, environ: Mapping[str, str]) -> list[Queue]:
    """The event subscriptions as they are declared, with the timers that are set."""
    return [_queue(one, environ) for one in declared.event_subscriptions]


def _queue(declared: EventSubscription, environ: Mapping[str, str]) -> Queue:
    schedule = settings.schedule_of(declared.name)
    return Queue(
        name=declared.name,
        included_event_types=declared.filters_configuration.included_event_types,
        filters=declared.filters_configuration.filters,
        lock_seconds=declared.receive_lock_duration_in_seconds,
        max_delivery_count=declared.max_delivery_count,
        time_to_live=declared.event_time_to_live,
        schedule=(environ.get(schedule) or None) if schedule else None,
        lanes=settings.lanes(environ, schedule) if schedule else 0,
    )
