"""The emulator's figures as rows of the common table; see `emulator`."""

import json
import tempfile
from pathlib import Path

from tools.bench import emulator
from tools.bench.emulator_floor import Recording
from tools.bench.report import Report, Row
from tools.bench.sizes import Size

WHAT = "publish, receive, acknowledge, three times over"


async def run(size: Size) -> Report:
    """The emulator's CPU per delivery: in memory, durable and its HTTP server alone."""
    bodies = emulator.batches(size.emulator_events, 1000)
    record = Recording()
    with tempfile.TemporaryDirectory() as folder:
        topology, answers = Path(folder, "topology.json"), Path(folder, "answers.json")
        topology.write_text(json.dumps(emulator.TOPOLOGY))  # noqa: ASYNC240 - nothing else runs
        serve = ["-m", "eventgrid_emulator", "--port", "0", "--key", emulator.KEY]
        serve += ["--topology", str(topology)]
        async with emulator.running(*serve) as port:
            memory = await emulator.pipeline(port, bodies, record)
        async with emulator.running(
            *serve, "--data", str(Path(folder, "data"))
        ) as port:
            durable = await emulator.pipeline(port, bodies, Recording())
        record.save(answers)
        async with emulator.running(
            "-m", "tools.bench.emulator_floor", str(answers)
        ) as port:
            floor = await emulator.pipeline(port, bodies, Recording())
    took = {"memory": memory, "durable": durable, "floor": floor}
    cost = {name: result.cpu / result.deliveries * 1e6 for name, result in took.items()}
    rows = [
        _row("in memory", cost["memory"], "its HTTP server alone", cost["floor"]),
        _row("durable", cost["durable"], "in memory", cost["memory"]),
    ]
    return Report(rows, {name: [cost_of_each] for name, cost_of_each in cost.items()})


def _row(what: str, ours: float, against: str, theirs: float) -> Row:
    return Row(
        "emulator", f"{what}: {WHAT}", ours, "µs", against, theirs, ours / theirs
    )
