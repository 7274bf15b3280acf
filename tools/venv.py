"""Makes `.venv`: the right Python and what is pinned, once, and repaired if half made."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tools import find_python
from tools.stack.system.file_lock import hold
from tools.terminal import ROOT, attempt, say

VENV = ROOT / ".venv"
STAMP = "dev-stamp"
QUIETLY = ("--quiet", "--no-input", "--disable-pip-version-check")
PINS = ("requirements.txt", "requirements-dev.txt")


def programs(venv: Path = VENV) -> Path:
    """Return the folder of the environment's programs."""
    return venv / ("Scripts" if os.name == "nt" else "bin")


def interpreter(venv: Path = VENV) -> Path:
    """Return the environment's Python."""
    return programs(venv) / ("python.exe" if os.name == "nt" else "python")


def make(root: Path = ROOT) -> None:
    """Make a .venv with these very pins, unless a finished installation is there."""
    venv = root / VENV.name
    if is_current(venv, root):
        return
    (root / ".local").mkdir(exist_ok=True)
    lock = root / ".local" / "environment.lock"
    with hold(lock, lambda: say("Another dev.py prepares .venv: waiting for it.")):
        if not is_current(venv, root):
            _install(venv, root)


def is_current(venv: Path = VENV, root: Path = ROOT) -> bool:
    """Return whether the last installation was finished, for these pins, and whole."""
    try:
        return (
            interpreter(venv).exists()
            and (venv / STAMP).exists()
            and (venv / STAMP).read_text(encoding="utf-8") == digest(venv, root)
        )
    except (OSError, ValueError):  # it leads where this user may not look, say
        return False


def digest(venv: Path, root: Path = ROOT) -> str:
    """Return what stands for the pins, the Python and the packages that are installed."""
    parts = [find_python.WANTED]
    parts += [(root / name).read_text(encoding="utf-8") for name in PINS]
    packages = "Lib" if os.name == "nt" else "lib/python*"
    found = venv.glob(f"{packages}/site-packages/*.dist-info/RECORD")
    parts += sorted(record.parent.name for record in found)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _install(venv: Path, root: Path) -> None:
    """Install the pins; into a new environment unless the last installation was finished.

    pip writes the programs of a package last, and takes a package without them for
    whole: what was stopped half-way cannot be repaired by running it again.
    """
    if not (_was_finished(venv) and find_python.is_usable(interpreter(venv))):
        python = find_python.find()
        attempt(
            f"Making .venv with {python}",
            [python, "-m", "venv", "--clear", str(venv)],
            "Delete the folder .venv and run this again.",
        )
    (venv / STAMP).unlink(missing_ok=True)
    pip = [str(interpreter(venv)), "-m", "pip", "install", *QUIETLY]
    attempt(
        "Installing what requirements-dev.txt pins into .venv (first time: minutes)",
        [*pip, "-r", str(root / PINS[-1])],
        "It needs a Python package index: look at the network and at `pip config list`.",
    )
    (venv / STAMP).write_text(digest(venv, root), encoding="utf-8")


def _was_finished(venv: Path) -> bool:
    try:
        return (venv / STAMP).exists()
    except OSError:
        return False
