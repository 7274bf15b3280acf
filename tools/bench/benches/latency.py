"""How soon an event is recorded after it was published, while one long poll is open."""

import statistics

from tools.bench.cost import measured
from tools.bench.load.parts import running
from tools.bench.report import Report, Row
from tools.bench.sizes import Size

RATE = 50
NAME = "sub-all-events"


async def run(size: Size) -> Report:
    """Measure the time from publishing an event until its entry is durable."""
    async with running({NAME: None}, {NAME: 1.0}) as (server, place):
        counts = await measured.stay(server, place, RATE, size.seconds)
    latencies = sorted(seconds * 1000 for seconds in counts.delays)
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    what = f"published → recorded, {RATE} events/s"
    rows = [
        Row("latency", f"{what}: p50", cuts[49], "ms", target=30.0),
        Row("latency", f"{what}: p99", cuts[98], "ms", target=150.0),
    ]
    return Report(rows, {"latencies": latencies, "events": len(latencies)})
