"""Every bench runs, and says what it measured in one shape."""

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from tools import costs
from tools.bench.__main__ import BENCHES, main
from tools.bench.report import Report, Row, compare, document, table
from tools.bench.sizes import Size

pytestmark = pytest.mark.contract

TINY = Size(
    rounds=1,
    events=100,
    backlog=1_200,
    emulator_events=100,
    starts=1,
    seconds=0.2,
    entries=4_000,
    stay_seconds=6.0,
)
# The least that a bench compares with something, and holds to a target.
LEAST = {
    "consume": (4, 4),
    "publish": (1, 1),
    "post": (6, 7),
    "drain": (1, 1),
    "latency": (0, 2),
    "stay": (0, 1),
    "cost": (4, 5),
    "memory": (0, 1),
    "coldstart": (1, 1),
    "emulator": (2, 0),
    "lanes": (2, 1),
    "console": (0, 2),
}


@pytest.mark.parametrize("name", BENCHES)
async def test_a_bench_gives_rows_with_ratios_and_targets(name: str) -> None:
    """
    How fast this machine is does not matter here; what was lost would end the bench.
    """
    report = await BENCHES[name](TINY)

    rows: list[dict[str, Any]] = json.loads(
        json.dumps(document({name: report}, quick=True))
    )["benches"][name]["rows"]
    ratios = [row["ratio"] for row in rows if row["ratio"] is not None]
    least_ratios, least_targets = LEAST[name]
    assert len(ratios) >= least_ratios
    assert all(ratio > 0 for ratio in ratios)
    assert sum(row["target"] is not None for row in rows) >= least_targets
    assert all(isinstance(row["met"], bool) for row in rows if row["target"])
    assert all(row["bench"] == name and row["what"] and row["unit"] for row in rows)
    assert report.rounds


def test_the_command_prints_a_table_and_writes_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is kept of a run says what it depends on, and not whose machine it was."""
    file = tmp_path / "bench.json"

    assert main(["publish", "--quick", "--json", str(file)]) == 0

    written = json.loads(file.read_text(encoding="utf-8"))
    assert set(written["machine"]) == {
        *("cores", "system", "architecture", "python", "versions")
    }
    assert platform.node() not in json.dumps(written["machine"]).split('"')
    [row] = written["benches"]["publish"]["rows"]
    assert row["against"] == "SDK send"
    shown = capsys.readouterr().out
    assert "SDK send" in shown
    assert "≤ 1/4" in shown


def test_a_slow_round_is_slow_for_both() -> None:
    """
    The ratio is taken round by round, so a burst of other work does not decide it.
    """
    row = compare(
        *("consume", "ours", [1, 10, 1], "µs"),
        against="theirs",
        theirs=[4, 40, 4],
        target=1 / 4,
    )

    assert row.ratio == 1 / 4
    assert row.met is True


def test_the_table_shows_what_was_missed() -> None:
    """Without a comparison, the target is held against the figure itself."""
    rows = [
        Row("latency", "p50", 31.0, "ms", target=30.0),
        Row("lanes", "2 processes", 2_000.0, "/s", "1 process", 1_000.0, 2.0),
    ]

    missed, untold = table(Report(rows).rows)[1:]

    assert missed.split() == ["latency", "p50", "31", "ms", "≤", "30", "ms", "MISSED"]
    assert untold.split()[-2:] == ["2.00", "x"]


def test_the_table_of_costs_is_at_the_prices_that_are_documented() -> None:
    """Whoever changes a price writes the table anew: `python -m tools.costs`."""
    found = costs.TABLE.search(costs.CONSUMER.read_text(encoding="utf-8"))
    assert found is not None
    for line in found[0].splitlines()[2:]:
        cells = [cell.strip(" *").replace(",", "") for cell in line.split("|")[1:-1]]
        writes, billed, runs = map(float, cells[4:7])
        month = costs.month(float(cells[0]), billed, runs, writes)
        told = [float(cell) for cell in cells[9:]]

        app = [month.instances, month.executions, month.writes, month.of_the_app]
        assert told[:4] == pytest.approx(app, rel=0.005, abs=0.03), line
        assert told[4] == round(month.units + month.operations), line
