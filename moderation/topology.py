"""The topic and its event subscriptions, as `topology.json` declares them.

The same file is read by Bicep and by the local broker, so that what runs on a laptop
is what is deployed.
"""

from functools import cache
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("topology.json")


class Filters(msgspec.Struct, frozen=True, rename="camel"):
    """Which events an event subscription takes: a type of the list, and every filter."""

    included_event_types: list[str] | None = None
    filters: list[dict[str, object]] = []


class EventSubscription(msgspec.Struct, frozen=True, rename="camel"):
    """One filtered queue on the topic, with the limits Event Grid keeps for it.

    Lock: 60 to 300 seconds. Deliveries: 1 to 10. Time to live: an ISO 8601 duration.
    """

    name: str
    receive_lock_duration_in_seconds: int
    max_delivery_count: int
    event_time_to_live: str
    filters_configuration: Filters


class Topology(msgspec.Struct, frozen=True, rename="camel"):
    """One topic and the event subscriptions on it."""

    topic: str
    event_retention_in_days: int
    dead_letter_container: str
    event_subscriptions: list[EventSubscription]

    @property
    def names(self) -> list[str]:
        """The names of the event subscriptions, in the order of the file."""
        return [subscription.name for subscription in self.event_subscriptions]

    def subscription(self, name: str) -> EventSubscription:
        """The event subscription of that name; KeyError when there is none."""
        for subscription in self.event_subscriptions:
            if subscription.name == name:
                return subscription
        raise KeyError(name)


@cache
def load() -> Topology:
    """The topology that ships with the app."""
    return msgspec.json.decode(FILE.read_bytes(), type=Topology)
