"""Finds a Python 3.13 on this machine, or has uv bring one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tools.terminal import ROOT, CannotGoOn, attempt, run_captured

WANTED = "3.13"
UV_INSTALL = ("python", "install", "--no-bin", "--install-dir")
UV_PYTHONS = ROOT / ".local" / "python"
ABOUT = """
import sys
try:
    import ensurepip, venv
    able = "able"
except ImportError:
    able = "unable"
base = getattr(sys, "_base_executable", None) or sys.executable
print("%d.%d" % sys.version_info[:2], able, base)
"""


class Python(NamedTuple):
    """What a command that starts Python says about itself."""

    version: str
    makes_environments: bool
    executable: str


def find() -> str:
    """Return the executable of a Python 3.13 that can make virtual environments."""
    unable = ""
    for command in _candidates():
        python = about(command)
        if python is None or python.version != WANTED:
            continue
        if python.makes_environments:
            return python.executable
        unable = python.executable
    if unable:
        raise CannotGoOn(
            f"{unable} cannot make virtual environments: its ensurepip or venv module "
            f"is missing.\nOn Debian and Ubuntu: apt-get install python{WANTED}-venv"
        )
    return _install_with_uv()


def about(command: list[str]) -> Python | None:
    """Return what the command answers, or nothing if it does not start a Python."""
    try:
        done = subprocess.run(
            [*command, "-c", ABOUT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.split(maxsplit=2)
    if done.returncode or len(words) != 3:
        return None
    return Python(words[0], words[1] == "able", words[2].strip())


def _candidates() -> Iterator[list[str]]:
    yield [sys.executable]
    for command in (["py", f"-{WANTED}"], [f"python{WANTED}"], ["python3"], ["python"]):
        if shutil.which(command[0]):
            yield command
    # expanduser leaves the ~ of a user that has no home, and Path.home() raises.
    home = os.path.expanduser("~")  # noqa: PTH111
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path(home, ".pyenv"))
    for folder, pattern in (
        (pyenv, f"versions/{WANTED}.*/bin/python"),
        (pyenv, f"pyenv-win/versions/{WANTED}.*/python.exe"),
        (UV_PYTHONS, f"cpython-{WANTED}.*/bin/python3"),
        (UV_PYTHONS, f"cpython-{WANTED}.*/python.exe"),
    ):
        yield from ([path] for path in _matching(folder, pattern))


def _matching(folder: Path, pattern: str) -> list[str]:
    try:
        return sorted(map(str, folder.glob(pattern)))
    except OSError:  # another user's, or no folder
        return []


def _install_with_uv() -> str:
    advice = (
        f"Install Python {WANTED} (https://www.python.org/downloads/, pyenv, or on "
        f"Debian 13 and Ubuntu 25.04: apt-get install python{WANTED} "
        f"python{WANTED}-venv) and run this again."
    )
    with tempfile.TemporaryDirectory() as folder:
        throwaway = Path(folder) / "uv"
        scripts = throwaway / ("Scripts" if os.name == "nt" else "bin")
        attempt(
            f"No Python {WANTED} here: making a throwaway environment for uv",
            [sys.executable, "-m", "venv", str(throwaway)],
            advice,
        )
        attempt(
            "Installing uv from the Python package index",
            [str(scripts / "python"), "-m", "pip", "install", "--quiet", "uv"],
            advice,
        )
        attempt(
            f"Downloading Python {WANTED} from GitHub with uv",
            [str(scripts / "uv"), *UV_INSTALL, str(UV_PYTHONS), WANTED],
            advice,
        )
    for command in _candidates():
        python = about(command)
        if python and python.version == WANTED and python.makes_environments:
            return python.executable
    raise CannotGoOn(f"uv left no usable Python {WANTED} in {UV_PYTHONS}. {advice}")


def is_usable(executable: Path) -> bool:
    """Return whether this Python is the wanted one and has a pip."""
    python = about([str(executable)])
    if python is None or python.version != WANTED:
        return False
    return has_pip(str(executable))


def has_pip(executable: str) -> bool:
    """Return whether this Python has a pip that starts."""
    return run_captured([executable, "-m", "pip", "--version"]).returncode == 0
