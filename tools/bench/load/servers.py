"""The emulator, or its HTTP server alone, in a process of its own."""

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from eventgrid_pull.blob.append_log import stamp
from tools.bench.load.events import FLAGGED, WHEN, bodies, clock
from tools.terminal import ROOT

TOPIC, KEY = "bench", "YmVuY2g="
VERSION = "api-version=2024-06-01"
PUBLISH = f"/topics/{TOPIC}:publish?{VERSION}"
BATCH_TYPE = "application/cloudevents-batch+json; charset=utf-8"
# More often a publisher does not send; what it sends at once is what came meanwhile.
PUBLISHES = 100


class Emulator:
    """A running emulator, and a connection to it."""

    def __init__(self, endpoint: str, session: aiohttp.ClientSession) -> None:
        self.endpoint = endpoint
        self._session = session

    async def feed(
        self, numbers: range, kinds: Sequence[str] = (FLAGGED,), time: str = WHEN
    ) -> None:
        """Publish events of these numbers, of these kinds in turns."""
        for body in bodies(numbers, kinds, time):
            await self.publish(body)

    async def publish(self, body: bytes) -> bytes:
        """Publish a batch of events."""
        return await self.post(PUBLISH, body, BATCH_TYPE)

    async def publish_evenly(
        self, rate: int, seconds: float, kinds: Sequence[str] = (FLAGGED,)
    ) -> None:
        """Publish by the clock, whether or not what went before is answered."""
        loop = asyncio.get_running_loop()
        began, sent, total = loop.time(), 0, round(rate * seconds)
        async with asyncio.TaskGroup() as group:
            while sent < total:
                due = min(total, int((loop.time() - began) * rate) + 1)
                if due > sent:
                    group.create_task(
                        self.feed(range(sent, due), kinds, stamp(clock()))
                    )
                    sent = due
                next_due = began + sent / rate
                await asyncio.sleep(max(1 / PUBLISHES, next_due - loop.time()))

    async def post(
        self, path: str, body: bytes = b"", kind: str = "application/json"
    ) -> bytes:
        """Post; return the body of the answer, which must be a 200."""
        headers = {"Content-Type": kind}
        async with self._session.post(path, data=body, headers=headers) as answer:
            if answer.status != 200:
                raise SystemExit(f"The emulator answered {await answer.text()}")
            return await answer.read()

    async def overview(self) -> dict[str, Any]:
        """Return each event subscription's depth and counts, by its name."""
        async with self._session.get("/_local/subscriptions") as answer:
            [topic] = (await answer.json())["topics"]
        return {
            subscription["name"]: subscription
            for subscription in topic["eventSubscriptions"]
        }

    async def cpu_seconds(self) -> float:
        """Return the server's processor time so far."""
        return (await self._metrics())["process_cpu_seconds_total"]

    async def requests(self, operation: str) -> int:
        """Return how many such requests were answered with a 200."""
        sample = f'eventgrid_requests_total{{operation="{operation}",status="200"}}'
        return int((await self._metrics()).get(sample, 0))

    async def _metrics(self) -> dict[str, float]:
        async with self._session.get("/_local/metrics") as answer:
            lines = (await answer.text()).splitlines()
        samples = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {sample: float(value) for sample, value in samples}


@contextlib.asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[Emulator]:
    """Run a server whose first line ends in its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    headers = {"Authorization": f"SharedAccessKey {KEY}"}
    try:
        assert process.stdout is not None  # noqa: S101  (it was asked for)
        port = int((await process.stdout.readline()).rpartition(b":")[2])
        endpoint = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession(endpoint, headers=headers) as session:
            yield Emulator(endpoint, session)
    finally:
        process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def running_emulator(
    subscriptions: Mapping[str, Sequence[str] | None], *arguments: str
) -> AsyncIterator[Emulator]:
    """Run an emulator with event subscriptions: name → event types, None for all.

    Without `--data` among the arguments its queues are in memory.
    """
    declared = [
        {"name": name, "filtersConfiguration": {"includedEventTypes": types}}
        for name, types in subscriptions.items()
    ]
    with tempfile.TemporaryDirectory() as folder:
        topology = Path(folder, "topology.json")
        document = {"topic": TOPIC, "eventSubscriptions": declared}
        topology.write_text(json.dumps(document))  # noqa: ASYNC240 - nothing else runs
        command = ("-m", "eventgrid_emulator", "--port", "0", "--key", KEY)
        async with running(
            *command, "--topology", str(topology), *arguments
        ) as emulator:
            yield emulator
