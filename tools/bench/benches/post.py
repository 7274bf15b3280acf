"""What one POST of one event costs, on a Functions host, against a function of the SDK."""

import asyncio
import contextlib
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from eventgrid_pull.blob import blob_client
from moderation import timers, topology
from moderation.runtime import handled
from tools.bench.benches import emulator
from tools.bench.benches.publish import NOBODY
from tools.bench.load.events import FLAGGED, event
from tools.bench.load.http_load import Request, microseconds
from tools.bench.load.servers import KEY, TOPIC, running_emulator, running_storage
from tools.bench.report import Report, Row, compared
from tools.bench.sizes import Size
from tools.stack import options
from tools.stack.parts import services
from tools.stack.parts.services import Part
from tools.stack.settings import settings_file
from tools.stack.system import ports, processes
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


@dataclass(frozen=True, slots=True)
class Behind:
    """What counts the requests behind the answers: the emulator, and the app's log."""

    endpoint: str
    storage: str

    async def published(self) -> int:
        """Return how many publishes the emulator has taken."""
        connection = await emulator.connect(int(self.endpoint.rpartition(":")[2]))
        metrics = await connection.get("/_local/metrics")
        connection.close()
        found = re.findall(r'operation="publish",status="200"} (\d+)', metrics)
        return sum(map(int, found))

    async def appended(self) -> int:
        """Return how often the app appended to its log of who did what."""
        count = 0
        async with blob_client.service(self.storage, None) as service:
            container = service.get_container_client("audit")
            if not await container.exists():
                return 0
            async for blob in container.list_blobs(name_starts_with="actions/"):
                log = container.get_blob_client(blob.name)
                told = await log.get_blob_properties()
                count += told.append_blob_committed_block_count or 0
        return count


async def run(size: Size) -> Report:
    """Time for each request at 1, 16 and 64 connections, in turns, on each host."""
    rows: list[Row] = []
    rounds: dict[str, Took] = {}
    async with running_emulator(NOBODY) as server, running_storage() as storage:
        behind = Behind(server.endpoint, storage)
        for host in ("stand-in", *(["func"] if services.find_func() else [])):
            async with _hosts(host, _settings(server.endpoint, storage)) as at:
                for connections in TARGETS:
                    took = await _in_turns(at, size, connections, behind)
                    rounds[f"{host} {connections}"] = took
                    rows += _rows(f"{host}, {connections} at once", connections, took)
    return Report(rows, rounds)


async def _in_turns(
    at: Mapping[str, int], size: Size, connections: int, behind: Behind
) -> Took:
    requests = max(size.events // (16 if connections == 1 else 4), connections)
    took: Took = {name: [] for name in CONTENDERS}
    published = 0
    appended = await behind.appended()
    for turn in range(size.rounds + 1):
        for name, (app, request) in CONTENDERS.items():
            before = await behind.published()
            micros = await microseconds(at[app], request, requests, connections)
            if name == "post":
                published += await behind.published() - before
            if turn:
                took[name].append(micros)
    await asyncio.sleep(WRITTEN_SECONDS)
    events = requests * (size.rounds + 1)
    took["requests"] = [published / events]
    took["appends"] = [(await behind.appended() - appended) / events]
    return took


def _rows(where: str, connections: int, took: Took) -> list[Row]:
    what, ours = f"{where}: POST of one event", took["post"]
    sdk = "a function that sends with the SDK"
    counts = (
        ("requests to Event Grid", "requests", 1.0),
        ("appends to storage", "appends", 0.01 if connections > 1 else None),
    )
    return [
        compared(
            *("post", what, ours, "µs"),
            against=sdk,
            theirs=took["sdk"],
            target=TARGETS[connections],
        ),
        compared("post", what, ours, "µs", against="GET /api/me", theirs=took["me"]),
        *(
            Row("post", f"{where}: {name}", took[key][0], "an event", target=target)
            for name, key, target in counts
        ),
    ]


def app_settings(endpoint: str, storage: str) -> dict[str, str]:
    """Return the example's settings, with the emulator and Azurite that run."""
    return {
        **settings_file.read(ROOT / settings_file.EXAMPLE),
        **dict.fromkeys(settings_file.STORAGE, storage),
        settings_file.ENDPOINT: endpoint,
        settings_file.TOPIC: TOPIC,
        settings_file.KEY: KEY,
    }


def _settings(endpoint: str, storage: str) -> dict[str, str]:
    settings = app_settings(endpoint, storage)
    idle = {
        f"AzureWebJobs.{function}.Disabled": "true"
        for timer in timers.of(topology.load().names, settings, handled())
        for function in timer.functions
    }
    return settings | idle


@contextlib.asynccontextmanager
async def _hosts(
    kind: str, settings: Mapping[str, str]
) -> AsyncIterator[dict[str, int]]:
    """Both apps, each in a host of its own; gives their ports."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()), "sdk")
        shutil.copytree(SDK_APP, folder)
        apps = {"app": ROOT, "sdk": folder}
        logs = folder.parent
        yield {
            name: (
                await stack.enter_async_context(running_host(kind, app, settings, logs))
            )[0]
            for name, app in apps.items()
        }


@contextlib.asynccontextmanager
async def running_host(
    kind: str, app: Path, settings: Mapping[str, str], logs: Path
) -> AsyncIterator[tuple[int, processes.Process]]:
    """Start a host with an app; give its port and its process."""
    if kind == "func":
        settings_file.make_if_missing(app)
    port = ports.choose({"--http-port": 0})["--http-port"]
    chosen = options.read(["--host", kind, "--app", str(app)])
    part = services.host(chosen, port, settings)
    log = logs / f"{port}.log"
    process = await processes.start(part.command, part.environment, part.folder, log)
    try:
        await _until_it_answers(part, log)
        yield port, process
    finally:
        for stop in part.stops:
            if process.returncode is None:
                stop.ask(process)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), stop.grace)
        await processes.end_group(process.pid)


async def _until_it_answers(part: Part, log: Path) -> None:
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while not await asyncio.to_thread(part.answers, part.port):
        if asyncio.get_running_loop().time() > deadline:
            said = await asyncio.to_thread(log.read_bytes)
            end = said[-2000:].decode(errors="replace")
            raise SystemExit(f"The host did not start:\n{end}")
        await asyncio.sleep(0.05)
