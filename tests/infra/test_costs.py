"""The sums of infra/README.md are those of its own prices."""

import re
from typing import NamedTuple

import pytest

from tools import bicep, costs
from tools.costs import prices

HOURS, SECONDS = 730, 2_628_000


class Month(NamedTuple):
    """What is billed for: timers by ticks and seconds, the rest by what is there."""

    units: int = 1
    timers: int = 3
    ticks: int = 8_760
    seconds: int = 10
    memory: float = 0.5
    warm: int = 0
    all_warm: bool = False
    network: bool = False


EXAMPLES = {
    "as it is: a visit": Month(),
    "all stay: every minute": Month(ticks=43_800, seconds=60),
    "all stay and never cold": Month(ticks=43_800, seconds=60, warm=3, all_warm=True),
    "as it is, with a private network": Month(network=True),
    "`large`": Month(40, 48, 43_800, 60, 4, warm=4),
}


def cost(month: Month) -> float:
    """USD by the table of prices."""
    price = prices()
    worked = month.timers * month.ticks * month.seconds * month.memory
    baseline, at_work = price["always ready"]
    timers = (
        worked * at_work
        if month.all_warm
        else (worked - 100_000) * price["timers, on demand"][0]
    )
    endpoint, zone = price["private network"]
    metric, log = price["alerts"]
    return (
        month.units * HOURS * price["throughput units"][0]
        + timers
        + month.warm * SECONDS * month.memory * baseline
        + (4 * HOURS * endpoint + 2 * zone if month.network else 0)
        + 3 * metric
        + 4 * log
    )


def readme() -> str:
    """The text that a reader trusts."""
    return (bicep.INFRA / "README.md").read_text(encoding="utf-8")


def test_every_worked_example_adds_up() -> None:
    """To the dollar."""
    for name, month in EXAMPLES.items():
        [said] = re.findall(
            rf"^\| {re.escape(name)}.*\| \*\*([\d,]+)", readme(), re.MULTILINE
        )
        assert round(cost(month)) == int(said.replace(",", "")), name


def test_the_table_of_the_consumer_is_that_of_these_prices() -> None:
    """Dollars follow from what was counted: written anew by `python -m tools.costs`."""
    found = costs.TABLE.search(costs.CONSUMER.read_text(encoding="utf-8"))
    assert found is not None
    rows = [
        [cell.strip(" *").replace(",", "") for cell in line.split("|")[1:-1]]
        for line in found[0].splitlines()[2:]
    ]

    assert len(rows) == 15
    for rate, _, _, _, writes, work, runs, _, _, *dollars in rows:
        month = costs.month(float(rate), float(work), float(runs), float(writes))
        again = (month.instances, month.executions, month.writes, month.of_the_app)
        for told, computed in zip(map(float, dollars), again, strict=False):
            assert computed == pytest.approx(told, rel=0.05, abs=0.6), (rate, dollars)
