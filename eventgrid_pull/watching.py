"""Waiting for what the drains of this process do to one event."""

import asyncio

import msgspec

from eventgrid_pull.drain_result import Outcome


class Watch(msgspec.Struct, eq=False):
    """Looks out for what becomes of one event on one event subscription."""

    event_id: str
    subscription: str
    outcome: Outcome | None = None
    _seen: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    def settled(self, subscription: str, outcomes: list[Outcome]) -> None:
        """Take the outcomes of this process's drains, of every subscription."""
        if subscription != self.subscription:
            return
        for outcome in outcomes:
            if outcome.record.delivery.event.id == self.event_id:
                self.outcome = outcome
                self._seen.set()

    def is_over(self) -> bool:
        """Return whether the event has been seen."""
        return self._seen.is_set()

    async def wait(self, seconds: float) -> bool:
        """Return whether the event is seen within so many seconds."""
        try:
            await asyncio.wait_for(self._seen.wait(), seconds)
        except TimeoutError:
            return False
        return True
