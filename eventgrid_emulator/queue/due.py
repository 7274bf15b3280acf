"""When something happens to a queue's events next: a heap that is cleaned as it is read."""

import heapq
from collections.abc import Iterator, Mapping

from eventgrid_emulator.queue.entries import Entry

_SLACK = 4096


class DueEvents:
    """Marks of events by the time at which they are due.

    A mark stays when its event is settled or gets another time, and is then stale: whoever
    reads it compares it with the entry. Once most are stale, the heap is rebuilt.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, list[int]]] = []
        self._marks = 0
        self._marked = 0

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next(self) -> float | None:
        """Return the earliest time that is marked."""
        return self._heap[0][0] if self._heap else None

    def clear(self) -> None:
        """Forget every mark."""
        self._heap, self._marked = [], 0

    def mark(
        self, due: float, numbers: list[int], entries: Mapping[int, Entry]
    ) -> None:
        """Mark these events, of all the queue's entries, as due at this time."""
        self._marks += 1
        self._marked += len(numbers)
        heapq.heappush(self._heap, (due, self._marks, numbers))
        if self._marked > 2 * len(entries) + _SLACK:
            self.rebuild(entries)

    def pop(self, now: float) -> Iterator[tuple[float, list[int]]]:
        """Yield and forget the marks up to now, earliest first."""
        while self._heap and self._heap[0][0] <= now:
            due, _, numbers = heapq.heappop(self._heap)
            self._marked -= len(numbers)
            yield due, numbers

    def rebuild(self, entries: Mapping[int, Entry]) -> None:
        """Mark every entry at its own time, and nothing else."""
        by_due: dict[float, list[int]] = {}
        for number, entry in entries.items():
            by_due.setdefault(entry.due, []).append(number)
        self._heap = [
            (due, self._marks + index, numbers)
            for index, (due, numbers) in enumerate(by_due.items())
        ]
        heapq.heapify(self._heap)
        self._marks += len(by_due)
        self._marked = len(entries)
