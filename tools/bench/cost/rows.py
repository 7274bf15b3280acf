"""What draining takes at each rate, in either manner, paced or not, and what it costs."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from eventgrid_pull.settings.ticks import Manner
from tools import costs
from tools.bench.cost import measured, simulated
from tools.bench.cost.counts import Counts
from tools.bench.load.events import APPROVED, FLAGGED
from tools.bench.load.parts import running
from tools.bench.report import Report, Row
from tools.bench.sizes import Size

RATES = (0, 1, 10, 100, 1_000)
PACE = 0.8
STAY, VISIT = "0 * * * * *", "0 */5 * * * *"
SUBSCRIPTIONS = {
    "sub-flagged": [FLAGGED],
    "sub-approved": [APPROVED],
    "sub-all-events": None,
}
# Of the events, those that each of them takes.
SHARES = {"sub-flagged": 0.5, "sub-approved": 0.5, "sub-all-events": 1.0}
type Scenario = dict[str, Any]


async def run(size: Size) -> Report:
    """Count by virtual time at every rate, and measure two of them."""
    most = 1 if size.seconds >= 1 else 0.1
    scenarios = await asyncio.to_thread(lambda: list(_virtual(most)))
    by_key = {(s["rate"], s["manner"], s["pace"]): s for s in scenarios}
    async with running(SUBSCRIPTIONS, SHARES) as (server, place):
        for rate, pace in ((100, PACE), (100, 0.0), (1_000, PACE), (1_000, 0.0)):
            paced = replace(place, pace=pace)
            counts = await measured.stay(server, paced, rate, size.seconds / 2)
            scenarios.append(_scenario("measured", rate, "stay", pace, counts))
    at_100, prompt = by_key[100, "stay", PACE], by_key[100, "stay", 0.0]
    loop = by_key[100, "loop", 0.0]
    monthly_writes = costs.of_counts(at_100).writes
    idle, slow = (costs.of_counts(by_key[rate, "visit", 0.0]) for rate in (0, 1))
    rows = [
        _compare("a pace of 0.8 s", at_100, "pace 0", prompt, 1 / 20),
        _compare("the same", at_100, "the SDK's loop, 10 a receive", loop, None),
        Row("cost", "delay at 100/s, paced: p99", at_100["p99"], "s", target=2.5),
        Row("cost", "a month of writes at 100/s", monthly_writes, "$", target=100.0),
        Row("cost", "visits, a month of nothing", idle.of_the_app, "$", target=5.0),
        Row("cost", "visits, a month of 1/s", slow.of_the_app, "$", target=5.0),
        *_measured(scenarios),
    ]
    return Report(rows, {"scenarios": scenarios})


def _virtual(most: float) -> Iterator[Scenario]:
    """Yield each rate in each manner; `most` of the time that it takes to be even."""
    stays: list[tuple[Manner, float, str, float]] = [
        ("visit", 0.0, VISIT, 600 * most),
        ("stay", PACE, STAY, 120 * most),
        ("stay", 0.0, STAY, 60 * most),
    ]
    for rate in RATES:
        for manner, pace, schedule, seconds in stays:
            total = Counts()
            for share in SHARES.values():
                total.add(simulated.run(rate * share, manner, pace, schedule, seconds))
            yield _scenario("virtual", rate, manner, pace, total)
        total = Counts()
        for share in SHARES.values():
            total.add(simulated.common_loop(rate * share, 30 * most))
        yield _scenario("virtual", rate, "loop", 0.0, total)


def _scenario(
    how: str, rate: int, manner: str, pace: float, counts: Counts
) -> Scenario:
    scenario = {"how": how, "rate": rate, "manner": manner, "pace": pace}
    return scenario | counts.as_json()


def _requests(scenario: Scenario) -> float:
    """Return the requests to Event Grid and to storage for each delivery."""
    asked = sum(scenario[what] for what in ("receives", "settlements", "writes"))
    return float(asked / scenario["events"])


def _compare(
    what: str, ours: Scenario, against: str, theirs: Scenario, target: float | None
) -> Row:
    mine, other = _requests(ours), _requests(theirs)
    label = f"a delivery at {ours['rate']}/s, {what} ({ours['how']})"
    return Row("cost", label, mine, "requests", against, other, mine / other, target)


def _measured(scenarios: list[Scenario]) -> Iterator[Row]:
    by_key = {(s["rate"], s["pace"]): s for s in scenarios if s["how"] == "measured"}
    for rate in (100, 1_000):
        paced, prompt = by_key[rate, PACE], by_key[rate, 0.0]
        yield _compare("a pace of 0.8 s", paced, "pace 0", prompt, None)
        label = f"delay at {rate}/s (measured): p99"
        yield Row("cost", f"{label}, paced", paced["p99"] * 1000, "ms")
        yield Row("cost", f"{label}, pace 0", prompt["p99"] * 1000, "ms")
