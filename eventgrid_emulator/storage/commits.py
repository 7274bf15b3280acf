"""Nothing is answered before it is stored, and a failing disk loses nothing."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable

from eventgrid_emulator.errors import Code, Refusal
from eventgrid_emulator.storage.journal import Journal
from eventgrid_emulator.storage.schema import Stored, read_all
from eventgrid_emulator.storage.sqlite import Store, StoreError

logger = logging.getLogger(__name__)

TRY_AGAIN_AFTER = 1.0

type Answer = tuple[asyncio.Future[bytes], bytes]


class Commits:
    """Hands the journal to the store and the answers to the receivers, in this order."""

    def __init__(
        self, store: Store | None, journal: Journal, restore: Callable[[Stored], None]
    ) -> None:
        self.failure: str | None = None
        self._is_logged = False
        self._store = store
        self._journal = journal
        self._restore = restore
        self._answers: list[Answer] = []
        self._afterwards: list[Callable[[], None]] = []
        self._latest: asyncio.Future[None] | None = None
        self._recovery: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Let the store accept writes from now on."""
        if self._store is not None:
            self._store.start()

    async def close(self) -> None:
        """Store all that happened, close the file, and do nothing more."""
        with contextlib.suppress(Refusal):
            await self.flush()
        self.failure = self.failure or "the emulator is stopping"
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.gather(self._recovery, return_exceptions=True)
        if self._store is not None:
            await self._store.close()

    def check(self) -> None:
        """Raise a 503 while the data folder cannot be written, and after `close`."""
        if self.failure is not None:
            raise unavailable(self.failure)

    def answer(self, receiver: asyncio.Future[bytes], body: bytes) -> None:
        """Give the receiver this body once all that happened so far is stored."""
        self._answers.append((receiver, body))

    def after_commit(self, do: Callable[[], None]) -> None:
        """Do this once all that happened so far is stored; never, if it cannot be."""
        self._afterwards.append(do)

    def commit(self) -> asyncio.Future[None] | None:
        """Store all that happened so far; return None when there is nothing to store."""
        done = self._journal.commit()
        answers, self._answers = self._answers, []
        afterwards, self._afterwards = self._afterwards, []
        if done is None:
            _hand_out(answers, afterwards)
            return None
        done.add_done_callback(lambda done: self._finish(done, answers, afterwards))
        self._latest = done
        return done

    async def flush(self) -> None:
        """Return once all that happened so far is stored. Raises a 503 when that fails."""
        # What happened may be on its way already, handed over by a sweep.
        done = self.commit() or self._latest
        if done is None or done.done():
            return
        try:
            await asyncio.shield(done)
        except StoreError as problem:
            raise unavailable(problem) from None

    def _finish(
        self,
        done: asyncio.Future[None],
        answers: list[Answer],
        afterwards: list[Callable[[], None]],
    ) -> None:
        problem = done.exception()
        if problem is None:
            self._is_logged = False
            _hand_out(answers, afterwards)
            return
        for receiver, _ in answers:
            if not receiver.done():
                receiver.set_exception(problem)
        if self.failure is None:
            self.failure = str(problem)
            if not self._is_logged:
                logger.error("The data folder cannot be written: %s", problem)
            self._recovery = asyncio.create_task(self._recover(wait=self._is_logged))
            self._is_logged = True

    async def _recover(self, *, wait: bool) -> None:
        # Memory is ahead of the file by what nobody has had an answer about.
        if wait:  # nothing could be stored since the last time
            await asyncio.sleep(TRY_AGAIN_AFTER)
        while self._store is not None and self.failure is not None:
            try:
                stored = await self._store.recover(read_all)
            except StoreError:
                await asyncio.sleep(TRY_AGAIN_AFTER)
                continue
            self._journal.discard()
            self._afterwards.clear()
            self._restore(stored)
            self.failure = None


def unavailable(problem: object) -> Refusal:
    """Return a 503: nothing was done, and nothing is lost."""
    return Refusal(
        Code.UNAVAILABLE,
        f"Nothing was done, because nothing can be stored in the data folder: {problem}",
    )


def _hand_out(
    answers: Iterable[Answer], afterwards: Iterable[Callable[[], None]]
) -> None:
    for receiver, body in answers:
        if not receiver.done():
            receiver.set_result(body)
    for do in afterwards:
        do()
