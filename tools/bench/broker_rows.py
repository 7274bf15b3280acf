"""The broker's figures as rows of the common table; see `broker`."""

import json
import tempfile
from pathlib import Path

from tools.bench import broker
from tools.bench.broker_floor import Recording
from tools.bench.report import Report, Row
from tools.bench.sizes import Size

WHAT = "publish, receive, acknowledge, three times over"


async def run(size: Size) -> Report:
    """The broker's CPU per delivery: in memory, durable and its HTTP server alone."""
    bodies = broker.batches(size.broker_events, 1000)
    record = Recording()
    with tempfile.TemporaryDirectory() as folder:
        topology, answers = Path(folder, "topology.json"), Path(folder, "answers.json")
        topology.write_text(json.dumps(broker.TOPOLOGY))  # noqa: ASYNC240 - nothing else runs
        serve = ["-m", "eventgrid_emulator", "--port", "0", "--key", broker.KEY]
        serve += ["--topology", str(topology)]
        async with broker.running(*serve) as port:
            memory = await broker.pipeline(port, bodies, record)
        async with broker.running(*serve, "--data", str(Path(folder, "data"))) as port:
            durable = await broker.pipeline(port, bodies, Recording())
        record.save(answers)
        async with broker.running(
            "-m", "tools.bench.broker_floor", str(answers)
        ) as port:
            floor = await broker.pipeline(port, bodies, Recording())
    took = {"memory": memory, "durable": durable, "floor": floor}
    cost = {name: one.cpu / one.deliveries * 1e6 for name, one in took.items()}
    rows = [
        _row("in memory", cost["memory"], "its HTTP server alone", cost["floor"]),
        _row("durable", cost["durable"], "in memory", cost["memory"]),
    ]
    return Report(rows, {name: [each] for name, each in cost.items()})


def _row(what: str, ours: float, against: str, theirs: float) -> Row:
    return Row("broker", f"{what}: {WHAT}", ours, "µs", against, theirs, ours / theirs)
