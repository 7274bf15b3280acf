"""A topic: it knows which event subscriptions receive an event."""

from collections.abc import Iterator

from eventgrid_emulator.cloudevents import Attributes
from eventgrid_emulator.namespace.subscription import Subscription

TYPES_REMEMBERED = 1024
LONGEST_TYPE = 512


class Topic:
    """Where events are published, with its event subscriptions by name."""

    def __init__(self, name: str, subscriptions: dict[str, Subscription]) -> None:
        self.name = name
        self.subscriptions = subscriptions
        self.published = 0
        self.unmatched = 0
        self._by_type: dict[object, list[Subscription]] = {}

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
        found = [
            subscription
            for subscription in self.subscriptions.values()
            if subscription.declared.filters.matches_type(kind)
        ]
        if kind is None or len(kind) <= LONGEST_TYPE:
            if len(self._by_type) >= TYPES_REMEMBERED:
                self._by_type.clear()
            self._by_type[kind] = found
        return found
