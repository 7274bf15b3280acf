"""What it costs to receive, decode and settle, against the SDK and against the floor."""

import itertools
from dataclasses import replace
from typing import Any

from tools.bench.contenders.workers import cpu_per_event, in_turns, workers
from tools.bench.load.events import FLAGGED
from tools.bench.load.parts import running
from tools.bench.report import Report, Row, compare
from tools.bench.sizes import Size

# Contender → the event subscription that is its own; all of them get every event.
OWN = {
    "receive": "sub-ours",
    "drain": "sub-flagged",
    "library": "sub-library",
    "sdk-receive-100": "sub-sdk-100",
    "sdk-receive-10": "sub-sdk-10",
    "floor-receive": "sub-floor",
}
LIBRARY = "the public API, a type of one's own, a line for each event in Azurite"
SETTLE, HANDLE = "receive, decode, settle", "the same, handlers, audit in Azurite"


async def run(size: Size) -> Report:
    """Measure CPU per event of each contender, in turns on one emulator."""
    async with running(dict.fromkeys(OWN.values())) as (server, place):
        places = {name: replace(place, shares={own: 1.0}) for name, own in OWN.items()}
        numbers = itertools.count(step=size.events)

        async def feed() -> None:
            first = next(numbers)
            await server.feed(range(first, first + size.events), [FLAGGED])

        async with workers(places) as contenders:
            took = await in_turns(
                contenders, rounds=size.rounds, events=size.events, before=feed
            )
        left = await server.overview()
    _check(took, size.events, left)
    return Report(
        _rows({name: cpu_per_event(rounds) for name, rounds in took.items()}), took
    )


def _check(
    took: dict[str, list[dict[str, Any]]], events: int, left: dict[str, Any]
) -> None:
    """Check that everyone had all events, and read what is in them."""
    for name, rounds in took.items():
        if any(turn["high"] != (events + 3) // 4 for turn in rounds):
            raise SystemExit(f"{name} did not see the events as they are")
    for name, counts in left.items():
        if counts["ready"] or counts["locked"]:
            raise SystemExit(f"events are left in {name}")


def _rows(cost: dict[str, list[float]]) -> list[Row]:
    against = {
        "sdk-receive-100": ("SDK receive(100) + acknowledge", 1 / 15),
        "sdk-receive-10": ("SDK receive(10) + acknowledge", 1 / 25),
        "floor-receive": ("floor: aiohttp + msgspec, no SDK", 1.5),
    }
    rows = [
        compare(
            *("consume", SETTLE, cost["receive"], "µs"),
            against=words,
            theirs=cost[name],
            target=target,
        )
        for name, (words, target) in against.items()
    ]
    whole = compare(
        *("consume", HANDLE, cost["drain"], "µs"),
        against="SDK receive(100) + acknowledge",
        theirs=cost["sdk-receive-100"],
        target=1 / 6,
    )
    library = compare(
        *("consume", LIBRARY, cost["library"], "µs"),
        against="the app: " + HANDLE,
        theirs=cost["drain"],
        target=1.15,
    )
    return [*rows, whole, library]
