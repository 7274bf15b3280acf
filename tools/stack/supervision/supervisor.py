"""Runs the parts side by side, watches them, and stops them in order."""

import asyncio
import signal
from collections.abc import Sequence
from types import FrameType

from tools.stack.data_folder import DataFolder
from tools.stack.parts.services import Part
from tools.stack.supervision import logs
from tools.stack.supervision.keep_alive import PartFailed, SupervisedPart
from tools.terminal import say

LOOK_AT_LOGS_EVERY = 10.0


class StopRequest:
    """Whether someone asked to stop, and whether they asked twice."""

    def __init__(self) -> None:
        self._stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def listen(self) -> None:
        """Take every signal that asks for a stop."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._on_signal)

    async def wait(self) -> None:
        """Return when someone asks to stop."""
        await self._stop.wait()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._note)

    def _note(self) -> None:
        if self._stop.is_set():
            self.hurry.set()
        self._stop.set()


async def supervise(
    parts: Sequence[Part], data: DataFolder, *, restart: bool = True
) -> int:
    """Run the parts until asked to stop (0), or until one cannot be brought up (1)."""
    stop = StopRequest()
    stop.listen()
    say("Starting " + ", ".join(part.name for part in parts) + " ...")
    kept = _set_up(parts, data, restart=restart)
    work = [
        _keep_after(kept[0], running) if running.part.is_app else running.keep()
        for running in kept
    ]
    work += [_cut_logs(kept), _report(kept, data), stop.wait()]
    tasks = [asyncio.create_task(coroutine) for coroutine in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
        return 0
    except PartFailed as failure:
        say(str(failure))
        return 1
    finally:
        say("Stopping ...")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for part in reversed(kept):
            await part.stop(stop.hurry)


def _set_up(
    parts: Sequence[Part], data: DataFolder, *, restart: bool
) -> list[SupervisedPart]:
    kept: list[SupervisedPart] = []

    def record() -> None:
        pids = [(part.part, part.process.pid) for part in kept if part.process]
        data.record({part.name: (pid, part.port, part.command) for part, pid in pids})

    for part in parts:
        log = data.logs / f"{part.name.lower()}.log"
        logs.rotate(log)
        kept.append(SupervisedPart(part, log, record, restart=restart))
    return kept


async def _keep_after(needed: SupervisedPart, other: SupervisedPart) -> None:
    await needed.answering.wait()
    await other.keep()


async def _cut_logs(kept: Sequence[SupervisedPart]) -> None:
    while True:
        await asyncio.sleep(LOOK_AT_LOGS_EVERY)
        for part in kept:
            logs.cut(part.log)


async def _report(kept: Sequence[SupervisedPart], data: DataFolder) -> None:
    """Say of each part that it answers, and where its page is; then the app's warnings."""
    followers = {
        running: logs.Follower(running.log) for running in kept if running.part.is_app
    }
    for running in kept:
        await running.answering.wait()
        part = running.part
        say(f"  {part.name:<8} {part.address:<23} {part.serves}")
        if part.has_page:
            say(f"  page     {part.address}/api/")
    say(f"Logs are in {data.logs}. Ctrl-C stops everything.")
    while True:
        for running, follower in followers.items():
            for line in filter(logs.is_noteworthy, follower.new_lines()):
                say(f"{running.part.name} | {line}")
        await asyncio.sleep(0.5)
