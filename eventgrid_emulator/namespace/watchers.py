"""Waiting until something has happened in a namespace."""

import asyncio
from collections.abc import Callable


class Watchers:
    """Checks the conditions that are waited for, each time something happens."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[None]] = []
        self._is_closed = False

    def close(self) -> None:
        """End every wait, and those to come."""
        self._is_closed = True
        self.notify()

    def notify(self) -> None:
        """Have all who wait check again."""
        if self.waiting:
            waiting, self.waiting = self.waiting, []
            for news in waiting:
                news.set_result(None)

    async def wait_until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        """Wait until the condition holds, at most so long; return whether it does."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while not is_so() and not self._is_closed:
            news = loop.create_future()
            self.waiting.append(news)
            done, _ = await asyncio.wait((news,), timeout=max(0.0, ends - loop.time()))
            if not done:
                self.waiting.remove(news)
                break
        return is_so()
