"""An emulator that may open no further file says so once, and goes on when it may."""

import asyncio
import contextlib
import os
import shutil
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

if sys.platform != "win32":
    import resource

from eventgrid_emulator.cli import descriptors
from eventgrid_emulator.http.server import ACCEPT_AGAIN_AFTER
from tests.eventgrid_emulator.emulator_process import ROOT

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(os.name != "posix", reason="Windows has no such limit"),
]
LIMIT = 64


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="needs prlimit")
async def test_too_many_connections_are_logged_once(tmp_path: Path) -> None:
    """Not with a traceback for each; and who is patient is answered afterwards."""
    errors = tmp_path / "stderr"
    with errors.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *("prlimit", f"--nofile={LIMIT}:{LIMIT}"),
            *(sys.executable, "-m", "eventgrid_emulator", "--port", "0"),
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            cwd=ROOT,
        )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode().strip()
    port = int(line.rpartition(":")[2])
    try:
        with contextlib.ExitStack() as silent:
            for _ in range(2 * LIMIT):
                silent.enter_context(socket.create_connection(("127.0.0.1", port)))
            # Long enough for three attempts, of which one is logged.
            await asyncio.sleep(3.5 * ACCEPT_AGAIN_AFTER)
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
            http.get("/_local/health", timeout=aiohttp.ClientTimeout(20)) as answer,
        ):
            assert answer.status == 200
    finally:
        process.kill()
        await process.wait()
    lines = [line for line in errors.read_text().splitlines() if "INFO" not in line]
    assert len(lines) == 1
    assert "No connection can be accepted: Too many open files" in lines[0]


def test_the_limit_is_raised_as_far_as_the_machine_permits() -> None:
    """A soft limit of 256, as macOS has it, is no limit that anybody chose."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        descriptors.raise_limit()
        after = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert after == min(before[1], descriptors.ENOUGH)
