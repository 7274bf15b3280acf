"""The only door to `az` and `azd`: run with a timeout, answers parsed, refusals named."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.terminal import CannotGoOn

SECONDS = 60
LOGIN = ("az login", "azd auth login", "AADSTS", "Interactive authentication")


class CannotAsk(CannotGoOn):
    """Nothing can be asked at all: the program is missing, or nobody is signed in."""


class Refused(CannotGoOn):
    """One question got no answer; the text has the program's own words."""


def program(name: str) -> str:
    """The path of `az` or `azd`; CannotAsk when it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise CannotAsk(
            f"{name} is not on PATH. Install "
            f"{'the Azure CLI' if name == 'az' else 'the Azure Developer CLI'} and sign "
            f"in with `{name} {'' if name == 'az' else 'auth '}login`."
        )
    return found


def output(command: Sequence[str], seconds: float = SECONDS) -> str:
    """What a program of Azure prints; CannotAsk or Refused when it does not."""
    asked = " ".join(command[1:4])
    try:
        done = subprocess.run(
            [program(command[0]), *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Refused(
            f"{command[0]} {asked}: no answer within {seconds:.0f} s"
        ) from error
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.strip() or done.stdout.strip() or "no reason given"
    if any(words in said for words in LOGIN):
        login = "az login" if command[0] == "az" else "azd auth login"
        raise CannotAsk(f"{command[0]} is not signed in: run `{login}`.\n{_last(said)}")
    raise Refused(f"{command[0]} {asked}: {_last(said)}")


def answer(command: Sequence[str], seconds: float = SECONDS) -> Any:
    """The JSON that a program of Azure prints."""
    said = output([*command, "--output", "json"], seconds)
    try:
        return json.loads(said)
    except ValueError as error:
        raise Refused(f"{command[0]} answered no JSON: {_last(said)}") from error


def rest(path: str, api: str, *, method: str = "get", **parameters: str) -> Any:
    """What Azure Resource Manager answers about a path; `parameters` go into the URL."""
    asked = [f"api-version={api}"]
    asked += [f"${name}={value}" for name, value in parameters.items()]
    command = ["az", "rest", "--method", method, "--url", path]
    return answer([*command, "--uri-parameters", *asked])


def values(path: str, api: str, **parameters: str) -> list[Any]:
    """Every member of a list that Azure Resource Manager gives page by page."""
    page = rest(path, api, **parameters)
    members: list[Any] = list(page.get("value", []))
    while link := page.get("nextLink"):
        page = answer(["az", "rest", "--method", "get", "--url", link])
        members += page.get("value", [])
    return members


def query(workspace: str, text: str) -> Any:
    """What a Log Analytics workspace answers to a query."""
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
