"""The sums of infra/README.md are those of its own prices."""

import re
from typing import NamedTuple

from tools import bicep

HOURS, SECONDS = 730, 2_628_000


class Month(NamedTuple):
    """What is billed for: timers by ticks and seconds, the rest by what is there."""

    units: int = 1
    timers: int = 3
    ticks: int = 8_760
    seconds: int = 20
    memory: float = 0.5
    warm: int = 0
    all_warm: bool = False
    network: bool = False


EXAMPLES = {
    "as it is: every 5 minutes": Month(),
    "prompt: every minute": Month(ticks=43_800, seconds=55),
    "prompt and never cold": Month(ticks=43_800, seconds=55, warm=3, all_warm=True),
    "as it is, with a private network": Month(network=True),
    "`large`": Month(40, 48, 43_800, 55, 4, warm=4),
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


def prices() -> dict[str, list[float]]:
    """The numbers of the column of assumed prices."""
    rows = re.findall(
        r"^\| ([a-z ,]+) \| [^|]+ \| (\d[^|]+) \|$", readme(), re.MULTILINE
    )
    return {
        what: [float(n) for n in re.findall(r"[\d.]+\d", said)] for what, said in rows
    }


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
