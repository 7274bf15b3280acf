"""The port to whatever keeps on record what was decided, before it is settled."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import Disposition

_log = logging.getLogger(__name__)


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


def recorder_problems(recorder: object) -> list[str]:
    """Return what a recorder lacks: it would fail in every drain for want of it."""
    kind = recorder if isinstance(recorder, type) else type(recorder)
    lacks = [
        f"`{name}`, a method"
        for name in ("open", "record")
        if kind is recorder or not callable(getattr(recorder, name, None))
    ]
    down = getattr(recorder, "down", None)
    downs = down if isinstance(down, tuple) else (down,)
    if not all(
        isinstance(kind, type) and issubclass(kind, Exception) for kind in downs
    ):
        lacks.append("`down`, an exception class")
    given = kind.__name__ if kind is recorder else f"{kind.__name__}()"
    return [f"recorder={given} needs {member}" for member in lacks]


class SafeRecorder:
    """A recorder whose every failure is that nothing can be recorded, for now.

    One that fails in another way than its `down` has a fault: it is logged, and the
    events are released as they are when it is down, rather than locked until they expire.
    """

    down = RecorderDown

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def open(self, subscription: str) -> None:
        """See that records can be kept; RecorderDown when they cannot."""
        await self._safely(self._recorder.open, subscription)

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        """Keep all of them; RecorderDown when they may not be kept."""
        await self._safely(self._recorder.record, subscription, records)

    async def _safely(
        self, call: Callable[..., Awaitable[None]], *arguments: object
    ) -> None:
        try:
            await call(*arguments)
        except self._recorder.down as error:
            raise RecorderDown(str(error)) from error
        except Exception as error:
            _log.exception("the recorder failed")
            message = f"the recorder failed: {type(error).__name__}"
            raise RecorderDown(message) from error


class NoRecorder:
    """Keeps nothing: what was decided is known to Event Grid and the log only."""

    down = RecorderDown

    async def open(self, subscription: str) -> None:
        """Do nothing: there is nothing that could be down."""

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        """Do nothing."""
