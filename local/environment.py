"""Makes `.venv`: the right Python and what is pinned, once, and repaired if half made."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from local import pythons
from local.onlyone import held
from local.terminal import ROOT, attempt, say

VENV = ROOT / ".venv"
PIP_INSTALL = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-input",
    "--disable-pip-version-check",
]
PINS = ("requirements.txt", "requirements-dev.txt")


def programs(venv: Path = VENV) -> Path:
    """The folder of the environment's programs."""
    return venv / ("Scripts" if os.name == "nt" else "bin")


def interpreter(venv: Path = VENV) -> Path:
    """The environment's Python."""
    return programs(venv) / ("python.exe" if os.name == "nt" else "python")


def make() -> None:
    """Leave a .venv that a finished installation of these very pins has made."""
    if is_current():
        return
    (ROOT / ".local").mkdir(exist_ok=True)
    lock = ROOT / ".local" / "environment.lock"
    with held(lock, lambda: say("Another dev.py prepares .venv: waiting for it.")):
        if not is_current():
            _install()


def is_current(venv: Path = VENV) -> bool:
    """Whether the last installation was finished, for these pins, and is all there."""
    stamp = venv / "dev-stamp"
    return (
        interpreter(venv).exists()
        and stamp.exists()
        and stamp.read_text(encoding="utf-8") == digest(venv)
    )


def digest(venv: Path, root: Path = ROOT) -> str:
    """What stands for the pins, the Python and the packages found in the environment."""
    parts = [pythons.WANTED]
    parts += [(root / name).read_text(encoding="utf-8") for name in PINS]
    packages = "Lib" if os.name == "nt" else "lib/python*"
    found = venv.glob(f"{packages}/site-packages/*.dist-info/RECORD")
    parts += sorted(record.parent.name for record in found)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _install() -> None:
    if not pythons.has_pip(interpreter()):
        python = pythons.find()
        attempt(
            f"Making .venv with {python}",
            [python, "-m", "venv", "--clear", str(VENV)],
            "Delete the folder .venv and run this again.",
        )
    attempt(
        "Installing what requirements-dev.txt pins into .venv (first time: minutes)",
        [str(interpreter()), *PIP_INSTALL, "-r", PINS[-1]],
        "It needs a Python package index: look at the network and at `pip config list`.",
    )
    (VENV / "dev-stamp").write_text(digest(VENV), encoding="utf-8")
