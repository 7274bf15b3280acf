"""What a delivery costs the emulator: in memory, durable, and its HTTP server alone.

Events are published in hundreds to three event subscriptions that each take every event,
then received and acknowledged by the hundred. The floor is the same HTTP server reading
the same requests and answering the same bodies, with nothing behind it.
"""

import asyncio
import json
import re
import tempfile
from collections import defaultdict
from pathlib import Path

from tools.bench.load.events import bodies
from tools.bench.load.servers import (
    PUBLISH,
    TOPIC,
    VERSION,
    Emulator,
    running,
    running_emulator,
)
from tools.bench.report import Report, Row, compare
from tools.bench.sizes import Size

WHAT = "publish, receive, acknowledge, three times over"
SUBSCRIPTIONS = dict.fromkeys(("first", "second", "third"))
BATCH = 100

# Answers in order, by request target.
type Answers = defaultdict[str, list[str]]


async def run(size: Size) -> Report:
    """Measure CPU per delivery: in memory, durable and the HTTP server alone."""
    batches = bodies(range(size.emulator_events), size=BATCH)
    answers: Answers = defaultdict(list)
    async with running_emulator(SUBSCRIPTIONS) as server:
        memory = await _measure(server, batches, answers)
    with tempfile.TemporaryDirectory() as folder:
        async with running_emulator(SUBSCRIPTIONS, "--data", folder) as server:
            durable = await _measure(server, batches, defaultdict(list))
        recorded = Path(folder, "answers.json")
        recorded.write_text(json.dumps(answers))  # noqa: ASYNC240 - nothing else runs
        floor_server = running("-m", "tools.bench.load.emulator_floor", str(recorded))
        async with floor_server as server:
            floor = await _measure(server, batches, defaultdict(list))
    rows = [
        _row("in memory", memory, "its HTTP server alone", floor),
        _row("durable", durable, "in memory", memory),
    ]
    return Report(rows, {"memory": [memory], "durable": [durable], "floor": [floor]})


async def _measure(server: Emulator, batches: list[bytes], answers: Answers) -> float:
    """Publish everything, then drain; return the server's microseconds a delivery."""
    before = await server.cpu_seconds()
    waiting = list(batches)
    # From two sides, as a durable emulator commits both in one go.
    await asyncio.gather(*(_publish(server, waiting, answers) for _ in range(2)))
    drains = (_drain(server, name, len(batches), answers) for name in SUBSCRIPTIONS)
    deliveries = sum(await asyncio.gather(*drains))
    return (await server.cpu_seconds() - before) / deliveries * 1e6


async def _publish(server: Emulator, waiting: list[bytes], answers: Answers) -> None:
    while waiting:
        answers[PUBLISH].append((await server.publish(waiting.pop())).decode())


async def _drain(server: Emulator, name: str, batches: int, answers: Answers) -> int:
    """Receive and acknowledge all of it; return the number of events."""
    path, count = f"/topics/{TOPIC}/eventsubscriptions/{name}", 0
    receive = f"{path}:receive?{VERSION}&maxEvents={BATCH}&maxWaitTime=10"
    acknowledge = f"{path}:acknowledge?{VERSION}"
    for _ in range(batches):
        received = await server.post(receive)
        tokens = re.findall(rb'"lockToken":("[^"]+")', received)
        count += len(tokens)
        body = b'{"lockTokens":[' + b",".join(tokens) + b"]}"
        settled = await server.post(acknowledge, body)
        answers[receive].append(received.decode())
        answers[acknowledge].append(settled.decode())
    return count


def _row(what: str, ours: float, against: str, theirs: float) -> Row:
    return compare(
        *("emulator", f"{what}: {WHAT}", [ours], "µs"),
        against=against,
        theirs=[theirs],
    )
