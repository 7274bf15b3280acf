"""The only door to `az` and `azd`: run with a timeout, answers parsed, refusals named."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tools.stack.system import processes
from tools.terminal import CannotGoOn

SECONDS = 60
LOGIN = ("az login", "azd auth login", "AADSTS", "Interactive authentication")


class CannotAsk(CannotGoOn):
    """Nothing can be asked at all: the program is missing, or nobody is signed in."""


class Refused(CannotGoOn):
    """One question got no answer; the text has the program's own words."""


def program(name: str) -> str:
    """Return the path of `az` or `azd`; CannotAsk when it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise CannotAsk(
            f"{name} is not on PATH. Install "
            f"{'the Azure CLI' if name == 'az' else 'the Azure Developer CLI'} and sign "
            f"in with `{name} {'' if name == 'az' else 'auth '}login`."
        )
    return found


def output(command: Sequence[str], seconds: float = SECONDS) -> str:
    """Return what a program of Azure prints; CannotAsk or Refused when it does not."""
    question = " ".join(command[1:4])
    process = subprocess.Popen(
        [program(command[0]), *command[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    with process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            _end(process)
            problem = f"no answer within {seconds:.0f} s"
            raise Refused(f"{command[0]} {question}: {problem}") from error
        except KeyboardInterrupt:
            _end(process)
            raise
    if process.returncode == 0:
        return out
    raise _refusal(command[0], question, err.strip() or out.strip())


def _end(process: subprocess.Popen[str]) -> None:
    """End it and what it started: az is a script around another program."""
    if sys.platform == "win32":
        processes.end(process.pid)
    else:
        os.killpg(process.pid, signal.SIGKILL)


def _refusal(name: str, question: str, text: str) -> CannotGoOn:
    if any(words in text for words in LOGIN):
        login = "az login" if name == "az" else "azd auth login"
        return CannotAsk(f"{name} is not signed in: run `{login}`.\n{_last(text)}")
    return Refused(f"{name} {question}: {_last(text)}")


def answer(command: Sequence[str], seconds: float = SECONDS) -> Any:
    """Return the JSON that a program of Azure prints."""
    text = output([*command, "--output", "json"], seconds)
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refused(f"{command[0]} answered no JSON: {_last(text)}") from error


def rest(path: str, api: str, *, method: str = "get", **parameters: str) -> Any:
    """Ask Azure Resource Manager about a path; `parameters` go into the URL."""
    named = {f"${name}": value for name, value in parameters.items()}
    return _ask(path, method, {"api-version": api, **named})


def values(path: str, api: str, **parameters: str) -> list[Any]:
    """Return every member of a list that Azure Resource Manager gives page by page."""
    page = rest(path, api, **parameters)
    members: list[Any] = list(page.get("value", []))
    while link := page.get("nextLink"):
        following, _, encoded = link.partition("?")
        page = _ask(following, "get", dict(parse_qsl(encoded)))
        members += page.get("value", [])
    return members


def _ask(url: str, method: str, parameters: Mapping[str, str]) -> Any:
    # Parameters apart from the URL, because az is a batch file on Windows, and & ends
    # a command there.
    listed = [f"{name}={value}" for name, value in parameters.items()]
    command = ["az", "rest", "--method", method, "--url", url]
    return answer([*command, "--uri-parameters", *listed])


def query(workspace: str, text: str) -> Any:
    """Return what a Log Analytics workspace answers to a query."""
    service = "https://api.loganalytics.io"
    with tempfile.TemporaryDirectory() as folder:
        # A file, because a shell of Windows would take the quotes out of the JSON.
        body = Path(folder) / "query.json"
        body.write_text(json.dumps({"query": text}), encoding="utf-8")
        command = ["az", "rest", "--method", "post", "--resource", service]
        url = f"{service}/v1/workspaces/{workspace}/query"
        return answer([*command, "--url", url, "--body", f"@{body}"])


def _last(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "nothing"
