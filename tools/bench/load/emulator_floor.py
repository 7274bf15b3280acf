"""The emulator's HTTP server with nothing behind it: it answers recorded bodies."""

import asyncio
import json
import sys
import time
from itertools import cycle
from pathlib import Path

from aiohttp import web

from eventgrid_emulator.http.responses import reply
from eventgrid_emulator.http.server import Server


async def serve(recorded: dict[str, list[str]]) -> None:
    """Read each request whole and answer what was recorded for its target, in order."""
    answers = {
        target: cycle([body.encode() for body in bodies])
        for target, bodies in recorded.items()
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
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_bytes())))
