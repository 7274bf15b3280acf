"""The drains of this process: of each event subscription one at a time, shared by all."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from eventgrid_pull.draining.callers import Answered, Callers
from eventgrid_pull.draining.drain_parts import merge
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.wire.http_retry import loop_time


class Job(Protocol):
    """One drain: what it does, and what lets it end early; see `drain.DrainJob`."""

    @property
    def until_empty(self) -> bool:
        """Return whether it was begun for a caller, and not by a timer."""

    @property
    def callers(self) -> Callers:
        """Return who waits for it."""

    @property
    def ending(self) -> asyncio.Event:
        """Return what is set when nothing more is to be taken."""

    async def run(self) -> DrainResult:
        """Pull until there is a reason to stop."""


class Drains:
    """Drains at work.

    A drain goes on when whoever waits for it gives up.
    """

    def __init__(self) -> None:
        self.at_work: dict[str, asyncio.Task[DrainResult]] = {}
        self.is_stopping = False
        self._jobs: dict[str, Job] = {}

    async def drain(self, name: str, make_job: Callable[[], Job]) -> DrainResult:
        """Drain as a timer does; or wait for the end of the drain that is at work.

        One that was begun for a caller is followed by another, of this tick.
        """
        while name in self.at_work and self._jobs[name].until_empty:
            await asyncio.wait({self.at_work[name]})
        self._join(name, make_job)
        return await asyncio.shield(self.at_work[name])

    async def drain_now(self, name: str, make_job: Callable[[], Job]) -> DrainResult:
        """Return as soon as what is there now is done, whoever began the drain.

        What a drain did that came to its end before that counts, and another is begun.
        """
        parts, asked = [], loop_time()
        while True:
            is_own = self._join(name, make_job)
            callers = self._jobs[name].callers
            if callers.is_over:
                await asyncio.wait({self.at_work[name]})
                continue
            answer = await self._wait_for(name, callers.ask(asked))
            parts.append(answer.result)
            if answer.all_done or is_own or answer.result.error:
                return merge(parts)

    async def _wait_for(self, name: str, asking: asyncio.Future[Answered]) -> Answered:
        """Return the answer, or raise what the drain died of before it gave one."""
        drain = self.at_work[name]
        await asyncio.wait((asking, drain), return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            drain.result()
        return await asking

    def is_busy(self, name: str) -> bool:
        """Return whether a drain is at work there that a caller would join."""
        job = self._jobs.get(name)
        return job is not None and (not job.until_empty or job.callers.asked.is_set())

    def _join(self, name: str, make_job: Callable[[], Job]) -> bool:
        """Begin a drain unless one is at work; return whether one was begun."""
        if name in self.at_work and not self.at_work[name].done():
            return False
        job = make_job()
        if self.is_stopping:
            job.ending.set()
        task = asyncio.create_task(job.run(), name=f"drain {name}")
        self.at_work[name], self._jobs[name] = task, job
        task.add_done_callback(lambda ended: self._forget(name, ended))
        return True

    def _forget(self, name: str, task: asyncio.Task[DrainResult]) -> None:
        if self.at_work[name] is task:
            del self.at_work[name], self._jobs[name]

    def stop(self) -> None:
        """Let what is in hand be finished, and nothing more be taken."""
        self.is_stopping = True
        for job in self._jobs.values():
            job.ending.set()
