"""One, two and four processes on one event subscription: how fast, and how exact."""

import asyncio
import time
from collections import Counter
from typing import Any

from tools.bench.contenders.workers import Worker, workers
from tools.bench.load.events import FLAGGED
from tools.bench.load.parts import audit_lines, running
from tools.bench.load.servers import Emulator
from tools.bench.report import Report, Row, compare
from tools.bench.sizes import Size

NAME = "sub-flagged"
LANES = (1, 2, 4)
MORE = 3  # times the events of other benches, because several share them
DEADLINE_SECONDS = 100.0


async def run(size: Size) -> Report:
    """Measure events per second with more lanes; then look for every event."""
    async with running({NAME: None}, {NAME: 1.0}) as (server, place):
        names = [f"lane-{number}" for number in range(1, max(LANES) + 1)]
        async with workers(dict.fromkeys(names, place), kind="lane") as lanes:
            took, published = await _rounds(size, server, list(lanes.values()))
        counted = (await server.overview())[NAME]
        entries = Counter([line.id for line in await audit_lines(place.storage, NAME)])
    exact = _check(published, counted, entries)
    return Report(_rows(took, size.events * MORE), {"seconds": took, "exact": exact})


async def _rounds(
    size: Size, server: Emulator, lanes: list[Worker]
) -> tuple[dict[int, list[float]], int]:
    took: dict[int, list[float]] = {count: [] for count in LANES}
    published, events = 0, size.events * MORE
    for _ in range(size.rounds + 1):
        for count, rounds in took.items():
            await server.feed(range(published, published + events), [FLAGGED])
            published += events
            rounds.append(await _drain(server, lanes[:count], published))
    return {count: rounds[1:] for count, rounds in took.items()}, published


async def _drain(server: Emulator, lanes: list[Worker], total: int) -> float:
    """Return seconds until the emulator counts as many acknowledged events in all."""
    began = time.perf_counter()
    for lane in lanes:
        lane.tell("1")
    while (await server.overview())[NAME]["acknowledged"] < total:
        if time.perf_counter() - began > DEADLINE_SECONDS:
            raise SystemExit(f"not all events were settled: {await server.overview()}")
        await asyncio.sleep(0.01)
    seconds = time.perf_counter() - began
    for lane in lanes:
        lane.tell("enough")
    for lane in lanes:
        await lane.answer()
    return seconds


def _check(
    published: int, counted: dict[str, Any], entries: Counter[str]
) -> dict[str, int]:
    """Check that each event was settled once and recorded once."""
    exact = {
        "published": published,
        "acknowledged": counted["acknowledged"],
        "left": counted["ready"] + counted["locked"] + counted["delayed"],
        "recorded": len(entries),
        "recordedTwice": sum(count > 1 for count in entries.values()),
    }
    if list(exact.values()) != [published, published, 0, published, 0]:
        raise SystemExit(f"lost, or settled twice: {exact}")
    return exact


def _rows(took: dict[int, list[float]], events: int) -> list[Row]:
    rates = {
        count: [events / seconds for seconds in rounds]
        for count, rounds in took.items()
    }
    rows = [
        compare(
            *("lanes", f"{count} processes on one event subscription"),
            *(rates[count], "/s"),
            against="1 process",
            theirs=rates[1],
        )
        for count in LANES[1:]
    ]
    lost = Row("lanes", "lost, settled or recorded twice", 0, "events", target=0.0)
    return [*rows, lost]
