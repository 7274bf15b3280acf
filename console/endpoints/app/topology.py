"""The topic, its event subscriptions, and the timers that drain them."""

import os
from collections.abc import Mapping, Sequence

import msgspec

from console.validation import ApiRequest
from eventgrid_pull.events.cloudevents import Problem
from eventgrid_pull.settings.ticks import Manner
from moderation import timers
from moderation.events import TYPES
from moderation.inspection import probe
from moderation.runtime import handled
from moderation.timers import Timer
from moderation.topology import EventSubscription, Topology


class EventSubscriptionView(msgspec.Struct, frozen=True, rename="camel"):
    """One event subscription, with its limits and its timer.

    `timeToLive` is an ISO 8601 duration. `lanes` is how many timer functions drain it
    together: 0 while it is in error or switched off, as `problems` says; `manner` and
    `pace` in seconds how they pull.
    """

    name: str
    included_event_types: Sequence[str] | None
    filters: Sequence[dict[str, object]]
    lock_seconds: int
    max_delivery_count: int
    time_to_live: str
    schedule: str
    lanes: int
    manner: Manner
    pace: float
    problems: Sequence[Problem]


class Layout(msgspec.Struct, frozen=True):
    """What the app is deployed with.

    `types` are the event types that may be published; `inspected` is where a probe can
    be seen.
    """

    topic: str
    types: Sequence[str]
    subscriptions: Sequence[EventSubscriptionView]
    inspected: str | None


async def topology(request: ApiRequest[None, None]) -> Layout:
    """Show the topic and its event subscriptions, as they are declared."""
    runtime = request.runtime
    declared = event_subscriptions(runtime.topology, os.environ)
    inspected = probe.place(runtime.topology, runtime.handled)
    return Layout(runtime.settings.topic, list(TYPES), declared, inspected)


def event_subscriptions(
    declared: Topology, environ: Mapping[str, str]
) -> list[EventSubscriptionView]:
    """Return the event subscriptions as declared, with the timers that are set."""
    drained = timers.of(declared.names, environ, handled())
    return list(map(_view, declared.event_subscriptions, drained))


def _view(declared: EventSubscription, timer: Timer) -> EventSubscriptionView:
    return EventSubscriptionView(
        name=declared.name,
        included_event_types=declared.filters_configuration.included_event_types,
        filters=declared.filters_configuration.filters,
        lock_seconds=declared.receive_lock_duration_in_seconds,
        max_delivery_count=declared.max_delivery_count,
        time_to_live=declared.event_time_to_live,
        schedule=timer.schedule,
        lanes=timer.running,
        manner=timer.manner,
        pace=timer.pace,
        problems=[*timer.problems, *timer.off],
    )
