"""Drains that stay, measured: events that come evenly, the emulator and Azurite."""

from tools.bench.contenders.contender import Place
from tools.bench.contenders.workers import Worker, worker
from tools.bench.cost.counts import Counts
from tools.bench.load.events import APPROVED, FLAGGED
from tools.bench.load.servers import Emulator

WARM_UP = 50
KINDS = (FLAGGED, APPROVED)


async def stay(server: Emulator, place: Place, rate: int, seconds: float) -> Counts:
    """Return what it took to record so many events a second, as they came."""
    async with worker("record", place) as drains:
        await _record(server, drains, rate, WARM_UP / rate)
        return await _record(server, drains, rate, seconds)


async def _record(
    server: Emulator, drains: Worker, rate: int, seconds: float
) -> Counts:
    receives = await server.requests("receive")
    settlements = await server.requests("acknowledge")
    drains.tell(str(round(rate * seconds)))
    await server.publish_evenly(rate, seconds, KINDS)
    took = await drains.answer()
    if len(took["delays"]) != took["settled"]:
        raise SystemExit(f"{len(took['delays'])} of {took['settled']} were recorded")
    return Counts(
        receives=await server.requests("receive") - receives,
        settlements=await server.requests("acknowledge") - settlements,
        writes=took["appends"],
        runs=1,
        open=took["seconds"],
        billed=took["seconds"],
        seconds=took["seconds"],
        delays=took["delays"],
    )
