"""The drains of this process: of each event subscription one at a time, shared by all."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from eventgrid_pull.drain_result import DrainResult, Outcome
from eventgrid_pull.watching import Watch

_log = logging.getLogger(__name__)


class Job(Protocol):
    """One drain: what it does, and what lets it end early; see `drain.DrainJob`."""

    @property
    def ending(self) -> asyncio.Event:
        """Set, nothing more is taken."""

    async def run(self) -> DrainResult:
        """Pull until there is a reason to stop."""


class Drains:
    """Drains at work, and who looks out for what they settle."""

    def __init__(self) -> None:
        self.at_work: dict[str, asyncio.Task[DrainResult]] = {}
        self.is_stopping = False
        self._jobs: dict[str, Job] = {}
        self._watches: set[Watch] = set()

    def of(
        self, name: str, job: Callable[[], Job], *, watch: Watch | None = None
    ) -> asyncio.Task[DrainResult]:
        """Return the one drain of that event subscription; begin `job` if need be.

        It goes on when whoever waits for it gives up, and ends with its budget. One
        that is begun for a `watch` ends when that has seen its event.
        """
        if name in self.at_work:
            for one in self._watches:
                one.share(self._jobs[name].ending)
        else:
            self._begin(name, job(), watch)
        return self.at_work[name]

    def _begin(self, name: str, job: Job, watch: Watch | None) -> None:
        if watch is not None:
            watch.begin(job.ending)
        if self.is_stopping:
            job.ending.set()
        task = asyncio.create_task(_run(job), name=f"drain {name}")
        self.at_work[name], self._jobs[name] = task, job
        task.add_done_callback(lambda _: self._ended(name))

    def _ended(self, name: str) -> None:
        del self.at_work[name], self._jobs[name]

    def stop(self) -> None:
        """Let what is in hand be finished, and nothing more be taken."""
        self.is_stopping = True
        for job in self._jobs.values():
            job.ending.set()

    @contextmanager
    def watching(self, watch: Watch) -> Iterator[None]:
        """While it lasts, the watch is told of every outcome of these drains."""
        self._watches.add(watch)
        try:
            yield
        finally:
            self._watches.discard(watch)

    def settled(self, subscription: str, outcomes: list[Outcome]) -> None:
        """Tell whoever watches; see `batch.BatchContext`."""
        for watch in self._watches:
            watch.settled(subscription, outcomes)


async def _run(job: Job) -> DrainResult:
    done = await job.run()
    _log.info(
        "drained %s: received %d, settled %s, failed %s, stopped: %s",
        done.subscription,
        done.summary.received,
        dict(done.settled),
        dict(done.failed),
        done.stopped,
    )
    if done.error is not None:
        _log.error("drain of %s ended: %s", done.subscription, done.error)
    return done
