"""SIGTERM to the worker: what is in hand is finished, then the process ends."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from eventgrid_pull import shutdown

ROOT = Path(__file__).parents[2]
POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGTERM")
WORKER = """
import asyncio, logging, os, signal, sys
from eventgrid_pull import shutdown

logging.basicConfig()
ended = None

async def finish():
    print("finishing", flush=True)
    await ended.wait()
    print("finished", flush=True)
    {last}

async def main():
    global ended
    ended = asyncio.Event()
    {before}
    assert shutdown.listen(finish)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0.05)
    print("still here", flush=True)
    ended.set()
    await asyncio.sleep(20)
    print("not ended", flush=True)

asyncio.run(main())
"""


def run_worker(*, before: str = "", last: str = "") -> subprocess.CompletedProcess[str]:
    """A process that is told to stop, twice, while it has something in hand."""
    return run(WORKER.format(before=before or "pass", last=last or "pass"))


def run(code: str) -> subprocess.CompletedProcess[str]:
    """A process that runs this."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@POSIX
def test_a_process_that_is_told_to_stop_finishes_first() -> None:
    """Once, however often it is told; then it ends as SIGTERM ends a process."""
    ended = run_worker()

    assert ended.stdout.split("\n") == ["finishing", "still here", "finished", ""]
    assert ended.returncode == -signal.SIGTERM
    assert ended.stderr.count("SIGTERM: nothing more") == 1


@POSIX
def test_a_finish_that_fails_does_not_keep_the_process() -> None:
    """It ends all the same."""
    ended = run_worker(last="raise ValueError('boom')")

    assert ended.returncode == -signal.SIGTERM


async def fail() -> None:
    raise AssertionError


def test_without_a_loop_nobody_listens() -> None:
    """As when tools import the app to index it."""
    assert shutdown.listen(fail) is False


def test_outside_the_main_thread_nobody_listens() -> None:
    """Signals arrive in the main thread only; the app works all the same."""
    listening: list[bool] = []

    async def main() -> None:
        listening.append(shutdown.listen(fail))

    thread = threading.Thread(target=asyncio.run, args=[main()])
    thread.start()
    thread.join()

    assert listening == [False]


HOOKED = """
import asyncio, os, signal
from eventgrid_pull import Event, EventGridPull, testing

def pulling(name):
    return EventGridPull(
        topic=name, environ={}, shutdown=lambda: print("shutdown of", name, flush=True)
    )

async def main():
    for name in ("orders", "parcels"):
        pull = pulling(name)

        @pull.subscription("sub", schedule="0 * * * * *")
        async def handler(event: Event[dict]) -> None: ...

        with testing.connected(pull, testing.InMemoryNamespace()):
            await pull.drain("sub", until_empty=True)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(20)

asyncio.run(main())
"""


@POSIX
def test_the_shutdown_hook_of_every_topic_is_called() -> None:
    """A process may pull from two of them."""
    ended = run(HOOKED)

    assert ended.returncode == -signal.SIGTERM, ended.stderr
    lines = sorted(ended.stdout.split("\n"))
    assert lines == ["", "shutdown of orders", "shutdown of parcels"]
