"""The emulator's HTTP server with nothing behind it: it answers recorded bytes."""

import asyncio
import base64
import json
import sys
import time
from itertools import cycle
from pathlib import Path

from aiohttp import web

from eventgrid_emulator.http.responses import reply
from eventgrid_emulator.http.server import Server


class Recording:
    """The answers of a run, by request target, in order."""

    def __init__(self) -> None:
        self._answers: dict[str, list[bytes]] = {}

    def keep(self, target: str, body: bytes) -> bytes:
        """Remember the bytes, and return them."""
        self._answers.setdefault(target, []).append(body)
        return body

    def save(self, path: Path) -> None:
        """Write it where another process can read it."""
        encoded = {
            target: [base64.b64encode(body).decode() for body in bodies]
            for target, bodies in self._answers.items()
        }
        path.write_text(json.dumps(encoded))


async def serve(recorded: str) -> None:
    """Read each request whole and answer what was recorded for its target."""
    answers = {
        target: cycle([base64.b64decode(body) for body in bodies])
        for target, bodies in json.loads(recorded).items()
    }

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/_local/metrics":
            cpu = f"process_cpu_seconds_total {time.process_time()}\n"
            return reply(cpu.encode(), "text/plain")
        await request.read()
        return reply(next(answers[request.raw_path]), "application/json; charset=utf-8")

    server = Server(handle)
    await server.start("127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]).read_text()))
