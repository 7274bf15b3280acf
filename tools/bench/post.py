"""What one POST of one event costs, on a Functions host, against a function of the SDK."""

import asyncio
import contextlib
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from eventgrid_pull.blob import blob_client
from moderation import timers
from tools.bench import emulator
from tools.bench.events import FLAGGED, event
from tools.bench.http_load import Request, microseconds
from tools.bench.publish import NOBODY
from tools.bench.report import Report, Row, compared
from tools.bench.servers import KEY, TOPIC, running_emulator, running_storage
from tools.bench.sizes import Size
from tools.stack import options, ports, services, settings_file
from tools.terminal import ROOT

# At least so much faster than the function that sends with the SDK.
TARGETS = {1: 1 / 1.5, 16: None, 64: 1 / 2.5}
SDK_APP = Path(__file__).parent / "sdk_function"
RESULT = {"type": "ContentFlagged", **event(0, FLAGGED)["data"]}
POST = Request("POST", "/api/events", 202, msgspec.json.encode(RESULT))
CONTENDERS = {
    "post": ("app", POST),
    "me": ("app", Request("GET", "/api/me", 200)),
    "sdk": ("sdk", POST),
}
START_SECONDS = 60
# The app writes who published once a second.
WRITTEN_SECONDS = 1.5

type Took = dict[str, list[float]]


@dataclass(slots=True)
class Counts:
    """Requests behind the answers, for each event of the rounds that count."""

    requests: list[float] = field(default_factory=list)
    appends: list[float] = field(default_factory=list)


async def run(size: Size) -> Report:
    """Time for each request at 1, 16 and 64 connections, in turns, on each host."""
    rows, rounds = [], dict[str, dict[str, list[float]]]()
    async with running_emulator(NOBODY) as server, running_storage() as storage:
        settings = _settings(server.endpoint, storage)
        found = ["stand-in", *(["func"] if services.find_func() else [])]
        for host in found:
            async with _hosts(host, settings) as at:
                for connections in TARGETS:
                    counts = Counts()
                    took = await _in_turns(
                        at, size, connections, counts, server.endpoint, storage
                    )
                    rows += _rows(host, connections, took, counts)
                    rounds[f"{host} {connections}"] = took
    return Report(rows, rounds)


async def _in_turns(
    at: Mapping[str, int],
    size: Size,
    connections: int,
    counts: Counts,
    endpoint: str,
    storage: str,
) -> Took:
    requests = max(size.events // 4, connections)
    took: Took = {name: [] for name in CONTENDERS}
    for turn in range(size.rounds + 1):
        for name, (app, request) in CONTENDERS.items():
            before = await _published(endpoint), await _appends(storage)
            micros = await microseconds(at[app], request, requests, connections)
            if turn:
                took[name].append(micros)
            if turn and name == "post":
                await asyncio.sleep(WRITTEN_SECONDS)
                after = await _published(endpoint), await _appends(storage)
                counts.requests.append((after[0] - before[0]) / requests)
                counts.appends.append((after[1] - before[1]) / requests)
    return took


def _rows(host: str, connections: int, took: Took, counts: Counts) -> list[Row]:
    what = f"{host}, {connections} at once: POST of one event"
    target = TARGETS[connections]
    return [
        compared(
            *("post", what, took["post"], "µs"),
            against="a function that sends with the SDK",
            theirs=took["sdk"],
            target=target,
        ),
        compared(
            *("post", what, took["post"], "µs"),
            against="GET /api/me",
            theirs=took["me"],
        ),
        Row(
            *("post", f"{host}, {connections} at once: requests to Event Grid"),
            *(max(counts.requests), "an event"),
            target=1.0,
        ),
        Row(
            *("post", f"{host}, {connections} at once: appends to storage"),
            *(max(counts.appends), "an event"),
            target=0.01 if connections > 1 else None,
        ),
    ]


async def _published(endpoint: str) -> int:
    connection = await emulator.connect(int(endpoint.rpartition(":")[2]))
    metrics = await connection.get("/_local/metrics")
    connection.close()
    found = re.findall(r'operation="publish",status="200"} (\d+)', metrics)
    return sum(map(int, found))


async def _appends(storage: str) -> int:
    """Return how often the app appended to its log of who did what."""
    async with blob_client.service(storage, None) as service:
        container = service.get_container_client("audit")
        if not await container.exists():
            return 0
        count = 0
        async for blob in container.list_blobs(name_starts_with="actions/"):
            told = await container.get_blob_client(blob.name).get_blob_properties()
            count += told.append_blob_committed_block_count or 0
        return count


def _settings(endpoint: str, storage: str) -> dict[str, str]:
    example = settings_file.read(ROOT / settings_file.EXAMPLE)
    idle = {
        f"AzureWebJobs.{one.function}.Disabled": "true"
        for one in timers.registered(example)
    }
    return {
        **example,
        **idle,
        **dict.fromkeys(settings_file.STORAGE, storage),
        settings_file.ENDPOINT: endpoint,
        settings_file.TOPIC: TOPIC,
        settings_file.KEY: KEY,
    }


@contextlib.asynccontextmanager
async def _hosts(
    kind: str, settings: Mapping[str, str]
) -> AsyncIterator[dict[str, int]]:
    """Both apps, each in a host of its own; gives their ports."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()), "sdk")
        shutil.copytree(SDK_APP, folder)
        apps = {"app": ROOT, "sdk": folder}
        yield {
            name: await stack.enter_async_context(_host(kind, app, settings))
            for name, app in apps.items()
        }


@contextlib.asynccontextmanager
async def _host(
    kind: str, app: Path, settings: Mapping[str, str]
) -> AsyncIterator[int]:
    port = ports.choose({"--http-port": 0})["--http-port"]
    chosen = options.read(["--host", kind, "--app", str(app)])
    part = services.host(chosen, port, settings)
    process = await asyncio.create_subprocess_exec(
        *part.command,
        cwd=part.folder,
        env=part.environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not await asyncio.to_thread(part.answers, port):
            if asyncio.get_running_loop().time() > deadline:
                raise SystemExit(f"the host with {app.name} did not start")
            await asyncio.sleep(0.05)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 15)
        except TimeoutError:
            process.kill()
            await process.wait()
