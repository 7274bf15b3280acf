"""What somebody who brings the host (`func start`, F5) has to put where."""

import json
from collections.abc import Mapping
from pathlib import Path

from tools.stack.parts import extension_bundle
from tools.stack.settings import settings_file

AZURITE = ("UseDevelopmentStorage=true", 10000)
HOST = "Start the host in {app}, with .venv active: `func start`, or F5 in the editor."


def instructions(
    app: Path,
    values: Mapping[str, str],
    needed: Mapping[str, str],
    ports: Mapping[str, int],
) -> tuple[str, ...]:
    """Return what to change in the app's settings file, or that nothing is to be done.

    `needed` is what is set for a host that is started here.
    """
    missing = {
        name: value
        for name, value in needed.items()
        if not _points_here(app, name, values.get(name), value, ports)
    }
    file = app / settings_file.FILE
    if not missing:
        return (f"{file} leads here as it is.", HOST.format(app=app))
    rows = (f"  {json.dumps(name)}: {json.dumps(missing[name])}," for name in missing)
    return (f"Put into the Values of {file}:", *rows, HOST.format(app=app))


def _points_here(
    app: Path, name: str, value: str | None, needed: str, ports: Mapping[str, int]
) -> bool:
    if name == extension_bundle.DOWNLOAD_PATH:  # func reads it from the app's folder
        return value is not None and Path(needed) == app / value
    if name in settings_file.STORAGE and (value, ports["--storage-port"]) == AZURITE:
        return True
    return value == needed
