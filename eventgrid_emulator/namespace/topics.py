"""Topics with their event subscriptions: made from a topology and what was stored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from eventgrid_emulator.events.cloudevents import Attributes
from eventgrid_emulator.namespace.subscription import Subscription
from eventgrid_emulator.queue.entries import QueueLimits
from eventgrid_emulator.queue.queue import SubscriptionQueue
from eventgrid_emulator.storage.schema import Stored
from eventgrid_emulator.topology.filters import Filters
from eventgrid_emulator.topology.topology import DAY, EventSubscription, Topology

TYPES_REMEMBERED = 1024
LONGEST_TYPE = 512
_UNDECLARED = QueueLimits(60.0, 10, 7 * DAY)

type Known = dict[tuple[str, str], Subscription]


@dataclass(slots=True, eq=False)
class Topic:
    """Where events are published, with its event subscriptions by name."""

    name: str
    subscriptions: dict[str, Subscription]
    published: int = 0
    unmatched: int = 0
    _by_type: dict[object, list[Subscription]] = field(default_factory=dict)

    def matching(self, event: Attributes) -> Iterator[Subscription]:
        """Yield the event subscriptions whose filters let the event through."""
        for subscription in self._candidates(event.get("type")):
            clauses = subscription.declared.filters.clauses
            if not clauses or all(clause.matches(event) for clause in clauses):
                yield subscription

    def _candidates(self, kind: object) -> list[Subscription]:
        if not isinstance(kind, str):
            kind = None
        if (remembered := self._by_type.get(kind)) is not None:
            return remembered
        candidates = [
            subscription
            for subscription in self.subscriptions.values()
            if subscription.declared.filters.matches_type(kind)
        ]
        if kind is None or len(kind) <= LONGEST_TYPE:
            if len(self._by_type) >= TYPES_REMEMBERED:
                self._by_type.clear()
            self._by_type[kind] = candidates
        return candidates


def refill(subscription: Subscription, stored: Stored) -> None:
    """Fill the queue with what is stored for it, and nothing else."""
    queue = SubscriptionQueue(subscription.declared.limits)
    for event in stored.fresh.get(subscription.key, ()):
        queue.enqueue(event)
    entries = stored.entries.get(subscription.key, [])
    for entry in sorted(entries, key=lambda entry: entry.due):
        queue.restore(entry)
    subscription.queue = queue


def restore_subscriptions(stored: Stored) -> Known:
    """Return the stored event subscriptions, before a topology declares them."""
    known: Known = {}
    for (topic, name), key in stored.subscriptions.items():
        declared = EventSubscription(name, _UNDECLARED, Filters())
        known[topic, name] = Subscription(key, topic, declared)
    return known


def apply(
    topology: Topology, known: Known, add: Callable[[int, str, str], None]
) -> dict[str, Topic]:
    """Return the topology's topics; event subscriptions that are known keep their queue.

    What the topology no longer names stays in `known` with what it holds, out of reach,
    until it is named again.
    """
    topics: dict[str, Topic] = {}
    for topic in topology.topics:
        subscriptions: dict[str, Subscription] = {}
        for declared in topic.subscriptions:
            place = (topic.name, declared.name)
            if place not in known:
                key = max((item.key for item in known.values()), default=0) + 1
                known[place] = Subscription(key, topic.name, declared)
                add(key, *place)
            subscription = subscriptions[declared.name] = known[place]
            subscription.declared = declared
            subscription.container = topic.dead_letter_container
            subscription.queue.reconfigure(declared.limits)
        topics[topic.name] = Topic(topic.name, subscriptions)
    return topics
