"""A drain's accounts: parts that end with an answer to callers, the last with the drain."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from eventgrid_pull.draining.drain_result import LISTED, DrainResult, Part
from eventgrid_pull.draining.drain_summary import DrainSummary

_log = logging.getLogger(__name__)

# A drain that goes on is noted that often: half an hour of it would be one bar.
NOTE_SECONDS = 60

type Note = Callable[[DrainSummary], Awaitable[None]]


class Parts:
    """What a drain did: `current` is what it did since the last answer."""

    def __init__(
        self, subscription: str, clock: Callable[[], datetime], note: Note | None
    ) -> None:
        self.current = DrainResult(subscription)
        self._clock, self._note = clock, note
        self._ended: list[DrainResult] = []

    def part(self, stopped: str) -> Part:
        """End the current part at once; return it, and what notes it."""
        self.current.stopped = stopped
        if stopped == "empty":  # the open receive says so without an answer
            self.current.hear(has_more=False)
        return self.last()

    def so_far(self) -> DrainResult:
        """Return a copy of the current part, which goes on."""
        copy = merge([DrainResult(self.current.subscription), self.current])
        self.current.count_taken_into(copy.summary)
        copy.stopped = "budget"
        return copy

    def last(self, *, if_anything: bool = False) -> Part:
        """End the part that ends with the drain; return it, and what notes it.

        `if_anything`: one more in which nothing was done is not noted.
        """
        ended, self.current = self.current, DrainResult(self.current.subscription)
        is_first = not self._ended
        summary = ended.end(self._clock(), drains=int(is_first))
        is_idle = ended.error is None and not ended.summary.received
        if if_anything and is_idle and not is_first:
            return ended, _note(None, summary)
        self._ended = [merge([*self._ended, ended])]
        _log_end(ended)
        return ended, _note(self._note, summary)

    def whole(self) -> DrainResult:
        """Return all of it."""
        return merge(self._ended)

    @asynccontextmanager
    async def note_each_minute(self) -> AsyncIterator[None]:
        """Note what was done in each minute of the block."""
        over = asyncio.Event()
        noting = asyncio.create_task(self._note_until(over))
        try:
            yield
        finally:
            over.set()  # not cut off: a summary that is being noted is noted once
            await noting

    async def _note_until(self, over: asyncio.Event) -> None:
        ending = asyncio.create_task(over.wait())
        while not over.is_set():
            await asyncio.wait((ending,), timeout=NOTE_SECONDS)
            # Silence is not noted: how long ago the last summary was says it.
            if self.current.is_alive() and not over.is_set() and self._note is not None:
                await self._note(self.current.take(self._clock()))
        await ending


def merge(parts: Sequence[DrainResult]) -> DrainResult:
    """Return what parts of a drain did together; the only one itself."""
    if len(parts) == 1:
        return parts[0]
    whole, last = DrainResult(parts[0].subscription), parts[-1]
    whole.stopped, whole.error = last.stopped, last.error
    whole.summary.drains = 0
    for part in parts:
        whole.summary.count(part.summary)
        whole.settled += part.settled
        whole.failed += part.failed
        whole.outcomes += part.outcomes[: max(0, LISTED - len(whole.outcomes))]
    whole.summary.at, whole.summary.last_full = last.summary.at, last.summary.last_full
    whole.summary.completed = last.summary.completed
    return whole


async def _note(note: Note | None, summary: DrainSummary) -> None:
    if note is not None:
        await note(summary)


def _log_end(ended: DrainResult) -> None:
    _log.info(
        "drained %s: received %d, settled %s, failed %s, stopped: %s",
        ended.subscription,
        ended.summary.received,
        {str(verb): count for verb, count in ended.settled.items()},
        dict(ended.failed),
        ended.stopped,
    )
    if ended.error is not None:
        _log.error("drain of %s ended: %s", ended.subscription, ended.error)
