"""What a test does to a namespace between requests: look, wait, move the clock, reset."""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from eventgrid_emulator.dead_letters.document import stamp
from eventgrid_emulator.errors import bad_request, not_found
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.namespace.subscription import Subscription
from eventgrid_emulator.operations.faults import Faults, Plan
from eventgrid_emulator.queue.entries import Entry, Event
from eventgrid_emulator.topology.topology import Topology

LONGEST_WAIT = 60.0
LONGEST_MOVE = 366 * 86_400.0
LAST_MOMENT = 253_000_000_000.0  # late in the year 9987; times end with 9999
MOST_EVENTS = 1000
FLUSH_SECONDS = 3.0


class Place(msgspec.Struct, forbid_unknown_fields=True):
    """Which event subscriptions are meant: all, those of a topic, or one."""

    topic: str | None = None
    subscription: str | None = None


class Wait(Place, forbid_unknown_fields=True):
    """How many events to wait for, locked or queued (0: idle), and how long."""

    events: int = 0
    seconds: float = 10.0

    def __post_init__(self) -> None:
        if self.events < 0:
            raise ValueError("`events` is a whole number from 0")
        if not 0 <= self.seconds <= LONGEST_WAIT:
            raise ValueError(f"`seconds` is a number from 0 to {LONGEST_WAIT:.0f}")


@dataclass(slots=True)
class Controls:
    """Resets a namespace, waits for it, and shows what it holds."""

    namespace: Namespace
    faults: Faults
    declared: Topology  # what a reset goes back to

    async def reset(self, place: Place | None = None) -> None:
        """Empty that place; without one all, and reset faults, topology and clock."""
        if place is None or place == Place():
            self.faults.switch(Plan([]))
            await self.namespace.reset()
            await self.namespace.reload(self.declared)
        else:
            await self.namespace.reset(self._find(place))

    async def dead_letters(self, place: Place) -> list[bytes]:
        """Return the newest dead letters of that place as JSON, oldest first."""
        self._find(place)
        await self.namespace.dead_lettering.outbox.wait_until_sent(FLUSH_SECONDS)
        recent = self.namespace.dead_lettering.recent
        return recent.find(place.topic, place.subscription)

    async def wait(self, wanted: Wait) -> tuple[bool, int]:
        """Return whether that many events were held in time, and how many are."""
        chosen = self._find(wanted)

        def held() -> int:
            return sum(len(subscription.queue) for subscription in chosen)

        def is_so() -> bool:
            return held() >= wanted.events if wanted.events else held() == 0

        return await self.namespace.watchers.wait_until(is_so, wanted.seconds), held()

    async def advance(self, seconds: object) -> None:
        """Move the clock forward by so many seconds, up to 366 days."""
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise bad_request('Send {"advance": <seconds>}')
        if not 0 <= seconds <= LONGEST_MOVE:
            raise bad_request("`advance` is a number of seconds from 0 to 366 days")
        if self.namespace.clock.now() + seconds > LAST_MOMENT:
            raise bad_request("`advance` would go beyond the calendar")
        await self.namespace.advance(float(seconds))

    def events(self, place: Place) -> list[bytes]:
        """Return what the event subscriptions hold as JSON; nothing is received."""
        described: list[bytes] = []
        for subscription in self._find(place):
            for event, entry in subscription.queue.holding():
                if len(described) == MOST_EVENTS:
                    break
                described.append(_describe(subscription, event, entry))
        return described

    def _find(self, place: Place) -> Collection[Subscription]:
        topics = list(self.namespace.topics.values())
        if place.topic is not None:
            topics = [self.namespace.topic(place.topic)]
        known = [item for topic in topics for item in topic.subscriptions.values()]
        if place.subscription is None:
            return known
        named = [item for item in known if item.name == place.subscription]
        if not named:
            names = [subscription.name for subscription in known]
            raise not_found("Event subscription", place.subscription, names)
        return named


def _describe(subscription: Subscription, event: Event, entry: Entry | None) -> bytes:
    state = entry.state.value if entry is not None else "ready"
    described = {
        "topic": subscription.topic,
        "subscription": subscription.name,
        "state": state,
        "deliveryCount": entry.count if entry is not None else 0,
        "published": stamp(event.published),
    }
    if entry is not None and state != "ready":
        described["until"] = stamp(entry.due)
    return b'%b,"event":%b}' % (msgspec.json.encode(described)[:-1], event.body)
