"""What large events cost in memory: they weigh almost as much as Event Grid takes."""

from typing import Any

import msgspec

from tools.bench.contenders.workers import Worker, worker
from tools.bench.load.events import event
from tools.bench.load.parts import running
from tools.bench.load.servers import Emulator
from tools.bench.report import Report, Row
from tools.bench.sizes import Size

SUBSCRIPTIONS = ("sub-flagged", "sub-all-events", "sub-third", "sub-fourth")
EVENT_BYTES = 950_000
# Deliveries of a round: what the emulator holds of them at once.
ROUND = 100
SMALL = 1_000
MOST_MEGABYTES = 150.0


async def run(size: Size) -> Report:
    """Drain small events, then large ones, in one process that holds what it needs."""
    deliveries = max(len(SUBSCRIPTIONS), size.events // 4)
    shares = dict.fromkeys(SUBSCRIPTIONS, 1 / len(SUBSCRIPTIONS))
    async with (
        running(dict.fromkeys(SUBSCRIPTIONS), shares) as (server, place),
        worker("drain", place) as drains,
    ):
        small = await _drain(server, drains, SMALL, weight=0)
        large = [
            await _drain(server, drains, min(ROUND, left), weight=EVENT_BYTES)
            for left in range(deliveries, 0, -ROUND)
        ]
    return Report(_rows(deliveries, small, large), {"small": [small], "large": large})


async def _drain(
    server: Emulator, drains: Worker, deliveries: int, *, weight: int
) -> dict[str, Any]:
    """Publish events that every event subscription takes, and drain them all."""
    events = deliveries // len(SUBSCRIPTIONS)
    for number in range(events):
        made = event(number)
        made["data"]["excerpt"] = "x" * weight
        await server.publish(msgspec.json.encode([made]))
    took = await drains.work(events * len(SUBSCRIPTIONS))
    if took["settled"] != took["events"]:
        raise SystemExit(f"drained {took['settled']} of {took['events']} deliveries")
    return took


def _rows(
    deliveries: int, small: dict[str, Any], large: list[dict[str, Any]]
) -> list[Row]:
    if small["peak"] is None:
        return []
    grown = large[-1]["peak"] - small["peak"]
    what = f"{deliveries:,} deliveries of {EVENT_BYTES:,} bytes: growth of RSS"
    return [Row("memory", what, grown, "MB", target=MOST_MEGABYTES)]
