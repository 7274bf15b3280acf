"""How fast the emulator is: in memory, durable, and against its HTTP server alone.

Events are published in hundreds to three event subscriptions that each take every event,
then received and acknowledged by the hundred. The floor is the same HTTP server reading
the same requests and answering the same bytes, with nothing behind it.
"""

import asyncio
import contextlib
import json
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tools.bench.load.emulator_floor import Recording
from tools.bench.report import Report, Row
from tools.bench.sizes import Size
from tools.terminal import ROOT

WHAT = "publish, receive, acknowledge, three times over"
SUBSCRIPTIONS = ("first", "second", "third")
TOPOLOGY = {
    "topic": "bench",
    "eventSubscriptions": [{"name": name} for name in SUBSCRIPTIONS],
}
KEY = "YmVuY2g="
VERSION = "api-version=2024-06-01"
BATCH = 100


@dataclass(frozen=True, slots=True)
class Result:
    """What one run took."""

    deliveries: int
    seconds: float
    cpu: float

    @property
    def each(self) -> float:
        """Microseconds of the server's processor time for a delivery."""
        return self.cpu / self.deliveries * 1e6


class Connection:
    """One keep-alive connection that sends ready-made requests."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader = reader
        self._writer = writer

    async def post(self, target: str, body: bytes, kind: str) -> bytes:
        """Send a POST; return the body of the answer, which must be a 200."""
        head = (
            f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
            f"Authorization: SharedAccessKey {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return await self._exchange(head.encode() + body)

    async def get(self, target: str) -> str:
        """Return the body of the answer to a GET, which must be a 200, too."""
        head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        return (await self._exchange(head.encode())).decode()

    async def _exchange(self, request: bytes) -> bytes:
        self._writer.write(request)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"The emulator answered {answer.decode()}")
        length = re.search(rb"(?i)content-length: (\d+)", answer)
        return await self._reader.readexactly(int(length[1])) if length else b""

    def close(self) -> None:
        """Give the connection up."""
        self._writer.close()


async def connect(port: int) -> Connection:
    """Open a connection to the server."""
    return Connection(*await asyncio.open_connection("127.0.0.1", port, limit=2**24))


def batches(events: int, size: int) -> list[bytes]:
    """Publish bodies of a hundred events, each about `size` bytes."""
    data = {"contentId": "img-4821", "contentType": "image", "text": ""}
    event = {
        "specversion": "1.0",
        "id": "0" * 36,
        "source": "/services/content-moderation",
        "type": "com.contoso.ai.ContentFlagged",
        "time": "2026-01-01T00:00:00.000000Z",
        "data": data,
    }
    data["text"] = "x" * max(0, size - len(json.dumps(event, separators=(",", ":"))))
    made = []
    for start in range(0, events, BATCH):
        numbers = range(start, min(start + BATCH, events))
        made.append(json.dumps([event | {"id": f"{n:036d}"} for n in numbers]).encode())
    return made


async def pipeline(port: int, bodies: list[bytes], record: Recording) -> Result:
    """Publish everything, then drain the three event subscriptions side by side."""
    control = await connect(port)
    cpu, started = await cpu_seconds(control), time.perf_counter()
    await publish(port, bodies, record)
    drains = (drain(port, name, len(bodies), record) for name in SUBSCRIPTIONS)
    deliveries = sum(await asyncio.gather(*drains))
    seconds = time.perf_counter() - started
    used = await cpu_seconds(control) - cpu
    control.close()
    return Result(deliveries, seconds, used)


async def publish(port: int, bodies: list[bytes], record: Recording) -> None:
    """Publish from two sides, as a durable emulator commits both in one go."""
    waiting = list(reversed(bodies))

    async def work() -> None:
        connection = await connect(port)
        while waiting:
            target = f"/topics/bench:publish?{VERSION}"
            body = waiting.pop()
            kind = "application/cloudevents-batch+json; charset=utf-8"
            record.keep(target, await connection.post(target, body, kind))
        connection.close()

    await asyncio.gather(work(), work())


async def drain(port: int, name: str, batches: int, record: Recording) -> int:
    """Receive and acknowledge all of it; return the number of events."""
    connection = await connect(port)
    place, count = f"/topics/bench/eventsubscriptions/{name}", 0
    receive = f"{place}:receive?{VERSION}&maxEvents={BATCH}&maxWaitTime=10"
    acknowledge = f"{place}:acknowledge?{VERSION}"
    for _ in range(batches):
        body = record.keep(receive, await connection.post(receive, b"", "text/plain"))
        tokens = re.findall(rb'"lockToken":("[^"]+")', body)
        count += len(tokens)
        settled = b'{"lockTokens":[' + b",".join(tokens) + b"]}"
        answer = await connection.post(acknowledge, settled, "application/json")
        record.keep(acknowledge, answer)
    connection.close()
    return count


async def cpu_seconds(connection: Connection) -> float:
    """Return the server's processor time so far."""
    metrics = await connection.get("/_local/metrics")
    found = re.search(r"^process_cpu_seconds_total (\S+)", metrics, re.MULTILINE)
    if found is None:
        raise SystemExit("The server tells no processor time")
    return float(found[1])


@contextlib.asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[int]:
    """Run a server process of our own; give its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    try:
        assert process.stdout is not None  # noqa: S101  (it was asked for)
        line = (await process.stdout.readline()).decode()
        yield int(line.strip().rpartition(":")[2])
    finally:
        process.terminate()
        await process.wait()


async def run(size: Size) -> Report:
    """Measure CPU per delivery: in memory, durable and the HTTP server alone."""
    bodies, record = batches(size.emulator_events, 1000), Recording()
    with tempfile.TemporaryDirectory() as folder:
        topology, answers = Path(folder, "topology.json"), Path(folder, "answers.json")
        topology.write_text(json.dumps(TOPOLOGY))  # noqa: ASYNC240 - nothing else runs
        serve = ["-m", "eventgrid_emulator", "--port", "0", "--key", KEY]
        serve += ["--topology", str(topology)]
        async with running(*serve) as port:
            memory = await pipeline(port, bodies, record)
        async with running(*serve, "--data", str(Path(folder, "data"))) as port:
            durable = await pipeline(port, bodies, Recording())
        record.save(answers)
        async with running(
            "-m", "tools.bench.load.emulator_floor", str(answers)
        ) as port:
            floor = await pipeline(port, bodies, Recording())
    rows = [
        _row("in memory", memory, "its HTTP server alone", floor),
        _row("durable", durable, "in memory", memory),
    ]
    took = {"memory": memory, "durable": durable, "floor": floor}
    return Report(rows, {name: [result.each] for name, result in took.items()})


def _row(what: str, ours: Result, against: str, theirs: Result) -> Row:
    ratio = ours.each / theirs.each
    what = f"{what}: {WHAT}"
    return Row("emulator", what, ours.each, "µs", against, theirs.each, ratio)
