"""Callers of an HTTP API: each sends one request after another on its own connection."""

import asyncio
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """What all of them ask, and the status that each answer must have."""

    method: str
    path: str
    status: int
    body: bytes = b""

    def raw(self, port: int) -> bytes:
        """Return the bytes of one request."""
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


async def microseconds(
    port: int, request: Request, requests: int, connections: int
) -> float:
    """Return the microseconds that go by for each request, all callers at work."""
    callers = [
        await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)
    ]
    turns = iter(range(requests))
    began = time.perf_counter()
    await asyncio.gather(*(_call(*caller, port, request, turns) for caller in callers))
    seconds = time.perf_counter() - began
    for _, writer in callers:
        writer.close()
    return seconds / requests * 1e6


async def _call(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    port: int,
    request: Request,
    turns: Iterable[int],
) -> None:
    raw, status = request.raw(port), f"HTTP/1.1 {request.status}".encode()
    for _ in turns:
        writer.write(raw)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(status):
            raise SystemExit(f"{request.path} answered {head.decode()}")
        length = _LENGTH.search(head)
        if length is None:
            await reader.readuntil(_LAST_CHUNK)
        else:
            await reader.readexactly(int(length[1]))
