"""So many handlers at once; one that cannot be stopped keeps its place until it ends."""

import asyncio
from collections import deque


class NoSlotLeft(Exception):
    """Every slot is held by a handler that nobody waits for any more."""


class Slots:
    """Slots of the handlers of one event subscription, over all receivers of its drains.

    `stuck` counts those whose handler is given up and goes on all the same.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.stuck = 0
        self._free = most
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._has_room = asyncio.Event()

    async def take(self) -> None:
        """Take a slot, in the order of asking. Raises NoSlotLeft rather than wait in vain."""
        if self._free and not self._waiting:
            self._free -= 1
            return
        if self.stuck >= self.most:
            raise NoSlotLeft
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self.give()  # it came too late
            raise

    def give(self) -> None:
        """Give a slot back, to whoever has waited longest."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return
        self._free += 1

    def give_up(self) -> int:
        """Count one more whose handler is given up and goes on; return how many are."""
        self.stuck += 1
        while self.stuck >= self.most and self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(NoSlotLeft())
        return self.stuck

    def give_late(self) -> None:
        """Give back the slot of one that was given up and has ended."""
        self.stuck -= 1
        self._has_room.set()
        self.give()

    async def room(self) -> int:
        """Return how many slots are not stuck, once it is one at least."""
        while self.stuck >= self.most:
            self._has_room.clear()
            await self._has_room.wait()
        return self.most - self.stuck
