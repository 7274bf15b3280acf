"""An extension bundle with nothing in it, for Core Tools' func.

With any bundle, func restarts its worker after an edit; without one it goes on with
the old code. This one needs no network. See docs/decisions/0017-edited-code.md.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from tools.terminal import ROOT

FOLDER = ROOT / "tools" / "stack" / "bundle"
PREFIX = "AzureFunctionsJobHost__extensionBundle__"
DOWNLOAD_PATH = f"{PREFIX}downloadPath"


def settings(
    app: Path,
    values: Mapping[str, str],
    example: Mapping[str, str],
    environ: Mapping[str, str],
) -> dict[str, str]:
    """Return what names the bundle to func, unless the app or a person chose another."""
    named = {name: value for name, value in example.items() if name.startswith(PREFIX)}
    is_chosen = (
        any(name in environ for name in named)
        or any(values.get(name, value) != value for name, value in named.items())
        or _has_bundle(app / "host.json")
    )
    return {} if is_chosen else {**named, DOWNLOAD_PATH: str(FOLDER)}


def _has_bundle(host_json: Path) -> bool:
    try:
        document = json.loads(host_json.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False  # the host says so
    return isinstance(document, dict) and "extensionBundle" in document
