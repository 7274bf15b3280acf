"""Keeps one part alive: starts it, waits until it answers, starts it again if it dies."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from local import logs, probes, processes, restarts
from local.parts import Part
from local.terminal import last_lines, say

TRIES = 3
PATIENCE = 120.0
NO_FUNCTIONS_FOR = 3.0


class PartFailed(Exception):
    """A part never came to serve; the text says what is known of it."""


class Kept:
    """A part and the process that is it now."""

    def __init__(self, part: Part, log: Path, on_start: Callable[[], None]) -> None:
        self.part = part
        self.log = log
        self.answering = asyncio.Event()
        self.process: processes.Process | None = None
        self._served = False
        self._deaths = 0
        self._logged = 0
        self._on_start = on_start

    async def keep(self) -> None:
        """Never returns; raises PartFailed if the part cannot be brought up at all."""
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            process = await self._start()
            code = await self._while_it_runs(process)
            self.answering.clear()
            await processes.end_group(process.pid)
            self.process = None  # its pid may soon be someone else's
            self._deaths = restarts.deaths_in_a_row(self._deaths, clock() - started)
            await self._pause(process.pid, code)

    async def _while_it_runs(self, process: processes.Process) -> int:
        ended = asyncio.create_task(process.wait())
        asking = asyncio.create_task(self._until_it_answers())
        try:
            await asyncio.wait({ended, asking}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                await asking
            return await ended
        finally:
            ended.cancel()
            asking.cancel()

    async def _start(self) -> processes.Process:
        part = self.part
        self._logged = logs.size(self.log)
        try:
            self.process = await processes.start(
                part.command, part.environment, part.folder, self.log
            )
        except OSError as error:
            raise PartFailed(f"{part.name} cannot be started: {error}") from error
        self._on_start()
        return self.process

    async def _pause(self, pid: int, code: int) -> None:
        how = processes.how_it_ended(code)
        quietly = f" {self.part.ends_quietly}" if code == 0 else ""
        said = last_lines(logs.end_of(self.log, self._logged), 10)
        told = f"{self.part.name} (process {pid}) died: {how}.{quietly}\n{said}"
        if not self._served and self._deaths >= TRIES:
            raise PartFailed(
                f"{told}\n{self.part.name} does not start. Log: {self.log}"
            )
        pause = restarts.pause(self._deaths)
        say(f"{told}\nStarting {self.part.name} again in {pause} s.")
        await asyncio.sleep(pause)

    async def _until_it_answers(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._ask_until_it_answers()
        except TimeoutError:
            self._cannot_serve(f"did not answer within {PATIENCE:.0f} s")
        except probes.CannotServe as error:
            self._cannot_serve(str(error))
        self.answering.set()
        if self._served and self.process:
            say(f"{self.part.name} is back (process {self.process.pid}).")
        self._served = True

    async def _ask_until_it_answers(self) -> None:
        clock = asyncio.get_running_loop().time
        empty_since = None
        while True:
            try:
                if await asyncio.to_thread(self.part.answers, self.part.port):
                    return
            except probes.NotIndexed:
                empty_since = empty_since or clock()
                if clock() - empty_since > NO_FUNCTIONS_FOR:
                    raise
            await asyncio.sleep(0.05)

    def _cannot_serve(self, why: str) -> None:
        reason = logs.why_not_indexed(logs.end_of(self.log, self._logged))
        told = f"{self.part.name} {why}. Its log says:\n{reason}\nLog: {self.log}"
        if not self._served:
            raise PartFailed(told)
        say(told)

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
