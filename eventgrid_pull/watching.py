"""Waiting for what the drains of this process do to one event."""

import asyncio

import msgspec

from eventgrid_pull.drain_result import Outcome


class Watch(msgspec.Struct, eq=False):
    """Looks out for what becomes of one event on one event subscription.

    `begun` says whether a drain was begun for it. While nobody else waits for that
    drain, `ending` ends it as soon as the event is seen.
    """

    event_id: str
    subscription: str
    begun: bool = False
    ending: asyncio.Event | None = None
    outcome: Outcome | None = None
    _seen: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    def begin(self, ending: asyncio.Event) -> None:
        """A drain was begun for this."""
        self.begun, self.ending = True, ending

    def share(self, ending: asyncio.Event) -> None:
        """Someone else waits for that drain, too: it is not ours to end any more."""
        if self.ending is ending:
            self.ending = None

    def settled(self, subscription: str, outcomes: list[Outcome]) -> None:
        """Told of the outcomes of this process's drains, of every subscription."""
        if subscription != self.subscription:
            return
        for outcome in outcomes:
            if outcome.record.delivery.event.id == self.event_id:
                self.outcome = outcome
                self._seen.set()
                if self.ending is not None:
                    self.ending.set()

    def is_over(self) -> bool:
        """Whether the event has been seen."""
        return self._seen.is_set()

    async def wait(self, seconds: float) -> bool:
        """Whether the event is seen within so many seconds."""
        try:
            await asyncio.wait_for(self._seen.wait(), seconds)
        except TimeoutError:
            return False
        return True
