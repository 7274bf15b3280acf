"""The app's local.settings.json, and what the host's environment must put over it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from functions_host.settings import BadSettings, local_values
from tools.terminal import ROOT, CannotGoOn

FILE = "local.settings.json"
EXAMPLE = "local.settings.json.example"
STORAGE = ("AzureWebJobsStorage", "AUDIT_STORAGE_CONNECTION_STRING")
ENDPOINT = "EVENTGRID_ENDPOINT"
KEY = "EVENTGRID_KEY"
TOPIC = "EVENTGRID_TOPIC_NAME"


@dataclass(frozen=True, slots=True)
class Overrides:
    """What is set for the host over the file, and notes for a person about it."""

    environment: dict[str, str]
    notes: tuple[str, ...]


def make_if_missing(app: Path) -> str | None:
    """Make the file from the example if it is missing; return a sentence about it."""
    file = app / FILE
    if file.exists():
        return None
    example = app / EXAMPLE
    shutil.copyfile(example if example.exists() else ROOT / EXAMPLE, file)
    return f"Made {file} from {EXAMPLE}."


def read(file: Path) -> dict[str, str]:
    """Return the values of a settings file, as `func` reads them. Raises CannotGoOn."""
    try:
        values = local_values(file)
    except BadSettings as error:
        raise CannotGoOn(f"{error}. Fix or delete it.") from error
    if values is None:
        raise CannotGoOn(f'{file} has no "Values" object. See {EXAMPLE}.')
    return values


def example(app: Path) -> dict[str, str]:
    """Return the values of the app's own example, or of this project's."""
    own = app / EXAMPLE
    return read(own if own.exists() else ROOT / EXAMPLE)


def overrides(
    values: Mapping[str, str],
    example: Mapping[str, str],
    environ: Mapping[str, str],
    local: Mapping[str, str],
) -> Overrides:
    """
    Return the local value of each setting that still has the example's value.

    A value that someone chose, in the file or in the environment, is left alone.
    """
    environment = {}
    notes = []
    for name, value in local.items():
        if environ.get(name) == value:
            continue
        if name in environ:
            notes.append(_elsewhere(name, "the environment"))
        elif name not in values and name in example:
            notes.append(f"{name} is missing from {FILE}: compare it with {EXAMPLE}.")
        elif name in values and values[name] == example.get(name):
            environment[name] = value
        elif values.get(name, value) != value:
            notes.append(_elsewhere(name, FILE))
    return Overrides(environment, tuple(notes))


def _elsewhere(name: str, where: str) -> str:
    return (
        f"{name} was set in {where}: the app talks to what it names, "
        "not to what is started here."
    )
