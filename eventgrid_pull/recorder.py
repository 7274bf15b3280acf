"""The port to whatever keeps on record what was decided, before it is settled."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import Disposition


class Record(msgspec.Struct, frozen=True):
    """What was decided about one delivery, and when (UTC)."""

    at: datetime
    delivery: Delivery
    disposition: Disposition


class RecorderDown(Exception):
    """Nothing can be recorded; the message says what to do."""


class Recorder(Protocol):
    """Keeps records. What it raises as `down` means that it cannot, for now.

    Nothing is settled as done that is not recorded: events are released, and the drain
    ends. A crash between recording and settling brings a second record of one delivery,
    or of the event's next one.
    """

    @property
    def down(self) -> type[Exception]:
        """Return the exception that means that nothing can be kept, for now."""

    async def open(self, subscription: str) -> None:
        """See that records can be kept, before anything is received."""

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        """Keep all of them; they are durable when this returns."""


class NoRecorder:
    """Keeps nothing: what was decided is known to Event Grid and the log only."""

    down = RecorderDown

    async def open(self, subscription: str) -> None:
        """Do nothing: there is nothing that could be down."""

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        """Do nothing."""
