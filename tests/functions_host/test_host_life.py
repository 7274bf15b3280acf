"""The stand-in host starts, fails, times out and stops as its supervisor expects."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functions_host.hosting import ROOT, RunningHost, an_app, running, until

pytestmark = pytest.mark.contract

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has Ctrl-Break only")
HOST = (sys.executable, "-m", "functions_host")
HEAD = """
import asyncio, json, logging, os, signal, sys, threading, time
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
gate = asyncio.Event()


@app.route("hello")
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    logging.getLogger("anything").info("somebody is here")
    return func.HttpResponse("hello")


@app.route("open")
async def open_gate(req: func.HttpRequest) -> func.HttpResponse:
    gate.set()
    return func.HttpResponse("open")


@app.route("wait")
async def wait(req: func.HttpRequest) -> func.HttpResponse:
    print("waiting")
    try:
        await gate.wait()
    except asyncio.CancelledError:
        logging.warning("cut off")
        raise
    return func.HttpResponse("waited")
"""

BLOCKING = """
@app.route("thread")
def thread(req: func.HttpRequest) -> func.HttpResponse:
    print("blocking a thread")
    threading.Event().wait(60)
    return func.HttpResponse("late")


@app.route("loop")
async def loop(req: func.HttpRequest) -> func.HttpResponse:
    print("blocking the loop")
    threading.Event().wait(60)
    return func.HttpResponse("late")
"""


class Call(threading.Thread):
    """A request on its way; `status` is there once it is answered, 0 if it was cut."""

    def __init__(self, host: RunningHost, target: str) -> None:
        super().__init__()
        self.host = host
        self.target = target
        self.status = -1
        self.start()

    def run(self) -> None:
        """Wait for the answer."""
        try:
            self.status = self.host.get(self.target).status
        except OSError:
            self.status = 0

    def ended(self) -> int:
        """Wait for the status and return it."""
        self.join(timeout=30)
        return self.status


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_host(tmp_path: Path, number: signal.Signals) -> None:
    """Either signal is enough, the exit code is 0 and nothing is complained about."""
    with running(an_app(tmp_path, HEAD)) as host:
        host.get("/api/hello")
        host.process.send_signal(number)

        assert host.process.wait(timeout=10) == 0
        assert "Traceback" not in host.log


def test_a_call_in_flight_is_answered_before_the_host_stops(tmp_path: Path) -> None:
    """Whoever was let in gets an answer, whoever comes later does not get in."""
    with running(an_app(tmp_path, HEAD)) as host:
        call = Call(host, "/api/wait")
        until(lambda: "waiting" in host.log)
        host.ask_to_stop()
        until(lambda: "waiting up to" in host.log)
        with pytest.raises(OSError, match="refused"):
            host.get("/api/hello")
        # The gate stays shut: a second signal is what ends the call.
        host.ask_to_stop()

        assert call.ended() == 500
        assert host.process.wait(timeout=10) == 0
        assert "cut off" in host.log


@POSIX
def test_a_running_call_may_end_in_its_own_time(tmp_path: Path) -> None:
    """The stop waits for it."""
    code = HEAD + (
        "\n\ndef told() -> None:\n    print('the app was told')\n"
        "    asyncio.get_running_loop().call_later(0.5, gate.set)\n\n"
        "asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told)\n"
    )
    with running(an_app(tmp_path, code)) as host:
        call = Call(host, "/api/wait")
        until(lambda: "waiting" in host.log)

        assert host.stop() == 0
        assert call.ended() == 200
        assert host.log.count("the app was told") == 1


def test_what_the_app_keeps_open_makes_no_noise_at_the_end(tmp_path: Path) -> None:
    """Its tasks are cancelled; its clients live as long as the process and go with it."""
    code = HEAD + (
        "\nimport aiohttp\n"
        "kept = []\n\n"
        "async def background():\n"
        "    try:\n"
        "        await asyncio.Event().wait()\n"
        "    finally:\n"
        "        print('background ended')\n\n"
        "@app.route('keep')\n"
        "async def keep(req: func.HttpRequest) -> func.HttpResponse:\n"
        "    kept.append(aiohttp.ClientSession())\n"
        "    kept.append(asyncio.create_task(background()))\n"
        "    return func.HttpResponse('kept')\n"
    )
    with running(an_app(tmp_path, code)) as host:
        assert host.get("/api/keep").status == 200

        assert host.stop() == 0
        assert "background ended" in host.log
        assert "Unclosed" not in host.log
        assert "Traceback" not in host.log


@POSIX
def test_an_app_may_listen_to_signals_the_plain_way(tmp_path: Path) -> None:
    """Its handler is called, and the host stops all the same."""
    code = HEAD + (
        "\n\nsignal.signal(signal.SIGTERM, lambda *_: print('the app was told'))\n"
    )
    with running(an_app(tmp_path, code)) as host:
        assert host.stop() == 0
        assert host.log.count("the app was told") == 1


def test_an_async_function_past_its_timeout_is_cancelled(tmp_path: Path) -> None:
    """Its caller gets a bare 500, and the host goes on."""
    app = an_app(tmp_path, HEAD, functionTimeout="00:00:01")
    with running(app) as host:
        answer = host.get("/api/wait")

        assert (answer.status, answer.body) == (500, b"")
        assert host.get("/api/hello").status == 200
        assert "[hello] INFO somebody is here" in host.log
        assert "[wait] ERROR failed: ran longer than functionTimeout (1 s)" in host.log
        assert host.stop() == 0


@pytest.mark.parametrize(("route", "status"), [("thread", 500), ("loop", 0)])
def test_a_function_that_cannot_be_ended_ends_the_host(
    tmp_path: Path, route: str, status: int
) -> None:
    """As the worker is started again in Azure, the host leaves with 75 to be started again."""
    app = an_app(tmp_path, HEAD + BLOCKING, functionTimeout="00:00:01")
    with running(app) as host:
        assert Call(host, f"/api/{route}").ended() == status

        assert host.process.wait(timeout=20) == 75
        assert f"[{route}]" in host.log
        assert "exiting with 75" in host.log


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import nowhere_to_be_found\n", "No module named 'nowhere_to_be_found'"),
        ("x = 1\n", "Could not find top level function app instances"),
        (HEAD + "\n@app.route('b')\ndef hello(req): ...\n", "hello"),
        (HEAD + "\n@app.route('b')\ndef b(other): ...\n", "b function"),
    ],
)
def test_an_app_that_cannot_be_indexed_has_no_functions(
    tmp_path: Path, code: str, reason: str
) -> None:
    """The host runs on and says why, in its status and in the log."""
    with running(an_app(tmp_path, code)) as host:
        assert host.get("/admin/functions").json == []
        status = host.get("/admin/host/status").json
        assert status["state"] == "Running"
        assert reason in status["errors"][0]
        assert reason in host.log
        assert host.get("/api/hello").status == 404
        assert host.get("/").status == 200
        assert host.stop() == 0


def test_an_app_without_its_file_has_no_functions(tmp_path: Path) -> None:
    """The missing file is named."""
    with running(tmp_path) as host:
        [error] = host.get("/admin/host/status").json["errors"]

        assert error == f"there is no function_app.py in {tmp_path}"


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"version": "1"}', '{"version": "2.0", "functionTimeout": "x"}'],
)
def test_a_broken_host_json_is_an_error_of_the_host(tmp_path: Path, text: str) -> None:
    """Nothing is served but the status, which names the file."""
    an_app(tmp_path, HEAD)
    (tmp_path / "host.json").write_text(text)

    with running(tmp_path) as host:
        status = host.get("/admin/host/status").json
        assert status["state"] == "Error"
        assert "host.json" in status["errors"][0]
        assert host.get("/api/hello").status == 503
        assert host.get("/admin/functions").status == 503


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Give a port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def refused(app: Path, *options: str) -> str:
    """Return what a host that does not start prints."""
    done = subprocess.run(
        [*HOST, "--app", str(app), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """With the option to name another."""
    assert f"there is no folder {tmp_path / 'gone'}" in refused(tmp_path / "gone")


def test_a_port_that_cannot_be_used_is_named(tmp_path: Path, taken_port: int) -> None:
    """With what to do about it."""
    app = an_app(tmp_path, HEAD)
    for port in (taken_port, 70_000, -1):
        message = refused(app, "--port", str(port))
        assert f"port {port} cannot be used" in message
        assert "choose another with --port" in message


@pytest.mark.parametrize(
    "text", ["{", '{"IsEncrypted": true}', '{"Values": {"A": [5]}}', '{"Values": []}']
)
def test_local_settings_that_cannot_be_read_are_named(
    tmp_path: Path, text: str
) -> None:
    """The host does not start with settings that are not what they look like."""
    an_app(tmp_path, HEAD)
    (tmp_path / "local.settings.json").write_text(text)

    assert str(tmp_path / "local.settings.json") in refused(tmp_path)


def test_the_environment_wins_over_local_settings(tmp_path: Path) -> None:
    """That is how a supervisor moves ports."""
    code = HEAD + (
        "\n@app.route('settings')\n"
        "async def settings(req: func.HttpRequest) -> func.HttpResponse:\n"
        "    named = {n: os.environ.get(n) for n in ('A', 'B', 'WEBSITE_HOSTNAME')}\n"
        "    return func.HttpResponse(json.dumps(named))\n"
    )
    an_app(tmp_path, code)
    settings = '{"Values": {"A": "from the file", "B": "from the file"}}'
    (tmp_path / "local.settings.json").write_text(settings)

    with running(tmp_path, environment={"A": "from outside"}) as host:
        assert host.get("/api/settings").json == {
            "A": "from outside",
            "B": "from the file",
            "WEBSITE_HOSTNAME": f"localhost:{host.port}",
        }


def test_an_app_finds_its_files_and_not_what_is_packed_for_azure(
    tmp_path: Path,
) -> None:
    """The app's folder is current and importable; wheels for Linux in it are not."""
    packed = tmp_path / ".python_packages" / "lib" / "site-packages"
    packed.mkdir(parents=True)
    (packed / "msgspec.py").write_text("raise ImportError('built for Azure')\n")
    (packed / "packed_for_azure.py").touch()
    (tmp_path / "beside_the_app.py").write_text("NAME = 'beside'\n")
    code = HEAD + (
        "\nimport importlib.util, beside_the_app, msgspec\n"
        "@app.route('where')\n"
        "async def where(req: func.HttpRequest) -> func.HttpResponse:\n"
        "    packed = importlib.util.find_spec('packed_for_azure')\n"
        "    found = [beside_the_app.NAME, packed, os.getcwd()]\n"
        "    return func.HttpResponse(json.dumps(found))\n"
    )
    with running(an_app(tmp_path, code)) as host:
        found = host.get("/api/where").json

    assert found == ["beside", None, str(tmp_path.resolve())]


def test_sync_functions_run_side_by_side_and_async_ones_on_the_main_thread(
    tmp_path: Path,
) -> None:
    """As in Microsoft's worker: a blocking sync function stops nobody."""
    code = HEAD + (
        "\nboth = threading.Barrier(2)\n"
        "@app.route('meet')\n"
        "def meet(req: func.HttpRequest) -> func.HttpResponse:\n"
        "    logging.info('met')\n"
        "    both.wait(timeout=20)\n"
        "    return func.HttpResponse('met')\n\n"
        "@app.route('thread')\n"
        "async def thread(req: func.HttpRequest) -> func.HttpResponse:\n"
        "    return func.HttpResponse(threading.current_thread().name)\n"
    )
    with running(an_app(tmp_path, code)) as host:
        calls = [Call(host, "/api/meet"), Call(host, "/api/meet")]

        assert [call.ended() for call in calls] == [200, 200]
        assert host.get("/api/thread").body == b"MainThread"
        assert host.log.count("[meet] INFO met") == 2


def test_a_function_sees_the_trace_it_belongs_to(tmp_path: Path) -> None:
    """The request's, or a new one."""
    code = HEAD + (
        "\n@app.route('trace')\n"
        "async def trace(req: func.HttpRequest, context: func.Context):\n"
        "    seen = context.trace_context\n"
        "    return func.HttpResponse(f'{seen.trace_parent} {seen.trace_state}')\n"
    )
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "tracestate": "a=1"}
    with running(an_app(tmp_path, code)) as host:
        assert re.fullmatch(
            f"00-{trace}-(?!b7ad)[0-9a-f]{{16}}-01 a=1",
            host.get("/api/trace", **headers).body.decode(),
        )
        assert re.fullmatch(
            "00-[0-9a-f]{32}-[0-9a-f]{16}-00 ", host.get("/api/trace").body.decode()
        )


def test_the_port_of_local_settings_is_the_one_without_another(
    tmp_path: Path, taken_port: int
) -> None:
    """As `func start` takes it; --port wins."""
    an_app(tmp_path, HEAD)
    settings = {"Host": {"LocalHttpPort": taken_port}}
    (tmp_path / "local.settings.json").write_text(json.dumps(settings))

    assert f"port {taken_port} cannot be used" in refused(tmp_path)
    with running(tmp_path) as host:
        assert host.port != taken_port


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
def test_too_many_connections_are_logged_once(tmp_path: Path) -> None:
    """The log does not grow, and all are answered when some have gone."""
    with running(an_app(tmp_path, HEAD)) as host:
        import resource

        limit = len([*Path(f"/proc/{host.process.pid}/fd").iterdir()]) + 8
        resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        silent = [
            socket.create_connection(("127.0.0.1", host.port), timeout=5)
            for _ in range(40)
        ]
        until(lambda: "no connection can be accepted" in host.log)
        threading.Event().wait(2.5)  # two more tries of the loop

        assert host.log.count("no connection can be accepted") == 1
        assert "Traceback" not in host.log
        for connection in silent:
            connection.close()
        assert host.get("/api/hello").status == 200


def test_keys_are_kept_and_never_shown(tmp_path: Path) -> None:
    """The file is its owner's alone, outlives the host, and its keys are in no log."""
    an_app(tmp_path, HEAD)
    file = tmp_path / ".local" / "host-keys.json"
    with running(tmp_path, "--enable-auth") as host:
        first = file.read_text()
        assert host.get("/api/hello").status == 401
        assert host.stop() == 0
    with running(tmp_path, "--enable-auth") as host:
        assert file.read_text() == first
        keys = [part for part in first.split('"') if len(part) > 40]
        assert len(keys) == 5
        assert host.get("/api/hello", **{"x-functions-key": keys[1]}).status == 200
        assert not any(key in host.log for key in keys)
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """With what to do about it."""
    path = an_app(tmp_path, HEAD) / "keys.json"
    path.write_text("{")
    below = path / "keys.json"

    damaged = refused(tmp_path, "--secrets", "keys.json")
    unwritable = refused(tmp_path, "--enable-auth", "--secrets", str(below))

    assert (f"{path} cannot be read" in damaged, "delete it" in damaged) == (True, True)
    assert f"{below} cannot be written" in unwritable
    assert "another with --secrets" in unwritable


def test_a_thread_that_does_not_end_does_not_keep_the_host(tmp_path: Path) -> None:
    """A second signal is enough for it as well."""
    with running(an_app(tmp_path, HEAD + BLOCKING)) as host:
        call = Call(host, "/api/thread")
        until(lambda: "blocking a thread" in host.log)
        host.ask_to_stop()
        until(lambda: "waiting up to" in host.log)
        host.ask_to_stop()

        assert host.process.wait(timeout=10) == 0
        assert call.ended() == 500
