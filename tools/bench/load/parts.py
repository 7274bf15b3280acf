"""Azurite and a Functions host, as the local stack runs them, and what they keep."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path

import msgspec

from eventgrid_pull.blob import blob_client
from moderation import timers, topology
from moderation.settings import SETTINGS
from tools.bench.contenders.contender import Place
from tools.bench.load.servers import KEY, TOPIC, Emulator, running_emulator
from tools.stack import options
from tools.stack.data_folder import DataFolder
from tools.stack.parts import azurite, services
from tools.stack.parts.services import Part
from tools.stack.settings import settings_file
from tools.stack.system import ports, processes
from tools.terminal import ROOT

START_SECONDS = 60
AUDIT = "audit"


class _Envelope(msgspec.Struct):
    time: datetime


class Line(msgspec.Struct):
    """What a line of the audit log says: which event, and when it was decided."""

    id: str
    at: datetime
    event: _Envelope


@contextlib.asynccontextmanager
async def running(
    subscriptions: Mapping[str, Sequence[str] | None],
    shares: Mapping[str, float] | None = None,
) -> AsyncIterator[tuple[Emulator, Place]]:
    """Run an emulator with these event subscriptions, and Azurite."""
    async with running_emulator(subscriptions) as server, running_storage() as storage:
        yield server, Place(server.endpoint, TOPIC, KEY, shares or {}, storage)


@contextlib.asynccontextmanager
async def running_storage() -> AsyncIterator[str]:
    """Run Azurite; give its connection string."""
    await asyncio.to_thread(azurite.install)
    with tempfile.TemporaryDirectory() as folder, DataFolder(Path(folder)) as data:
        data.make()
        port = ports.choose({"--storage-port": 0})["--storage-port"]
        async with _running(services.storage(port, data), data.path):
            yield services.connection_string(port)


@contextlib.asynccontextmanager
async def running_host(
    kind: str, app: Path, settings: Mapping[str, str], logs: Path
) -> AsyncIterator[tuple[int, processes.Process]]:
    """Start a host with an app; give its port and its process."""
    if kind == "func":
        settings_file.make_if_missing(app)
    port = ports.choose({"--http-port": 0})["--http-port"]
    chosen = options.read(["--host", kind, "--app", str(app)])
    async with _running(services.host(chosen, port, settings), logs) as process:
        yield port, process


def app_settings(place: Place) -> dict[str, str]:
    """Return the example's settings, with the emulator and Azurite of that place.

    Those that have a default have it, whatever local.settings.json says.
    """
    own = [timers.settings(name) for name in topology.load().names]
    return {
        **{setting.name: setting.default for setting in chain(SETTINGS, *own)},
        **settings_file.read(ROOT / settings_file.EXAMPLE),
        **dict.fromkeys(settings_file.STORAGE, place.storage),
        settings_file.ENDPOINT: place.endpoint,
        settings_file.TOPIC: place.topic,
        settings_file.KEY: place.key,
    }


async def audit_lines(storage: str, subscription: str) -> list[Line]:
    """Return what is on record of an event subscription."""
    lines: list[Line] = []
    decoder = msgspec.json.Decoder(Line)
    async with blob_client.service(storage, None) as service:
        container = service.get_container_client(AUDIT)
        async for blob in container.list_blobs(name_starts_with=f"{subscription}/"):
            download = await container.download_blob(blob.name)
            lines += decoder.decode_lines(await download.readall())
    return lines


@contextlib.asynccontextmanager
async def _running(part: Part, logs: Path) -> AsyncIterator[processes.Process]:
    log = logs / f"{part.port}.log"
    process = await processes.start(part.command, part.environment, part.folder, log)
    try:
        await _until_it_answers(part, log)
        yield process
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
            output = await asyncio.to_thread(log.read_bytes)
            end = output[-2000:].decode(errors="replace")
            raise SystemExit(f"{part.name} did not start:\n{end}")
        await asyncio.sleep(0.05)
