"""Dead letters on their way to the destination, tried again while it is down."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Container, Iterable

from eventgrid_emulator.dead_letters.destinations import Destination
from eventgrid_emulator.dead_letters.document import DeadLetter

logger = logging.getLogger(__name__)

RETRY_PAUSES = (10.0, 60.0, 300.0)
GIVE_UP_AFTER = 2 * 86_400.0


class Outbox:
    """Dead letters wait here until the destination, if any, has them: two days at most."""

    def __init__(
        self,
        to: Destination | None,
        clock: Callable[[], float],
        on_done: Callable[[list[DeadLetter], bool], None],
    ) -> None:
        self._to = to
        self._clock = clock
        self._on_done = on_done
        self._waiting: dict[int, DeadLetter] = {}
        self._news = asyncio.Event()
        self._sent = asyncio.Event()
        self._stored = 0
        self.failures = 0
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, letters: Iterable[DeadLetter]) -> None:
        """Keep them until they are stored and sent."""
        self._waiting.update((letter.id, letter) for letter in letters)

    def send(self, last: int) -> None:
        """Send all up to this id from now on: they are stored."""
        self._stored = last
        self._news.set()

    def remove(self, is_meant: Callable[[DeadLetter], bool]) -> list[int]:
        """Forget those that are meant, even on their way; return their ids."""
        ids = [letter.id for letter in self._waiting.values() if is_meant(letter)]
        for letter_id in ids:
            del self._waiting[letter_id]
        self.failures, self._not_before = 0, 0.0
        self._sent.set()
        return ids

    async def wait_until_sent(self, longest: float) -> None:
        """Wait until nothing waits, the destination is down, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest):
                while self.failures == 0 and self._waiting:
                    self._sent.clear()
                    await self._sent.wait()

    def try_now(self) -> None:
        """Try again if the pause is over, as it may be when the clock was moved."""
        self._news.set()

    async def run(self) -> None:
        """Deliver what comes, until cancelled."""
        while True:
            await self._wait()
            if self._waiting and self._clock() >= self._not_before:
                await self.flush()

    async def flush(self) -> None:
        """Try once to send all that waits; a container that is down delays no other."""
        down: dict[str, Exception] = {}
        while batch := self._next_batch(down):
            try:
                await self._send(batch)
            except Exception as problem:  # whatever a storage client raises is "down"
                down[_container(batch[0])] = problem
        if down:
            self._hold_back(next(iter(down.values())))
        else:
            self.failures, self._not_before = 0, 0.0
        self._sent.set()

    async def _wait(self) -> None:
        pause: float | None = None
        if self._waiting and self.failures:
            pause = max(0.0, self._not_before - self._clock())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._news.wait()
        self._news.clear()

    def _next_batch(self, down: Container[str]) -> list[DeadLetter]:
        batch: list[DeadLetter] = []
        for letter in self._waiting.values():
            if letter.id > self._stored or _container(letter) in down:
                continue
            if batch and letter.blob != batch[0].blob:
                break  # the letters of a blob stand side by side
            batch.append(letter)
        return batch

    async def _send(self, batch: list[DeadLetter]) -> None:
        if self._to is not None:
            container, _, name = batch[0].blob.partition("/")
            content = b"[" + b",".join(letter.document for letter in batch) + b"]"
            await asyncio.to_thread(self._to.put, container, name, content)
        self._done(batch, arrived=True)

    def _hold_back(self, problem: Exception) -> None:
        now = self._clock()
        pause = RETRY_PAUSES[min(self.failures, len(RETRY_PAUSES) - 1)]
        self.failures += 1
        self._not_before = now + pause
        line = str(problem).strip().partition("\n")[0]
        logger.warning(
            "%d dead letters are kept; the next attempt is in %d s: %s",
            len(self._waiting),
            pause,
            line,
        )
        waiting, oldest = self._waiting.values(), now - GIVE_UP_AFTER
        given_up = [letter for letter in waiting if letter.since <= oldest]
        if given_up:
            self._done(given_up, arrived=False)

    def _done(self, letters: list[DeadLetter], *, arrived: bool) -> None:
        # What was cleared while it was sent is forgotten already.
        known = [letter for letter in letters if self._waiting.pop(letter.id, None)]
        self._on_done(known, arrived)


def _container(letter: DeadLetter) -> str:
    return letter.blob.partition("/")[0]
