"""A process that does one kind of work, round after round, and says what each took.

Each contender has a process of its own, so that none pays for what another imported.
`python -m tools.bench.contenders.contender NAME PLACE` writes a line of JSON when it is ready, and one
more for each number of events that it reads from its stdin.
"""

import asyncio
import gc
import importlib
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

# Where each is made; imported by name, because a floor without the SDK must not load it.
CONTENDERS = {
    "receive": "tools.bench.contenders.ours:receiving",
    "drain": "tools.bench.contenders.drained:draining",
    "library": "tools.bench.contenders.library:pulling",
    "lane": "tools.bench.contenders.drained:lane",
    "record": "tools.bench.contenders.drained:recording",
    "publish": "tools.bench.contenders.ours:publishing_in_hundreds",
    "sdk-receive-100": "tools.bench.contenders.sdk:receiving_by_100",
    "sdk-receive-10": "tools.bench.contenders.sdk:receiving_by_10",
    "sdk-publish": "tools.bench.contenders.sdk:publishing_in_hundreds",
    "floor-receive": "tools.bench.contenders.floor:receiving",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contender works, which part of the events each event subscription gets, and
    the pace of drains that stay.
    """

    endpoint: str
    topic: str
    key: str
    shares: Mapping[str, float] = field(default_factory=dict)
    storage: str = ""
    pace: float = 0.0

    @property
    def subscription(self) -> str:
        """Return the only event subscription."""
        [name] = self.shares
        return name


# Does its work on so many events; returns what else there is to say.
type Work = Callable[[int], Awaitable[dict[str, Any]]]
type Contender = Callable[[Place], AbstractAsyncContextManager[Work]]


async def serve(contender: Contender, place: Place) -> None:
    """Work whenever a line says on how many events; end with the stdin."""
    async with contender(place) as work:
        _say({})
        # In a thread, so that connections which a server closes are noticed in time.
        while line := await asyncio.to_thread(sys.stdin.readline):
            _say(await _measure(work, int(line)))


async def _measure(work: Work, events: int) -> dict[str, Any]:
    gc.collect()
    # Processor time of all threads, in user and system mode.
    cpu, started = time.process_time(), time.perf_counter()
    counts = await work(events)
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    took = {"events": events, "seconds": seconds, "cpu": used}
    return took | {"peak": _peak_megabytes()} | counts


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _peak_megabytes() -> float | None:
    """Return the most memory it has held at once; None where that is unknown."""
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def main(name: str, place: str) -> None:
    """Find the contender and let it work."""
    module, _, function = CONTENDERS[name].partition(":")
    contender = getattr(importlib.import_module(module), function)
    asyncio.run(serve(contender, Place(**json.loads(place))))


if __name__ == "__main__":
    main(*sys.argv[1:])
