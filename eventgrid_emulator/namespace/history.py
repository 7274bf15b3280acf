"""What happened to recent events: enough for the history of one event."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eventgrid_emulator.dead_letters.document import stamp

KEPT = 50_000
LONGEST_ID = 256


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to some events at once."""

    at: float
    what: str
    subscription: str | None
    numbers: Sequence[int]
    ids: Sequence[Any] = ()


class History:
    """The last steps, as many as concern fifty thousand events.

    Ids over 256 characters are not remembered, because they may be a megabyte each.
    """

    def __init__(self) -> None:
        self._steps: deque[Step] = deque()
        self._size = 0

    def note(self, step: Step) -> None:
        """Remember the step, and forget the oldest."""
        if not step.numbers:
            return
        self._steps.append(step)
        self._size += len(step.numbers)
        while self._size > KEPT:
            self._size -= len(self._steps.popleft().numbers)

    def clear(self) -> None:
        """Forget everything."""
        self._steps.clear()
        self._size = 0

    def find(
        self, event_id: str, to_machine_time: Callable[[float], float] = float
    ) -> list[dict[str, Any]]:
        """Return what happened to the events with this id, oldest step first."""
        numbers: set[int] = set()
        lines: list[dict[str, Any]] = []
        for step in self._steps:
            numbers |= {
                number
                for number, known_id in zip(step.numbers, step.ids, strict=False)
                if known_id == event_id
            }
            for number in numbers.intersection(step.numbers):
                line = {
                    "time": stamp(to_machine_time(step.at)),
                    "what": step.what,
                    "event": number,
                }
                if step.subscription is not None:
                    line["subscription"] = step.subscription
                lines.append(line)
        return lines


def bounded_id(event_id: object) -> str | None:
    """Return the id, or None for one that is too long to be remembered."""
    if isinstance(event_id, str) and len(event_id) <= LONGEST_ID:
        return event_id
    return None
