"""How soon an event is recorded after it was published, while one long poll is open."""

import asyncio
import statistics

import msgspec
from azure.core.credentials import AzureKeyCredential

from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.wire.client import Namespace, Topic
from tools.bench.contenders.contender import Place
from tools.bench.contenders.drained import clock
from tools.bench.contenders.workers import Worker, worker
from tools.bench.load.events import FLAGGED, event
from tools.bench.load.servers import KEY, TOPIC, running_emulator, running_storage
from tools.bench.report import Report, Row
from tools.bench.sizes import Size

RATE = 50
WARM_UP = 50
NAME = "sub-flagged"


async def run(size: Size) -> Report:
    """Measure the time from publishing an event until its entry is durable."""
    async with running_emulator({NAME: None}) as server, running_storage() as storage:
        namespace = Namespace(server.endpoint, AzureKeyCredential(KEY))
        topic = namespace.topic(TOPIC)
        place = Place(server.endpoint, TOPIC, KEY, {NAME: 1.0}, storage)
        async with worker("record", place) as recording:
            await _record(recording, topic, WARM_UP)
            found = await _record(recording, topic, round(RATE * size.seconds))
        await namespace.close()
    cuts = statistics.quantiles(found, n=100, method="inclusive")
    what = f"published → recorded, {RATE} events/s"
    rows = [
        Row("latency", f"{what}: p50", cuts[49], "ms", target=30.0),
        Row("latency", f"{what}: p99", cuts[98], "ms", target=150.0),
    ]
    return Report(rows, {"latencies": sorted(found), "events": len(found)})


async def _record(recording: Worker, topic: Topic, events: int) -> list[float]:
    recording.tell(str(events))
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(events):
            # By the clock, whether or not the one before is answered.
            await asyncio.sleep(max(0.0, began + number / RATE - loop.time()))
            group.create_task(_publish(topic, number))
    told = await recording.answer()
    found: list[float] = told["latencies"]
    if len(found) != events:
        raise SystemExit(f"{len(found)} of {events} events were recorded")
    return found


async def _publish(topic: Topic, number: int) -> None:
    made = event(number, FLAGGED, time=stamp(clock()))
    await topic.publish([msgspec.json.encode(made)])
