"""Who listens: the receivers of one drain, one more for each full or slow batch."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from eventgrid_pull.draining.receive_size import Received

MAX_RECEIVERS = 4
# Beside an under-filled batch that takes so long another receiver listens; beside so many
# none does.
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
    def listen_beside(self, received: Received, rest: float) -> Iterator[None]:
        """Have another receiver listen if the block takes long, and after a rest.

        Not beside a full batch, which called for another already.
        """
        slow: list[bool] = []

        def count_out() -> None:
            slow.append(True)
            self.count, self.slow = self.count - 1, self.slow + 1
            if not self.count and self.slow <= MOST_SLOW:
                self.add()

        loop = asyncio.get_running_loop()
        timer = loop.call_later(max(SLOW_SECONDS, rest), count_out)
        if received.is_full:
            timer.cancel()
        try:
            yield
        finally:
            timer.cancel()
            self.count, self.slow = self.count + len(slow), self.slow - len(slow)
