"""A large backlog over three event subscriptions: its cost, and what it holds of it."""

from statistics import median
from typing import Any

from tools.bench.contenders.workers import Worker, cpu_per_event, worker
from tools.bench.load.events import APPROVED, FLAGGED
from tools.bench.load.parts import running
from tools.bench.load.servers import Emulator
from tools.bench.report import Report, Row, compare
from tools.bench.sizes import Size

SUBSCRIPTIONS = {
    "sub-flagged": [FLAGGED],
    "sub-approved": [APPROVED],
    "sub-all-events": None,
}
SHARES = {"sub-flagged": 0.25, "sub-approved": 0.25, "sub-all-events": 0.5}
SMALL = 1_000
MOST_MEGABYTES = 20.0


async def run(size: Size) -> Report:
    """Drain the backlog between rounds of a thousand deliveries, in one process."""
    async with (
        running(SUBSCRIPTIONS, SHARES) as (server, place),
        worker("drain", place) as drains,
    ):
        await _drain(server, drains, SMALL)
        small = [await _drain(server, drains, SMALL) for _ in range(size.rounds)]
        large = await _drain(server, drains, size.backlog)
        small += [await _drain(server, drains, SMALL) for _ in range(size.rounds)]
    return Report(_rows(size, small, large), {"small": small, "large": [large]})


async def _drain(server: Emulator, drains: Worker, deliveries: int) -> dict[str, Any]:
    """Drain so many deliveries, half of them the audit log's."""
    await server.feed(range(deliveries // 2), [FLAGGED, APPROVED])
    took = await drains.work(deliveries)
    left = await server.overview()
    if took["settled"] != deliveries or any(
        counts["ready"] or counts["locked"] for counts in left.values()
    ):
        raise SystemExit(
            f"drained {took['settled']} of {deliveries} deliveries: {left}"
        )
    return took


def _rows(size: Size, small: list[dict[str, Any]], large: dict[str, Any]) -> list[Row]:
    backlog = f"backlog of {size.backlog:,} over three"
    cost = cpu_per_event([large]) * len(small)
    rows = [
        compare(
            *("drain", backlog, cost, "µs"),
            against=f"backlog of {SMALL:,}",
            theirs=cpu_per_event(small),
            target=1.0,
        )
    ]
    if large["peak"] is not None:
        grown = large["peak"] - median(turn["peak"] for turn in small[: size.rounds])
        row = Row(
            "drain", f"{backlog}: growth of RSS", grown, "MB", target=MOST_MEGABYTES
        )
        rows.append(row)
    return rows
