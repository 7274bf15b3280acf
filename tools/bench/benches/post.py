"""What one POST of one event costs, on a Functions host, against a function of the SDK."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec

from eventgrid_pull.blob import blob_client
from moderation import timers, topology
from moderation.runtime import handled
from tools.bench.benches.publish import NOBODY
from tools.bench.contenders.contender import Place
from tools.bench.load.events import FLAGGED, event
from tools.bench.load.http_load import Request, microseconds
from tools.bench.load.parts import (
    AUDIT,
    app_settings,
    running,
    running_host,
)
from tools.bench.load.servers import Emulator
from tools.bench.report import Report, Row, compare
from tools.bench.sizes import Size
from tools.stack.parts import services
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
# The app writes who published once a second.
WRITTEN_SECONDS = 1.5

type Took = dict[str, list[float]]


async def run(size: Size) -> Report:
    """Measure time for each request at 1, 16 and 64 connections, in turns, on each host."""
    rows: list[Row] = []
    rounds: dict[str, Took] = {}
    async with running(NOBODY) as (server, place):
        for host in ("stand-in", *(["func"] if services.find_func() else [])):
            async with _hosts(host, _settings(place)) as at:
                for connections in TARGETS:
                    took = await _in_turns(at, size, connections, server, place.storage)
                    rounds[f"{host} {connections}"] = took
                    rows += _rows(f"{host}, {connections} at once", connections, took)
    return Report(rows, rounds)


async def _in_turns(
    at: Mapping[str, int],
    size: Size,
    connections: int,
    server: Emulator,
    storage: str,
) -> Took:
    requests = max(size.events // (16 if connections == 1 else 4), connections)
    took: Took = {name: [] for name in CONTENDERS}
    published = 0
    appended = await _appended(storage)
    for turn in range(size.rounds + 1):
        for name, (app, request) in CONTENDERS.items():
            before = await server.requests("publish")
            micros = await microseconds(at[app], request, requests, connections)
            if name == "post":
                published += await server.requests("publish") - before
            if turn:
                took[name].append(micros)
    await asyncio.sleep(WRITTEN_SECONDS)
    events = requests * (size.rounds + 1)
    took["requests"] = [published / events]
    took["appends"] = [(await _appended(storage) - appended) / events]
    return took


async def _appended(storage: str) -> int:
    """Return how often the app appended to its log of who did what."""
    count = 0
    async with blob_client.service(storage, None) as service:
        container = service.get_container_client(AUDIT)
        if not await container.exists():
            return 0
        async for blob in container.list_blobs(name_starts_with="actions/"):
            log = container.get_blob_client(blob.name)
            properties = await log.get_blob_properties()
            count += properties.append_blob_committed_block_count or 0
    return count


def _rows(where: str, connections: int, took: Took) -> list[Row]:
    what, ours = f"{where}: POST of one event", took["post"]
    sdk = "a function that sends with the SDK"
    counts = (
        ("requests to Event Grid", "requests", 1.0),
        ("appends to storage", "appends", 0.01 if connections > 1 else None),
    )
    return [
        compare(
            *("post", what, ours, "µs"),
            against=sdk,
            theirs=took["sdk"],
            target=TARGETS[connections],
        ),
        compare("post", what, ours, "µs", against="GET /api/me", theirs=took["me"]),
        *(
            Row("post", f"{where}: {name}", took[key][0], "an event", target=target)
            for name, key, target in counts
        ),
    ]


def _settings(place: Place) -> dict[str, str]:
    settings = app_settings(place)
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
    """Run both apps, each in a host of its own; give their ports."""
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
