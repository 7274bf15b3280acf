"""Whoever sends slowly is not waited for without end."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from functions_host.functions import AuthLevel, Function, HttpTrigger
from functions_host.http import request_body, server
from functions_host.http.host_names import HostNames
from functions_host.http.router import Router

HEAD = b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n"


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, Any]]:
    """Connect to a server with one function."""
    echo = Function("echo", "1", HttpTrigger("req", "echo", (), AuthLevel.ANONYMOUS))
    app: Any = SimpleNamespace(
        auth=False, broken=False, router=Router([echo], "api", os.environ)
    )
    http = server.Server(app, HostNames([]), None)
    listener = await asyncio.get_running_loop().create_server(http, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()
        listener.close()
        await http.shutdown(1.0)


@pytest.mark.parametrize("sent", [b"", b"GET /api/ec", HEAD])
async def test_a_head_that_does_not_end_ends_its_connection(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silent callers do not use up the connections of others."""
    monkeypatch.setattr(server, "PATIENCE", 0.1)
    async with connected() as (reader, writer):
        writer.write(sent)

        assert await asyncio.wait_for(reader.read(), 10) == b""


async def test_a_body_that_does_not_end_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With 408, as by the Functions host."""
    monkeypatch.setattr(request_body, "BODY_PATIENCE", 0.1)
    async with connected() as (reader, writer):
        writer.write(HEAD + b"\r\nhalf")

        assert (await asyncio.wait_for(reader.readline(), 10)) == (
            b"HTTP/1.1 408 Request Timeout\r\n"
        )
