"""The topic and its event subscriptions, as `topology.json` declares them.

The same file is read by Bicep and by the emulator, so that what runs on a laptop
is what is deployed.
"""

import os
from functools import cache
from pathlib import Path

import msgspec

from eventgrid_pull.events.cloudevents import Problem
from moderation import function_names, topology_file
from moderation.filters.declared import Filters
from moderation.settings import Invalid

FILE = Path(__file__).with_name("topology.json")
# Another file, from the app's folder: for this machine, as `dev.py run --topology` says.
SETTING = "EVENTGRID_TOPOLOGY_FILE"


class TopologyInvalid(Invalid):
    """The topology cannot be used; `problems` says where and why."""


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
        """Return the names of the event subscriptions, in the order of the file."""
        return [subscription.name for subscription in self.event_subscriptions]

    def subscription(self, name: str) -> EventSubscription:
        """Return the event subscription of that name; KeyError when there is none."""
        return {shape.name: shape for shape in self.event_subscriptions}[name]


def load() -> Topology:
    """Return the topology of this process. Raises TopologyInvalid."""
    return read(file())


def file() -> Path:
    """Return the file that is read: the app's own, unless a setting names another."""
    given = os.environ.get(SETTING, "").strip()
    return FILE.parents[1] / given if given else FILE


@cache
def read(path: Path) -> Topology:
    """Return the topology in a file. Raises TopologyInvalid with all that is wrong."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise TopologyInvalid([Problem(str(path), problem)]) from None
    return parse(raw, path.name)


def parse(raw: bytes, name: str = FILE.name) -> Topology:
    """Return the topology in the bytes of a file of that name. Raises TopologyInvalid."""
    content, problems = topology_file.read(raw)
    if problems:
        raise TopologyInvalid(
            [
                Problem(
                    f"{name}: {problem.path}" if problem.path else name, problem.problem
                )
                for problem in problems
            ]
        )
    declared = msgspec.convert(content, type=Topology)
    if clashes := list(function_names.clashes(declared.names)):
        raise TopologyInvalid([Problem(f"{name}:", clash) for clash in clashes])
    return declared
