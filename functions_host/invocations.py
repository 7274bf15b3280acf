"""Running functions: which ones run, for how long, and what a timeout does to them."""

import asyncio
import faulthandler
import logging
import os
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

from functions_host import worker
from functions_host.functions import Function
from functions_host.worker import FIRST, Attempt, FunctionFailed
from functions_host.worker_messages import TypedData

LOG = logging.getLogger("functions_host")
# EX_TEMPFAIL: start this process again.
STUCK_EXIT_CODE = 75
# Time for a cancelled coroutine to end.
CANCEL_GRACE = 2.0


class TimedOut(FunctionFailed):
    """The function ran longer than functionTimeout."""


class Stopped(FunctionFailed):
    """The host stopped before the function had ended."""


@dataclass(frozen=True, slots=True)
class Running:
    """One invocation that has begun and not ended."""

    function: Function
    task: asyncio.Task[Any]
    began: float


class Invocations:
    """Every invocation of this process, so that it can be named, timed and awaited."""

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout
        self.restart_needed = asyncio.Event()
        self._running: dict[str, Running] = {}

    def current_function(self) -> str | None:
        """Return the name of the function that this task or thread runs."""
        running = self._running.get(worker.current_invocation() or "")
        return running.function.name if running else None

    @property
    def count(self) -> int:
        """Return how many are running."""
        return len(self._running)

    async def run(
        self, function: Function, value: TypedData, attempt: Attempt = FIRST
    ) -> Any:
        """Run the function; return what it returns, or raise FunctionFailed, logged."""
        invocation_id = str(uuid.uuid4())
        task = asyncio.create_task(
            worker.invoke(
                function, invocation_id, function.trigger.parameter, value, attempt
            )
        )
        self._running[invocation_id] = Running(function, task, time.monotonic())
        try:
            return await self._outcome(function, task)
        except FunctionFailed as failure:
            LOG.error(
                "failed: %s\n%s",
                _last_line(failure),
                failure,
                extra={"function": function.name},
            )
            raise
        finally:
            self._running.pop(invocation_id, None)

    async def drain(self, grace: float, hurried: asyncio.Event) -> None:
        """Wait for what runs, then cancel it."""
        tasks = [running.task for running in self._running.values()]
        if not tasks:
            return
        LOG.info("waiting up to %g s for %d invocation(s)", grace, len(tasks))
        hurry = asyncio.create_task(hurried.wait())
        ended = asyncio.create_task(asyncio.wait(tasks))
        await asyncio.wait(
            {hurry, ended}, timeout=grace, return_when=asyncio.FIRST_COMPLETED
        )
        hurry.cancel()
        ended.cancel()
        late = [task for task in tasks if not task.done()]
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=min(grace, CANCEL_GRACE))

    def overdue(self, now: float) -> list[str]:
        """Return the functions that should have ended by now, loop or no loop."""
        if self.timeout is None:
            return []
        latest = now - self.timeout - 2 * CANCEL_GRACE
        running = list(self._running.values())
        return [item.function.name for item in running if item.began < latest]

    async def _outcome(self, function: Function, task: asyncio.Task[Any]) -> Any:
        done, _ = await asyncio.wait({task}, timeout=self.timeout)
        if not done:
            await self._give_up(function, task)
        try:
            return await task
        except asyncio.CancelledError:
            if task.cancelled():
                raise Stopped("cancelled: the host is stopping") from None
            raise

    async def _give_up(self, function: Function, task: asyncio.Task[Any]) -> None:
        """End the function if that is possible, and this process if it is not."""
        ended: set[asyncio.Task[Any]] = set()
        if function.is_async:
            task.cancel()
            ended, _ = await asyncio.wait({task}, timeout=CANCEL_GRACE)
        # What it says to that is no answer, but has to be listened to.
        await asyncio.gather(*ended, return_exceptions=True)
        if not ended:
            self.restart_needed.set()
        end = "cancelled" if ended else "still running: the host must be started again"
        raise TimedOut(
            f"ran longer than functionTimeout ({self.timeout:g} s) and was {end}"
        )


def watch_for_a_blocked_loop(invocations: Invocations) -> None:
    """Exit with STUCK_EXIT_CODE, from a thread, when the event loop cannot time out.

    A function that never yields keeps the loop from noticing any timeout.
    """
    if invocations.timeout is None:
        return
    pause = min(1.0, invocations.timeout / 2)

    def watch() -> None:
        never = threading.Event()
        while not never.wait(pause):
            if names := invocations.overdue(time.monotonic()):
                exit_stuck(
                    f"{', '.join(names)} blocked the event loop past its timeout"
                )

    threading.Thread(target=watch, name="functionTimeout", daemon=True).start()


def exit_stuck(reason: str) -> None:
    """Leave the process at once, showing where each thread was."""
    LOG.critical("%s; exiting with %d to be started again", reason, STUCK_EXIT_CODE)
    faulthandler.dump_traceback(sys.stderr)
    sys.stderr.flush()
    os._exit(STUCK_EXIT_CODE)


def _last_line(failure: FunctionFailed) -> str:
    return str(failure).rstrip().rpartition("\n")[2]
