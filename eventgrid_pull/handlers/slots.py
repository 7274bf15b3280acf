"""So many handlers at once; one that cannot be stopped keeps its place until it ends."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any


class NoSlotLeft(Exception):
    """Every slot is held by a handler that nobody waits for any more."""


class Slots:
    """Slots of the handlers of one event subscription, over all receivers of its drains.

    `free` counts those that nobody has, `stuck` those whose handler is given up and goes
    on all the same.
    """

    def __init__(self, most: int) -> None:
        self.most = self.free = most
        self.stuck = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._changed = asyncio.Event()

    def take_free(self) -> bool:
        """Take a slot if one is free; return whether one was."""
        if not self.free:
            return False
        self.free -= 1
        return True

    async def take(self) -> None:
        """Take a slot, in the order of asking; NoSlotLeft rather than wait in vain."""
        if self.take_free():
            return
        if self.stuck >= self.most:
            raise NoSlotLeft
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and not waiting.exception():
                self.give()  # it came too late
            raise

    def give(self) -> None:
        """Give a slot back, to whoever has waited longest."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return
        self.free += 1
        self._changed.set()

    def give_up(self) -> None:
        """Count one more whose handler is given up and goes on."""
        self.stuck += 1
        while self.stuck >= self.most and self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(NoSlotLeft())
        self._changed.set()

    def give_late(self) -> None:
        """Give back the slot of one that was given up and has ended."""
        self.stuck -= 1
        self.give()

    def wait_for_change(self) -> Coroutine[Any, Any, object]:
        """Return what ends as soon as one more is free or stuck, from this call on."""
        self._changed.clear()
        return self._changed.wait()
