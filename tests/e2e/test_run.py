"""`dev.py run` from outside: what it says, what it keeps alive, what it leaves behind."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.stacks import (
    KILL,
    PARTS,
    Stack,
    StartStack,
    environment,
    launch,
    until,
    wait_until_it_serves,
)
from tools.stack.system import orphans, ports
from tools.terminal import ROOT

pytestmark = pytest.mark.e2e

OPTIONS = (("http", "host"), ("emulator", "emulator"), ("storage", "Azurite"))


def nothing_is_left(stack: Stack) -> bool:
    """Whether no process was left, and every port can be taken again."""
    record = json.loads((stack.data / "run.json").read_text())
    held = [part["port"] for part in record["parts"].values()]
    recorded = {part["pid"]: part["command"] for part in record["parts"].values()}
    return not any(map(ports.is_taken, held)) and not orphans.find(stack.data, recorded)


def publish_samples(stack: Stack) -> set[str]:
    """The ids of the five sample events, just published."""
    answer = stack.call("POST", "/api/events/samples", b"{}")
    assert answer.status == 202, answer.body
    return {event["id"] for event in json.loads(answer.body)["events"]}


def pull(stack: Stack) -> None:
    """Drain every event subscription."""
    answer = stack.call("POST", "/api/pull", b"{}")
    assert answer.status == 200, answer.body


def audited(stack: Stack) -> list[str]:
    """The event ids in the audit log of the event subscription that sees everything."""
    answer = stack.call("GET", "/api/audit?subscription=sub-all-events&limit=100")
    assert answer.status == 200, answer.body
    return [entry["id"] for entry in json.loads(answer.body)["entries"]]


def test_each_part_has_a_line_and_the_page_its_address(stack: Stack) -> None:
    """The reader sees where everything answers, and that it does."""
    lines = stack.output().splitlines()

    for part in PARTS:
        address = f"http://127.0.0.1:{stack.port(part)}"
        assert [line for line in lines if line.split()[:2] == [part, address]]
    assert f"page     {stack.url}/api/" in stack.output()
    assert stack.call("GET", "/api/").status == 200


def test_nothing_is_lost_when_each_part_is_killed(fresh_stack: Stack) -> None:
    """
    What was accepted is delivered and what was recorded stays, whoever dies between.
    """
    published = publish_samples(fresh_stack)
    fresh_stack.kill_and_wait("emulator")
    published |= publish_samples(fresh_stack)
    fresh_stack.kill_and_wait("host")
    pull(fresh_stack)
    fresh_stack.kill_and_wait("Azurite")

    assert sorted(audited(fresh_stack)) == sorted(published)

    for part in PARTS:
        assert f"{part} (process " in fresh_stack.output()
        assert f"Starting {part} again in 1 s." in fresh_stack.output()
    assert fresh_stack.stop() == 0
    assert nothing_is_left(fresh_stack)


def test_a_stop_while_starting_leaves_nothing_either(start_stack: StartStack) -> None:
    """Who changes their mind at once need not wait for the stack to serve."""
    stack = start_stack(wait=False)
    until("the start to be told", lambda: "Starting Azurite" in stack.output())

    assert stack.stop() == 0

    assert not orphans.find(stack.data, {})


def test_a_restart_still_knows_what_happened_and_fresh_does_not(
    start_stack: StartStack,
) -> None:
    """
    The audit log outlives the stack, until it is not wanted; SIGTERM and Ctrl-C end
    everything, in order and with exit code 0.
    """
    first = start_stack()
    published = publish_samples(first)
    pull(first)
    assert first.stop(signal.SIGTERM) == 0
    assert nothing_is_left(first)
    assert "died" not in first.output()

    second = start_stack()
    assert sorted(audited(second)) == sorted(published)
    assert second.stop(signal.SIGINT) == 0
    assert nothing_is_left(second)
    assert "died" not in second.output()

    assert audited(start_stack("--fresh")) == []


def test_a_second_stack_on_the_same_data_is_refused(
    stack: Stack, start_stack: StartStack
) -> None:
    """The message names the one that runs, and what to do."""
    second = start_stack("--data", str(stack.data), wait=False)

    assert second.supervisor.wait(30) == 1

    assert f"process {stack.supervisor.pid}" in second.output()
    assert "--data" in second.output()
    assert stack.call("GET", "/api/health").status == 200


def test_a_taken_port_is_named_with_its_holder_and_the_option(
    start_stack: StartStack,
) -> None:
    """The reader can stop the holder or choose another port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        stack = start_stack("--emulator-port", str(port), wait=False)
        assert stack.supervisor.wait(30) == 1

    assert f"port {port} is taken by " in stack.output()
    assert "--emulator-port" in stack.output()
    if sys.platform == "linux":
        assert f"process {os.getpid()} " in stack.output()


def test_an_app_that_cannot_be_indexed_shows_its_traceback(
    start_stack: StartStack, tmp_path: Path, host_kind: str
) -> None:
    """The host would run on with no function; the person sees why instead."""
    app = tmp_path / "broken"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text("import no_such_module_at_all\n")

    stack = start_stack(app=app, host_kind=host_kind, wait=False)

    assert stack.supervisor.wait(90) == 1
    assert "host found no function in the app" in stack.output()
    assert "No module named 'no_such_module_at_all'" in stack.output()
    assert nothing_is_left(stack)


def test_a_folder_without_an_app_is_refused(
    start_stack: StartStack, tmp_path: Path
) -> None:
    """
    func would write a host.json of its own there and try to download an extension.
    """
    (tmp_path / "empty").mkdir()

    stack = start_stack(app=tmp_path / "empty", wait=False)

    assert stack.supervisor.wait(30) == 1
    assert "has no host.json" in stack.output()


def test_what_a_killed_supervisor_left_behind_is_ended(start_stack: StartStack) -> None:
    """The next run takes the same ports, loses nothing and says what it ended."""
    first = start_stack()
    published = publish_samples(first)
    pids = first.pids()
    os.kill(first.supervisor.pid, KILL)
    first.supervisor.wait(10)
    assert ports.is_taken(first.port("emulator"))

    again = [f"--{name}-port={first.port(part)}" for name, part in OPTIONS]
    second = start_stack(*again)

    assert f"Ended process {pids['emulator']}, left behind" in second.output()
    pull(second)
    assert sorted(audited(second)) == sorted(published)
    assert not set(pids.values()) & set(second.pids().values())


def test_dev_py_becomes_the_supervisor(tmp_path: Path) -> None:
    """The process that was started is the one that answers to a signal."""
    command = [sys.executable, str(ROOT / "dev.py"), "run", "--host=stand-in"]
    options = ["--http-port=0", "--emulator-port=0", "--storage-port=0", "--data=data"]
    console = tmp_path / "console.txt"
    with (
        console.open("wb") as output,
        subprocess.Popen(
            [*command, *options], cwd=tmp_path, stdout=output, stderr=output
        ) as supervisor,
    ):
        until("the page", lambda: "Ctrl-C stops everything." in console.read_text())
        record = json.loads((tmp_path / "data" / "run.json").read_text())
        supervisor.terminate()

        assert supervisor.wait(60) == 0

    if sys.platform != "win32":
        assert record["supervisor"] == supervisor.pid
    assert not orphans.find(tmp_path / "data", {})


def test_a_host_of_ones_own_needs_only_the_lines_that_are_printed(
    tmp_path: Path,
) -> None:
    """
    With --host none, what is printed goes into the settings file, and the app publishes.
    """
    stack = launch(tmp_path, host_kind="none")
    try:
        said = wait_until_it_serves(stack).output()
        file = stack.app / "local.settings.json"
        settings = json.loads(file.read_text(encoding="utf-8"))
        lines = re.findall(r'^  (".+": ".+"),$', said, re.MULTILINE)
        settings["Values"] |= json.loads("{" + ",".join(lines) + "}")
        file.write_text(json.dumps(settings), encoding="utf-8")
        port = ports.choose({"a host": 0})["a host"]
        command = [sys.executable, "-m", "functions_host"]
        with subprocess.Popen(
            [*command, "--app", str(stack.app), "--port", str(port)],
            cwd=ROOT,
            env=environment({}),
            stderr=subprocess.DEVNULL,
        ) as host:
            try:
                until("the app to publish", lambda: _publishes(port))
            finally:
                host.terminate()
    finally:
        stack.stop()

    assert "page     " not in said


def _publishes(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/api/events/samples", b"{}")
        return connection.getresponse().status == 202
    except OSError:
        return False  # it does not listen yet
    finally:
        connection.close()
