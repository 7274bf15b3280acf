"""Pull delivery from Event Grid namespaces for Azure Functions."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventgrid_pull.consumer import Consumer
    from eventgrid_pull.draining.drain_result import DrainResult, Outcome
    from eventgrid_pull.draining.drain_summary import DrainSummary
    from eventgrid_pull.draining.settle import Receiver
    from eventgrid_pull.event import AnyEvent, Delivery, Event, MalformedEvent
    from eventgrid_pull.handlers.registration import PullInvalid
    from eventgrid_pull.outcomes import (
        Acknowledge,
        Disposition,
        Reject,
        Release,
        ReleaseDelay,
        Verb,
    )
    from eventgrid_pull.publishing.publish import EventTooLarge, Published, Publisher
    from eventgrid_pull.pull import DrainFailed, EventGridPull
    from eventgrid_pull.recorder import Record, Recorder, RecorderDown
    from eventgrid_pull.settings.connection import ConnectionInvalid
    from eventgrid_pull.status import Status
    from eventgrid_pull.wire.client import Namespace, Subscription
    from eventgrid_pull.wire.http_retry import EventGridError

__all__ = [
    "Acknowledge",
    "AnyEvent",
    "ConnectionInvalid",
    "Consumer",
    "Delivery",
    "Disposition",
    "DrainFailed",
    "DrainResult",
    "DrainSummary",
    "Event",
    "EventGridError",
    "EventGridPull",
    "EventTooLarge",
    "MalformedEvent",
    "Namespace",
    "Outcome",
    "Published",
    "Publisher",
    "PullInvalid",
    "Receiver",
    "Record",
    "Recorder",
    "RecorderDown",
    "Reject",
    "Release",
    "ReleaseDelay",
    "Status",
    "Subscription",
    "Verb",
]

_PLACES = {
    "wire.client": ("Namespace", "Subscription"),
    "settings.connection": ("ConnectionInvalid",),
    "consumer": ("Consumer",),
    "draining.drain_result": ("DrainResult", "Outcome"),
    "draining.drain_summary": ("DrainSummary",),
    "draining.settle": ("Receiver",),
    "event": ("AnyEvent", "Delivery", "Event", "MalformedEvent"),
    "wire.http_retry": ("EventGridError",),
    "outcomes": (
        "Acknowledge",
        "Disposition",
        "Reject",
        "Release",
        "ReleaseDelay",
        "Verb",
    ),
    "publishing.publish": ("EventTooLarge", "Published", "Publisher"),
    "pull": ("DrainFailed", "EventGridPull"),
    "recorder": ("Record", "Recorder", "RecorderDown"),
    "handlers.registration": ("PullInvalid",),
    "status": ("Status",),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import what is asked for: who needs an event need not load the SDKs."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
