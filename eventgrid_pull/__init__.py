"""Pull delivery from Event Grid namespaces for Azure Functions."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventgrid_pull.event import Event, MalformedEvent
    from eventgrid_pull.outcomes import Acknowledge, Reject, Release, ReleaseDelay
    from eventgrid_pull.pull import DrainFailed, EventGridPull
    from eventgrid_pull.recorder import Record, Recorder, RecorderDown
    from eventgrid_pull.registration import PullInvalid

__all__ = [
    "Acknowledge",
    "DrainFailed",
    "Event",
    "EventGridPull",
    "MalformedEvent",
    "PullInvalid",
    "Record",
    "Recorder",
    "RecorderDown",
    "Reject",
    "Release",
    "ReleaseDelay",
]

_PLACES = {
    "event": ("Event", "MalformedEvent"),
    "outcomes": ("Acknowledge", "Reject", "Release", "ReleaseDelay"),
    "pull": ("DrainFailed", "EventGridPull"),
    "recorder": ("Record", "Recorder", "RecorderDown"),
    "registration": ("PullInvalid",),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import what is asked for: who needs an event need not load the SDKs."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
