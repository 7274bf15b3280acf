"""What the benches talk to: the emulator and Azurite, each a process of its own."""

import asyncio
import contextlib
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from tools.bench.benches import emulator
from tools.bench.load.events import bodies
from tools.stack.data_folder import DataFolder
from tools.stack.parts import azurite, readiness, services
from tools.stack.system import ports

TOPIC, KEY = "bench", emulator.KEY
PUBLISH = f"/topics/{TOPIC}:publish?{emulator.VERSION}"
BATCH_TYPE = "application/cloudevents-batch+json; charset=utf-8"


class Emulator:
    """A running local emulator that keeps its queues in memory."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._session = session

    async def feed(self, numbers: range, kinds: Sequence[str]) -> None:
        """Publish events of these numbers, of these kinds in turns."""
        for body in bodies(numbers, kinds):
            await self._post(body)

    async def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Publish events, each in a request of its own: they may be large."""
        for event in events:
            await self._post(json.dumps([event]).encode())

    async def _post(self, body: bytes) -> None:
        headers = {"Content-Type": BATCH_TYPE}
        async with self._session.post(PUBLISH, data=body, headers=headers) as answer:
            if answer.status != 200:
                raise SystemExit(f"The emulator answered {await answer.text()}")

    async def overview(self) -> dict[str, Any]:
        """Event subscription → its depth and its counts."""
        async with self._session.get("/_local/subscriptions") as answer:
            [topic] = (await answer.json())["topics"]
        return {
            subscription["name"]: subscription
            for subscription in topic["eventSubscriptions"]
        }


@contextlib.asynccontextmanager
async def running_emulator(
    subscriptions: Mapping[str, Sequence[str] | None],
) -> AsyncIterator[Emulator]:
    """Run an emulator with event subscriptions: name → event types, None for all."""
    declared = [
        {"name": name, "filtersConfiguration": {"includedEventTypes": types}}
        for name, types in subscriptions.items()
    ]
    with tempfile.TemporaryDirectory() as folder:
        topology = Path(folder, "topology.json")
        document = {"topic": TOPIC, "eventSubscriptions": declared}
        topology.write_text(json.dumps(document))  # noqa: ASYNC240 - nothing else runs
        arguments = ("--port", "0", "--key", KEY, "--topology", str(topology))
        headers = {"Authorization": f"SharedAccessKey {KEY}"}
        async with (
            emulator.running("-m", "eventgrid_emulator", *arguments) as port,
            aiohttp.ClientSession(
                f"http://127.0.0.1:{port}", headers=headers
            ) as session,
        ):
            yield Emulator(port, session)


@contextlib.asynccontextmanager
async def running_storage() -> AsyncIterator[str]:
    """Azurite as the local stack runs it; gives its connection string."""
    await asyncio.to_thread(azurite.install)
    with tempfile.TemporaryDirectory() as folder, DataFolder(Path(folder)) as data:
        data.make()
        port = ports.choose({"--storage-port": 0})["--storage-port"]
        part = services.storage(port, data)
        process = await asyncio.create_subprocess_exec(
            *part.command,
            cwd=part.folder,
            env=os.environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            await _until_it_answers(port)
            yield services.connection_string(port)
        finally:
            process.kill()
            await process.wait()


async def _until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 20
    while not await asyncio.to_thread(readiness.storage_answers, port):
        if time.monotonic() > deadline:
            raise SystemExit("Azurite did not start within 20 seconds.")
        await asyncio.sleep(0.05)
