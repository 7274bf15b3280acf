"""What .vscode, .devcontainer and requests.http name is there."""

import argparse
import json
import re
import shlex
from datetime import UTC, datetime
from typing import Any

import pytest

import dev
from console.routes import ROUTES
from moderation.publishing import publish_request
from tools.stack import options
from tools.terminal import ROOT

CALL = re.compile(r"^(GET|POST) \{\{app\}\}/api/([^\s?]*)\S*$", re.MULTILINE)


def document(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


TASKS = {task["label"]: task for task in document(".vscode/tasks.json")["tasks"]}
CONTAINER = document(".devcontainer/devcontainer.json")


def commands() -> list[str]:
    """Return every command line that an editor or a container would run."""
    shell = [task["command"] for task in TASKS.values() if task["type"] == "shell"]
    windows = [
        task["windows"]["command"] for task in TASKS.values() if "windows" in task
    ]
    return [*shell, *windows, CONTAINER["postCreateCommand"].rpartition("&& ")[2]]


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_a_command_is_one_of_dev_py(command: str) -> None:
    """F5, a task and a new container run what a person would type."""
    python, script, word, *arguments = shlex.split(command)

    assert python in ("python3", "py")
    assert (ROOT / script).is_file()
    assert word in dev.COMMANDS
    if word == "run":
        parser = argparse.ArgumentParser(exit_on_error=False)
        options.declare(parser)
        parser.parse_args(arguments)


def test_a_task_that_is_waited_for_is_declared() -> None:
    """F5 finds the tasks that it begins with."""
    launches = document(".vscode/launch.json")["configurations"]
    named = [launch.get("preLaunchTask") for launch in launches]
    named += [task.get("dependsOn") for task in TASKS.values()]

    assert {name for name in named if name} <= TASKS.keys()
    for module in (launch["module"] for launch in launches if "module" in launch):
        assert module == "pytest" or (ROOT / module / "__main__.py").is_file()


def test_the_background_task_knows_when_the_stack_is_up() -> None:
    """The debugger waits for the lines that the supervisor says."""
    said = (ROOT / "tools" / "stack" / "supervision" / "supervisor.py").read_text(
        encoding="utf-8"
    )
    matcher = TASKS["Azurite and emulator"]["problemMatcher"]["background"]

    for name in ("beginsPattern", "endsPattern"):
        assert f'"{matcher[name].removeprefix("^")}' in said


def test_the_container_is_that_of_the_project() -> None:
    """
    It has the project's Python, its ports and the extensions that are recommended.
    """
    version = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
    extensions = document(".vscode/extensions.json")["recommendations"]
    ports = [port for _, port, _ in options.PORTS if port]

    assert CONTAINER["image"].endswith(f":{version}")
    assert CONTAINER["customizations"]["vscode"]["extensions"] == extensions
    assert set(ports) | {7071} == set(CONTAINER["forwardPorts"])


def test_the_requests_are_those_of_the_readme() -> None:
    """Whoever opens requests.http has the README's calls, and each is answered."""
    text = (ROOT / "requests.http").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    calls = CALL.findall(text)
    shown = re.findall(r'^curl (?:-X (\w+) )?"?http://[^/]+/api/([\w/]*)', readme, re.M)

    assert len(calls) == text.count("{{app}}")
    assert {(method or "GET", path) for method, path in shown} <= set(calls)
    assert set(calls) <= {(route.method, route.path) for route in ROUTES}
    headers = {"content-type": "application/json"}
    body = re.findall(r"^\{\n.*?^\}$", text, re.MULTILINE | re.DOTALL)
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert [
        publish_request.events_in(request.encode(), headers, now) for request in body
    ]
