"""How soon events are on record while timers stay, over their ticks, and after a kill."""

import asyncio
import contextlib
import statistics
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from azure.core.credentials import AzureKeyCredential

from eventgrid_pull.blob import blob_client
from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.wire.client import Namespace, Topic
from tools.bench.benches.post import app_settings, running_host
from tools.bench.contenders.drained import Line, clock
from tools.bench.load.events import FLAGGED, event
from tools.bench.load.servers import KEY, TOPIC, running_emulator, running_storage
from tools.bench.report import Report, Row
from tools.bench.sizes import Size
from tools.stack.system import processes
from tools.terminal import ROOT

RATE = 50
STAYS = {
    "PULL_FLAGGED_SCHEDULE": "0 * * * * *",
    "PULL_FLAGGED_MANNER": "stay",
    "PULL_FLAGGED_PACE": "0",
}
NAME = "sub-flagged"
SUBSCRIPTIONS = {NAME: [FLAGGED], "sub-approved": [], "sub-all-events": []}
# After a host is heard first, and before it is killed, it is left so long: what it
# imports at its start is no matter of listening.
MARGIN = timedelta(seconds=1)
LATE = 100.0


async def run(size: Size) -> Report:
    """Publish over ticks of a minutely schedule; kill the host once, two thirds through."""
    async with (
        running_emulator(SUBSCRIPTIONS) as server,
        running_storage() as storage,
    ):
        namespace = Namespace(server.endpoint, AzureKeyCredential(KEY))
        settings = app_settings(server.endpoint, storage) | STAYS
        topic = namespace.topic(TOPIC)
        async with _host(settings):
            await _publish(topic, size.stay_seconds * 2 / 3)
        killed = clock()
        publishing = asyncio.create_task(_publish(topic, size.stay_seconds / 3))
        async with _host(settings):
            await publishing
            await asyncio.sleep(1)
        await namespace.close()
        found = await _entries(storage)
    return _report(found, killed)


def _report(found: list[Line], killed: datetime) -> Report:
    begun = min(line.at for line in found) + MARGIN
    heard = min(line.at for line in found if line.at > killed)
    counted = [
        line
        for line in found
        if begun < line.event.time < killed - MARGIN or heard + MARGIN < line.event.time
    ]
    delays = [(line.at - line.event.time).total_seconds() * 1000 for line in counted]
    cuts = statistics.quantiles(delays, n=100, method="inclusive")
    silence = (heard - killed).total_seconds()
    what = f"{RATE} events/s, a minutely timer that stays at pace 0"
    rows = [
        Row("stay", f"{what}: p50", cuts[49], "ms"),
        Row("stay", f"{what}: p99", cuts[98], "ms", target=LATE),
        Row("stay", "silence after a kill of the host", silence, "s"),
    ]
    late = sorted(
        (round(line.event.time.timestamp() % 60, 1), round(delay))
        for line, delay in zip(counted, delays, strict=True)
        if delay > LATE
    )
    return Report(rows, {"events": len(delays), "late": late, "silence": silence})


@contextlib.asynccontextmanager
async def _host(settings: dict[str, str]) -> AsyncIterator[None]:
    """The app in the stand-in host, which is killed when the block ends."""
    with tempfile.TemporaryDirectory() as logs:
        async with running_host("stand-in", ROOT, settings, Path(logs)) as (_, process):
            yield
            await processes.end_group(process.pid)


async def _publish(topic: Topic, seconds: float) -> None:
    """By the clock, whether or not the one before is answered."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(round(RATE * seconds)):
            await asyncio.sleep(max(0.0, began + number / RATE - loop.time()))
            made = event(number, FLAGGED, time=stamp(clock()))
            group.create_task(topic.publish([msgspec.json.encode(made)]))


async def _entries(storage: str) -> list[Line]:
    found: list[Line] = []
    async with blob_client.service(storage, None) as service:
        container = service.get_container_client("audit")
        async for blob in container.list_blobs(name_starts_with=f"{NAME}/"):
            download = await container.download_blob(blob.name)
            lines = (await download.readall()).splitlines()
            found += [msgspec.json.decode(line, type=Line) for line in lines]
    return found
