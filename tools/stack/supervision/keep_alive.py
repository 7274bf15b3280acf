"""Keeps one part alive: starts it, waits until it answers, starts it again if it dies."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tools.stack.parts import readiness
from tools.stack.parts.services import Part
from tools.stack.supervision import hang_detection, logs
from tools.stack.system import processes
from tools.terminal import last_lines, say

TRIES = 3
PATIENCE = 120.0
NO_FUNCTIONS_FOR = 3.0
RAN_WELL = 60.0
PAUSES = (1, 2, 4, 8, 16, 30)


class PartFailed(Exception):
    """A part never came to serve; the text says what is known of it."""


class SupervisedPart:
    """A part and the process that is it now."""

    def __init__(
        self, part: Part, log: Path, on_start: Callable[[], None], *, restart: bool
    ) -> None:
        self.part = part
        self.log = log
        self.answering = asyncio.Event()
        self.process: processes.Process | None = None
        self._restart = restart
        self._served = False
        self._deaths = 0
        self._logged = 0
        self._on_start = on_start

    async def keep(self) -> None:
        """Run forever; raise PartFailed if the part cannot be brought up at all."""
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            message = await self._run_once()
            self._deaths = deaths_in_a_row(self._deaths, clock() - started)
            await self._pause(message)

    async def _run_once(self) -> str:
        """Run the part until it ends or hangs; return what to say of that."""
        try:
            process = await self._start()
        except OSError as error:
            message = f"{self.part.name} cannot be started: {error}"
            if not self._served:
                raise PartFailed(message) from error
            return message
        hung = await self._wait_for_end(process)
        self.answering.clear()
        await processes.end_group(process.pid)
        code = await process.wait()
        self.process = None  # its pid may soon be someone else's
        return self._describe_end(process.pid, code, hung=hung)

    async def _wait_for_end(self, process: processes.Process) -> bool:
        """Wait for the end, or a hang that may be ended; return whether it hangs."""
        ended = asyncio.create_task(process.wait())
        watching = asyncio.create_task(self._watch(process.pid))
        try:
            await asyncio.wait({ended, watching}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                await watching
            return not ended.done()
        finally:
            ended.cancel()
            watching.cancel()

    async def _watch(self, pid: int) -> None:
        while not await self._wait_until_it_answers():
            if hang_detection.may_be_ended(self.part, pid, restart=self._restart):
                return
        await hang_detection.wait_for_hang(self.part, pid, restart=self._restart)

    async def _start(self) -> processes.Process:
        part = self.part
        self._logged = logs.size(self.log)
        self.process = await processes.start(
            part.command, part.environment, part.folder, self.log
        )
        self._on_start()
        return self.process

    def _describe_end(self, pid: int, code: int, *, hung: bool) -> str:
        who = f"{self.part.name} (process {pid})"
        quietly = f" {self.part.ends_quietly}" if code == 0 else ""
        message = f"{who} died: {processes.describe_exit(code)}.{quietly}"
        if hung:
            message = f"{who} did not answer any more and was ended."
        tail = last_lines(logs.end_of(self.log, self._logged), 10)
        return f"{message}\n{tail}" if tail else message

    async def _pause(self, message: str) -> None:
        if not self._served and self._deaths >= TRIES:
            raise PartFailed(
                f"{message}\n{self.part.name} does not start. Log: {self.log}"
            )
        pause = pause_after(self._deaths)
        say(f"{message}\nStarting {self.part.name} again in {pause} s.")
        await asyncio.sleep(pause)

    async def _wait_until_it_answers(self) -> bool:
        """Wait until it answers; False if it keeps silent though it once served."""
        reported = ""
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._ask_until_it_answers()
                break
            except TimeoutError:
                self._cannot_serve(f"did not answer within {PATIENCE:.0f} s")
                return False
            except readiness.CannotServe as error:
                if str(error) != reported:
                    self._cannot_serve(str(error))
                reported = str(error)
                await asyncio.sleep(1)
        self.answering.set()
        if self._served and self.process:
            say(f"{self.part.name} is back (process {self.process.pid}).")
        self._served = True
        return True

    async def _ask_until_it_answers(self) -> None:
        clock = asyncio.get_running_loop().time
        empty_since = None
        while True:
            try:
                if await asyncio.to_thread(self.part.answers, self.part.port):
                    return
            except readiness.NotIndexed:
                empty_since = empty_since or clock()
                if clock() - empty_since > NO_FUNCTIONS_FOR:
                    raise
            await asyncio.sleep(0.05)

    def _cannot_serve(self, why: str) -> None:
        reason = logs.why_not_indexed(logs.end_of(self.log, self._logged))
        message = f"{self.part.name} {why}. Its log says:\n{reason}\nLog: {self.log}"
        if not self._served:
            raise PartFailed(message)
        say(message)

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ask as the part wants to be asked, then end it and all it started."""
        process = self.process
        if process is None:
            return
        hurried = asyncio.create_task(hurry.wait())
        ended = asyncio.create_task(process.wait())
        for step in self.part.stops:
            if ended.done() or hurry.is_set():
                break
            step.ask(process)
            await asyncio.wait(
                {ended, hurried},
                timeout=step.grace,
                return_when=asyncio.FIRST_COMPLETED,
            )
        hurried.cancel()
        await processes.end_group(process.pid)
        await ended


def deaths_in_a_row(before: int, ran_for: float) -> int:
    """Return the count after one more death; after a good minute it is the first."""
    return 1 if ran_for >= RAN_WELL else before + 1


def pause_after(deaths: int) -> int:
    """Return seconds to wait after so many deaths in a row."""
    return PAUSES[min(deaths, len(PAUSES)) - 1]
