"""The contenders' processes, and letting them work in turns."""

import asyncio
import contextlib
import dataclasses
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from tools.bench.contenders.contender import Place
from tools.terminal import ROOT

LIMIT = 2**24  # of one answer
TURN_SECONDS = 120


class Worker:
    """One contender's process; see `contender`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process

    async def work(self, events: int) -> dict[str, Any]:
        """Have it work on so many events; return what that took."""
        self.tell(str(events))
        return await self.answer()

    def tell(self, line: str) -> None:
        """Send it a line."""
        assert self._process.stdin is not None  # noqa: S101  (it was asked for)
        self._process.stdin.write(f"{line}\n".encode())

    async def answer(self) -> dict[str, Any]:
        """Return what it says next."""
        assert self._process.stdout is not None  # noqa: S101  (it was asked for)
        reading = self._process.stdout.readline()
        line = await asyncio.wait_for(reading, TURN_SECONDS)
        if not line:
            raise SystemExit(f"The contender {self.name} ended; its words are above.")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextlib.asynccontextmanager
async def worker(name: str, place: Place) -> AsyncIterator[Worker]:
    """Start a contender; give it when it is ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.bench.contenders.contender"),
        *(name, json.dumps(dataclasses.asdict(place))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LIMIT,
        cwd=ROOT,
    )
    made = Worker(name, process)
    try:
        await made.answer()
        yield made
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def workers(
    places: Mapping[str, Place], kind: str | None = None
) -> AsyncIterator[dict[str, Worker]]:
    """Start the contenders of those names; or several of one kind."""
    async with contextlib.AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(worker(kind or name, place))
            for name, place in places.items()
        }


async def in_turns(
    contenders: Mapping[str, Worker],
    *,
    rounds: int,
    events: int,
    before: Callable[[], Awaitable[None]] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Return what each round took, by contender; a first round is thrown away.

    All work once in every round, in turns (A B C A B C), so that what slows the machine
    down for a while slows all of them down. `before` prepares a round.
    """
    took: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    for _ in range(rounds + 1):
        if before is not None:
            await before()
        for name, contender in contenders.items():
            took[name].append(await contender.work(events))
    return {name: turns[1:] for name, turns in took.items()}


def cpu_per_event(rounds: list[dict[str, Any]]) -> list[float]:
    """Return microseconds of processor time per event, by round."""
    return [turn["cpu"] / turn["events"] * 1e6 for turn in rounds]
