"""How soon events are on record while timers stay, over their ticks, and after a kill."""

import asyncio
import contextlib
import statistics
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

from tools.bench.load.events import FLAGGED, clock
from tools.bench.load.parts import (
    Line,
    app_settings,
    audit_lines,
    running,
    running_host,
)
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
    async with running(SUBSCRIPTIONS) as (server, place):
        settings = app_settings(place) | STAYS
        async with _host(settings):
            await server.publish_evenly(RATE, size.stay_seconds * 2 / 3)
        killed = clock()
        async with asyncio.TaskGroup() as group:
            rest = server.publish_evenly(RATE, size.stay_seconds / 3)
            publishing = group.create_task(rest)
            async with _host(settings):
                await publishing
                await asyncio.sleep(1)
        lines = await audit_lines(place.storage, NAME)
    return _report(lines, killed)


def _report(lines: list[Line], killed: datetime) -> Report:
    begun = min(line.at for line in lines) + MARGIN
    heard = min(line.at for line in lines if line.at > killed)
    counted = [
        line
        for line in lines
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
    return Report(rows, {"delays": delays})


@contextlib.asynccontextmanager
async def _host(settings: dict[str, str]) -> AsyncIterator[None]:
    """Run the app in the stand-in host, which is killed when the block ends."""
    with tempfile.TemporaryDirectory() as logs:
        async with running_host("stand-in", ROOT, settings, Path(logs)) as (_, process):
            yield
            await processes.end_group(process.pid)
