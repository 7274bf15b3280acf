"""What is counted while events are drained."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Counts:
    """Requests to Event Grid and to storage, runs, seconds of open drain, delays.

    `billed` is `open` with the shortest run that is charged for; `seconds` is how long
    was counted.
    """

    receives: int = 0
    settlements: int = 0
    writes: int = 0
    runs: int = 0
    open: float = 0.0
    billed: float = 0.0
    seconds: float = 0.0
    delays: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the counts, with the number of events for their delays, and percentiles."""
        counts = asdict(self)
        del counts["delays"]
        percentiles = {"p50": self._delay(0.5), "p99": self._delay(0.99)}
        return counts | {"events": len(self.delays)} | percentiles

    def _delay(self, share: float) -> float | None:
        """Return the seconds that so large a part of the events waited at most."""
        ordered = sorted(self.delays)
        place = min(len(ordered) - 1, int(len(ordered) * share))
        return ordered[place] if ordered else None

    def add(self, other: "Counts") -> None:
        """Take in what was counted of another event subscription, side by side."""
        self.receives += other.receives
        self.settlements += other.settlements
        self.writes += other.writes
        self.runs += other.runs
        self.open += other.open
        self.billed += other.billed
        self.seconds = max(self.seconds, other.seconds)
        self.delays += other.delays
