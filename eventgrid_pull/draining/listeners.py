"""Count the receivers of one drain: one more for each full or slow batch."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MAX_RECEIVERS = 4
# Beside a batch that takes so long another receiver listens; beside so many none does.
SLOW_SECONDS, MOST_SLOW = 1.0, 16


class Listeners:
    """Receivers of a drain: `count` that listen, beside `slow` that are held up."""

    def __init__(self, begin: Callable[[], object]) -> None:
        self.count = self.slow = 0
        self._begin = begin

    def add(self) -> None:
        """Begin one more, if there may be more."""
        if self.count < MAX_RECEIVERS:
            self.count += 1
            self._begin()

    @contextmanager
    def listen_beside(self, calls_for_more: bool, rest: float) -> Iterator[None]:
        """Have another receiver listen if the block takes long, and after a rest.

        Not beside a batch that called for more: another was begun at once.
        """
        slow: list[bool] = []

        def count_out() -> None:
            slow.append(True)
            self.count, self.slow = self.count - 1, self.slow + 1
            if not self.count and self.slow <= MOST_SLOW:
                self.add()

        loop = asyncio.get_running_loop()
        timer = loop.call_later(max(SLOW_SECONDS, rest), count_out)
        if calls_for_more:
            timer.cancel()
        try:
            yield
        finally:
            timer.cancel()
            self.count, self.slow = self.count + len(slow), self.slow - len(slow)
