"""
What `dev.py run` does for Core Tools' func, tried on a program with its bad habits.

They were recorded of Microsoft's host: it ignores SIGTERM, leaves its worker behind,
and exits with code 0 when it has lost its storage.
"""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.stacks import KILL, StartStack, make_app, until
from tools.stack.parts import readiness, services
from tools.stack.supervision.keep_alive import SupervisedPart
from tools.stack.system import orphans, ports, processes

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform == "win32", reason="signals are not that there"),
]

WORKER = "import time\nwhile True:\n    time.sleep(1)\n"
FUNC = f"""#!{sys.executable}
import http.server, json, os, pathlib, signal, subprocess, sys, threading, time

ANSWERS = {{
    "/admin/host/status": {{"state": "Running"}},
    "/admin/functions": [{{"name": "publish"}}],
}}

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(ANSWERS[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

def interrupted(number, frame):
    if not os.environ.get("STUBBORN"):
        os._exit(0)

signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, interrupted)
worker = subprocess.Popen([sys.executable, "worker.py"])
about = {{"worker": worker.pid, "arguments": sys.argv[1:], "environment": dict(os.environ)}}
pathlib.Path("about.tmp").write_text(json.dumps(about))
pathlib.Path("about.tmp").replace("about.json")
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[-1])), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
while not pathlib.Path("storage-is-away").exists():
    time.sleep(0.02)
pathlib.Path("storage-is-away").unlink()
os._exit(0)
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An app folder in which the program named in FUNC_PATH tells about itself."""
    app = make_app(tmp_path / "app")
    (app / "worker.py").write_text(WORKER)
    func = tmp_path / "func"
    func.write_text(FUNC)
    func.chmod(0o755)
    monkeypatch.setenv("FUNC_PATH", str(func))
    return app


def about(app: Path) -> dict[str, object]:
    """What the program last told about itself."""
    told = json.loads((app / "about.json").read_text())
    assert isinstance(told, dict)
    return told


def is_running(pid: object) -> bool:
    """Whether there is such a process, and it is not just waiting to be buried."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_func_is_interrupted_and_its_worker_ended_too(
    app: Path, start_stack: StartStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    SIGTERM to the supervisor becomes the SIGINT that func obeys; no orphan competes.
    """
    monkeypatch.setenv("CONTAINER_NAME", "build-agent")
    stack = start_stack(app=app, host_kind="func")
    told = about(app)

    assert stack.stop() == 0

    assert told["arguments"] == ["start", "--port", str(stack.port("host"))]
    environment = told["environment"]
    assert isinstance(environment, dict)
    assert "CONTAINER_NAME" not in environment
    assert environment["EVENTGRID_ENDPOINT"] == stack.emulator
    assert not is_running(told["worker"])
    assert not orphans.find(stack.data, {})


def test_func_that_ends_itself_with_code_0_is_started_again(
    app: Path, start_stack: StartStack
) -> None:
    """
    An exit code of 0 is no reason to be without a host; the line says why it happens.
    """
    stack = start_stack(app=app, host_kind="func")
    pid, worker = stack.pid("host"), about(app)["worker"]

    (app / "storage-is-away").touch()
    stack.wait_until_back("host", after=pid)

    assert "exit code 0. It ends itself, with exit code 0, when storage was away" in (
        stack.output()
    )
    assert not is_running(worker)
    assert is_running(about(app)["worker"])


def test_a_killed_func_leaves_no_second_consumer(
    app: Path, start_stack: StartStack
) -> None:
    """Its worker would live on as an orphan and go on receiving."""
    stack = start_stack(app=app, host_kind="func")
    pid, worker = stack.pid("host"), about(app)["worker"]

    os.kill(pid, KILL)
    stack.wait_until_back("host", after=pid)

    assert not is_running(worker)


async def test_a_part_that_obeys_nothing_is_killed_after_its_graces(
    app: Path, tmp_path: Path
) -> None:
    """
    A call of minutes may keep func from stopping; the person is not kept that long.
    """
    stops = (
        services.Stop(processes.interrupt, 0.2),
        services.Stop(processes.terminate, 0.2),
    )
    stubborn = replace(a_part(app), stops=stops)
    kept = SupervisedPart(stubborn, tmp_path / "host.log", lambda: None, restart=True)
    keeping = asyncio.create_task(kept.keep())
    await asyncio.wait_for(kept.answering.wait(), 30)
    keeping.cancel()

    await kept.stop(asyncio.Event())

    assert kept.process is not None
    assert kept.process.returncode == -signal.SIGKILL
    worker = about(app)["worker"]
    until("the worker to end", lambda: not is_running(worker))


async def test_asking_twice_does_not_wait_for_a_grace(
    app: Path, tmp_path: Path
) -> None:
    """A second Ctrl-C ends everything at once."""
    stops = (services.Stop(processes.interrupt, 600),)
    kept = SupervisedPart(
        replace(a_part(app), stops=stops),
        tmp_path / "host.log",
        lambda: None,
        restart=True,
    )
    keeping = asyncio.create_task(kept.keep())
    await asyncio.wait_for(kept.answering.wait(), 30)
    keeping.cancel()
    hurry = asyncio.Event()
    stopping = asyncio.create_task(kept.stop(hurry))

    hurry.set()
    await asyncio.wait_for(stopping, 30)

    assert not is_running(about(app)["worker"])


def a_part(app: Path) -> services.Part:
    """The program as a host that does not listen to SIGINT either."""
    port = ports.choose({"--http-port": 0})["--http-port"]
    func = services.find_func()
    assert func is not None
    return services.Part(
        name="host",
        serves="nothing",
        port=port,
        command=(func, "start", "--port", str(port)),
        environment={**os.environ, "STUBBORN": "1"},
        folder=app,
        answers=readiness.host_answers,
        stops=(),
    )
