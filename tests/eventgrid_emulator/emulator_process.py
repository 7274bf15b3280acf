"""The emulator as a process of its own, started and ended by a test."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOPOLOGY = ROOT / "moderation" / "topology.json"


class EmulatorProcess:
    """A running `python -m eventgrid_emulator`, with the address that it printed."""

    def __init__(self, process: asyncio.subprocess.Process, endpoint: str) -> None:
        self._process = process
        self.endpoint = endpoint

    async def kill(self) -> None:
        """End it at once, as by `kill -9`."""
        self._process.kill()
        await self._process.wait()

    async def terminate(self) -> int:
        """Ask it to stop; return its exit code."""
        self._process.terminate()
        return await asyncio.wait_for(self._process.wait(), 20)

    @property
    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return self._process.returncode is None


async def start(*arguments: str, cwd: Path = ROOT) -> EmulatorProcess:
    """Start one that answers when this returns, by default with the app's topology."""
    if "--topology" not in arguments:
        arguments = (*arguments, "--topology", str(TOPOLOGY))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "eventgrid_emulator", "--port", "0"),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=cwd,
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
    assert line.startswith("Event Grid emulator on http"), line
    return EmulatorProcess(process, line.split()[-1])


@contextlib.asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[EmulatorProcess]:
    """Run an emulator for the length of a block."""
    emulator = await start(*arguments)
    try:
        yield emulator
    finally:
        if emulator.is_running:
            await emulator.kill()


async def start_failing(*arguments: str) -> tuple[int, str]:
    """Return exit code and stderr of an emulator that does not start."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "eventgrid_emulator", "--port", "0"),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, problem = await asyncio.wait_for(process.communicate(), 20)
    assert out == b""
    return process.returncode or 0, problem.decode()
