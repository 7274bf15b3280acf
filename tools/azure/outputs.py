"""The outputs of a deployment, from azd's environment, from az, or from a file of either."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.azure import az
from tools.azure.az import Refused
from tools.azure.deployment import dig
from tools.terminal import CannotGoOn

Outputs = dict[str, str]
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
ESCAPED = re.compile(r"\\(.)")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def of_azd() -> Outputs:
    """Return what azd remembers of its last provisioning."""
    try:
        return parse(az.output(["azd", "env", "get-values"]), "azd env get-values")
    except Refused as error:
        raise CannotGoOn(
            f"{error}\nProvision with azd first, or name what az deployed: --deployment."
        ) from error


def azd_value(name: str) -> str:
    """Return what the environment says, or azd's environment, or nothing."""
    if name in os.environ:
        return os.environ[name]
    try:
        return az.output(["azd", "env", "get-value", name]).strip()
    except CannotGoOn:
        return ""


def of_az(deployment: str, group: str | None) -> Outputs:
    """Return the outputs of an `az deployment sub create` or `group create`."""
    scope = ["group", "--resource-group", group] if group else ["sub"]
    kind, *where = scope
    command = ["az", "deployment", kind, "show", "--name", deployment, *where]
    return of_deployment(az.answer(command))


def of_file(file: Path) -> Outputs:
    """Return what one of the other two printed into a file."""
    try:
        return parse(file.read_text(encoding="utf-8-sig"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise CannotGoOn(f"{file} cannot be read: {error}") from error


def parse(text: str, where: str) -> Outputs:
    """Read outputs from JSON of az or azd, or from azd's lines of NAME="value"."""
    if not text.lstrip().startswith("{"):
        return of_lines(text.splitlines(), where)
    try:
        return of_deployment(json.loads(text))
    except ValueError as error:
        raise CannotGoOn(f"{where} is no JSON: {error}") from error


def of_lines(lines: Iterable[str], where: str) -> Outputs:
    """Read lines of NAME="value", escaped with backslashes; or raise CannotGoOn."""
    found = {}
    for line in (line.strip() for line in lines):
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.isidentifier():
            raise CannotGoOn(f'{where} has a line that is not NAME="value": {name!r}')
        found[name] = _unquoted(value, f"{where}: {name}")
    return found


def _unquoted(value: str, where: str) -> str:
    if not value.startswith('"'):
        return value
    quoted = QUOTED.fullmatch(value)
    if quoted is None:
        raise CannotGoOn(f"{where} has a value that is cut off")
    return ESCAPED.sub(lambda escape: ESCAPES.get(escape[1], escape[1]), quoted[1])


def of_deployment(answer: Any) -> Outputs:
    """Return the outputs in an answer of az, where each is an object with a value.

    Azure gives output names back with their first letters in another case
    (`eventgriD_ENDPOINT`), so they are all given in upper case.
    """
    outputs = dig(answer, "properties", "outputs") or answer
    if not isinstance(outputs, Mapping):
        return {}
    return {
        name.upper(): str(output["value"] if isinstance(output, Mapping) else output)
        for name, output in outputs.items()
        if not isinstance(output, Mapping) or "value" in output
    }
