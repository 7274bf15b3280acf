"""What tells an event from all others: its source and its id, together (CloudEvents)."""

from collections.abc import Mapping
from typing import NamedTuple

from eventgrid_pull import AnyEvent


class EventKey(NamedTuple):
    """The identity of an event; both are empty for one that cannot be read."""

    source: str
    id: str


def key_of(event: AnyEvent) -> EventKey:
    """Return what tells this event from all others."""
    return EventKey(event.source, event.id)


def key_in(event: Mapping[str, object]) -> EventKey:
    """Return the key of a valid CloudEvent that is still a JSON object."""
    return EventKey(str(event["source"]), str(event["id"]))
