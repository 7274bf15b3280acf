"""What a month of the app costs, by the prices in infra/README.md.

`python -m tools.costs FILE` takes what `dev.py bench cost --json FILE` counted, and
rewrites the table in docs/consumer.md.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.terminal import ROOT, say

README, CONSUMER = ROOT / "infra" / "README.md", ROOT / "docs" / "consumer.md"
TABLE = re.compile(r"(\| events/s \| manner \|.*\n\|---.*\n)(?:\|.*\n)*")
SECONDS, HOURS = 2_628_000, 730
# Event Grid counts each event when it is published, and at each of its two
# subscriptions when it is received and when it is settled.
OPERATIONS = 5
DEFAULT_GB = 0.5


@dataclass(frozen=True, slots=True)
class Month:
    """Dollars of a month: what the app itself causes, and what Event Grid takes."""

    instances: float
    executions: float
    writes: float
    units: float
    operations: float

    @property
    def of_the_app(self) -> float:
        """Return what depends on how the app pulls."""
        return self.instances + self.executions + self.writes


def prices() -> dict[str, list[float]]:
    """Return the numbers of the column of assumed prices, by what they are for."""
    rows = re.findall(
        r"^\| ([a-z ,]+) \| [^|]+ \| (\d[^|]+) \|$",
        README.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return {
        what: [float(n) for n in re.findall(r"[\d.]+\d", text)] for what, text in rows
    }


def month(
    rate: float,
    billed: float,
    runs: float,
    writes: float,
    gigabytes: float = DEFAULT_GB,
) -> Month:
    """Return what a month costs at so many events a second.

    `billed` seconds, `runs` and `writes` are those of the app in a second.
    """
    price = prices()
    at_work = billed * SECONDS * gigabytes
    operations = rate * OPERATIONS * SECONDS / 1e6
    return Month(
        instances=max(0.0, at_work - 100_000) * price["timers, on demand"][0],
        executions=max(0.0, runs * SECONDS / 1e6 - 0.25) * price["executions"][0],
        writes=writes * SECONDS / 10_000 * price["storage"][-1],
        units=max(1, -(-rate // 1000)) * HOURS * price["throughput units"][0],
        operations=max(0.0, operations - 1) * price["event operations"][0],
    )


def of_counts(counted: Mapping[str, Any]) -> Month:
    """Return what a month costs by the counts of a bench."""
    seconds = counted["seconds"]
    return month(
        counted["rate"],
        *(counted[what] / seconds for what in ("billed", "runs", "writes")),
    )


def rows(scenarios: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the rows of the table."""
    for counted in scenarios:
        if counted["how"] != "virtual" or counted["manner"] == "loop":
            continue
        cost, seconds = of_counts(counted), counted["seconds"]
        cells = (
            f"{counted['rate']:,g}",
            counted["manner"],
            f"{counted['pace']:g}" if counted["manner"] == "stay" else "",
            *(f"{counted[what] / seconds:,.3g}" for what in ("receives", "writes")),
            f"{counted['billed'] / seconds:.3f}",
            f"{counted['runs'] / seconds:.4f}",
            *(_delay(counted[what]) for what in ("p50", "p99")),
            *(
                f"{dollars:,.2f}"
                for dollars in (cost.instances, cost.executions, cost.writes)
            ),
            f"**{cost.of_the_app:,.2f}**",
            f"{cost.units + cost.operations:,.0f}",
        )
        yield f"| {' | '.join(cells)} |"


def _delay(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.0f} s"


def main(file: str) -> None:
    """Write the table."""
    document = json.loads(Path(file).read_text(encoding="utf-8"))
    scenarios = document["benches"]["cost"]["rounds"]["scenarios"]
    text = CONSUMER.read_text(encoding="utf-8")
    table = "\n".join(rows(scenarios))
    CONSUMER.write_text(TABLE.sub(rf"\1{table}\n", text), encoding="utf-8")
    say("the table in docs/consumer.md is that of this run")


if __name__ == "__main__":
    main(*sys.argv[1:])
