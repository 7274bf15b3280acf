"""How long the API's answers take over a day of audit entries in Azurite."""

import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import msgspec

from console import dispatch
from console.http import Request
from console.routes import ROUTES
from eventgrid_pull.blob import blob_client
from eventgrid_pull.blob.append_log import stamp
from moderation import runtime
from tools.bench.contenders.contender import Place
from tools.bench.load import filling
from tools.bench.load.events import FLAGGED, event
from tools.bench.load.filling import Day, Known
from tools.bench.load.parts import app_settings, running_storage
from tools.bench.load.servers import KEY, TOPIC
from tools.bench.report import Report, Row
from tools.bench.sizes import Size
from tools.terminal import say

type Look = Callable[[], Awaitable[None]]

# In ms: what people wait for without noticing that they wait.
SOON = 1_000
SEARCHES = 3
SOURCE = event(0, FLAGGED)["source"]
_routes = {route.path: route for route in ROUTES if route.method == "GET"}


async def run(size: Size) -> Report:
    """Ask for each answer so many times, in turns; for searches a few times."""
    async with running_storage() as storage:
        now = datetime.now(UTC)  # noqa: TID251 - the app looks at this clock, too
        async with blob_client.service(storage, None) as service:
            say(f"writing {size.entries:,} entries:", end=" ")
            day = await filling.fill(service, size.entries, now)
        async with _app(storage):
            looks = _looks(day)
            took = await _measure(looks, size.rounds)
    return Report(_rows(day, took), took)


def _looks(day: Day) -> dict[str, Look]:
    """Return what is asked, and checked: a wrong answer ends the bench."""
    middle = stamp(day.made.time - timedelta(minutes=17))

    async def flow() -> None:
        answer = await _ask("activity", minutes="1440")
        if sum(answer["totals"]["types"].values()) < day.entries // 4:
            raise SystemExit("the flow view does not show what was written")

    async def page(**query: str) -> None:
        first = await _ask("audit", limit="100", **query)
        cursor = first["cursor"]
        rest = await _ask("audit", limit="100", cursor=cursor, **query)
        ids = {(entry["id"], entry["subscription"]) for entry in first["entries"]}
        ids |= {(entry["id"], entry["subscription"]) for entry in rest["entries"]}
        if len(ids) != 200:
            raise SystemExit("two pages are not two hundred entries")

    return {
        "flow view, 24 h": flow,
        "stream, two pages": page,
        "two pages, deep in the day": lambda: page(until=middle),
        "one event's life, time known": lambda: _life(day.made, calls=1),
        "the same, without a time": lambda: _life(
            day.foreign, calls=1_000, source=SOURCE
        ),
    }


async def _life(event: Known, *, calls: int, **more: str) -> None:
    """Find both deliveries of an event, in at most so many calls."""
    query, seen = {"id": event.id} | more, 0
    for _ in range(calls):
        answer = await _ask("life", **query)
        seen += sum(step["kind"] == "delivery" for step in answer["steps"])
        if answer["complete"]:
            break
        query["cursor"] = answer["cursor"]
    if seen != 2:
        raise SystemExit(f"{seen} of 2 deliveries were found")


async def _ask(path: str, **query: str) -> dict[str, Any]:
    request = Request("GET", {}, query, path, f"http://127.0.0.1/api/{path}")
    reply = await dispatch.answer(_routes[path], request)
    if reply.status != 200:
        raise SystemExit(f"{path} answered {reply.status}: {reply.body[:500]!r}")
    return msgspec.json.decode(reply.body, type=dict[str, Any])


async def _measure(looks: dict[str, Look], rounds: int) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {name: [] for name in looks}
    for turn in range(rounds + 1):
        for name, look in looks.items():
            if "without" in name and turn > SEARCHES:
                continue
            began = time.perf_counter()
            await look()
            if turn:  # the first one opens connections and imports
                took[name].append((time.perf_counter() - began) * 1000)
    return took


def _rows(day: Day, took: dict[str, list[float]]) -> list[Row]:
    held = ("flow view, 24 h", "one event's life, time known")
    return [
        Row(
            "console",
            f"{name}; {day.entries:,} entries",
            median(rounds),
            "ms",
            target=SOON if name in held else None,
        )
        for name, rounds in took.items()
    ]


@contextlib.asynccontextmanager
async def _app(storage: str) -> AsyncIterator[None]:
    """Run the app in this process, with the example's settings, on that storage."""
    before = dict(os.environ)
    os.environ |= app_settings(Place("http://127.0.0.1:1", TOPIC, KEY, storage=storage))
    runtime.forget()
    try:
        yield
        await runtime.current().close()
    finally:
        runtime.forget()
        os.environ.clear()
        os.environ |= before
