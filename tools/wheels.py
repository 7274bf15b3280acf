"""The packages that are deployed: wheels for where the app runs, whatever this machine is."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from tools import find_python, venv
from tools.find_python import WANTED
from tools.terminal import CannotGoOn, attempt, run_captured, say
from tools.venv import QUIETLY

PINS = "requirements.txt"
HASHED = "requirements-azure.txt"
FOLDER = ".python_packages"
INSIDE = "lib/site-packages"  # where the worker in Azure looks for packages
# Flex Consumption: Linux on x86-64. pip judges markers by the Python that runs it and not
# by this one, which is one more reason for pins without markers.
TARGET = (
    *("--platform", "manylinux2014_x86_64"),
    *("--implementation", "cp", "--python-version", WANTED),
    *("--only-binary=:all:", "--no-deps", "--ignore-installed"),
)
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;]+)(?: --hash=sha256:\S+)*")
HEAD = f"""\
# Made by `python3 dev.py package --pin` from {PINS}: the wheels of CPython {WANTED} on
# Linux (x86-64), where the app runs in Azure. `dev.py package` takes no other files.

"""
ADVICE = (
    f"It needs a package index that has wheels of Python {WANTED} for Linux: look at the "
    "network and at `pip config list`."
)


def build(root: Path) -> None:
    """Fill .python_packages with what requirements-azure.txt lists, and nothing else.

    Raises CannotGoOn when that list and requirements.txt differ.
    """
    compare(root)
    folder = root / FOLDER
    if folder.exists():
        shutil.rmtree(folder)
    options = [*TARGET, "--require-hashes", "--no-compile", "-r", str(root / HASHED)]
    attempt(
        f"Collecting packages for Python {WANTED} on Linux into {FOLDER}",
        [*_pip(), *options, "--target", str(folder / INSIDE)],
        ADVICE,
    )
    # Programs of packages, which name the Python of this machine.
    shutil.rmtree(folder / INSIDE / "bin", ignore_errors=True)
    write_bytecode(folder)  # what some package has for another Python may not compile


def write_bytecode(folder: Path) -> str:
    """Write bytecode that is valid by its source's hash; return what does not compile.

    Only the right Python can: without one there is no bytecode, and starts are slow.
    """
    python = builder()
    about = find_python.about([python])
    if about is None or about.version != WANTED:
        say(f"No Python {WANTED} here: {folder.name} is packed without bytecode.")
        return ""
    checked = ["-m", "compileall", "-q", "-f", "--invalidation-mode", "checked-hash"]
    done = run_captured([python, *checked, str(folder)])
    return done.stdout if done.returncode else ""


def pin(root: Path) -> None:
    """Write requirements-azure.txt: each pin of requirements.txt with its wheel's hash."""
    pins(root / PINS)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = [*TARGET, "--dry-run", "--report", str(report), "--target", folder]
        attempt(
            f"Asking for the wheels of {PINS}",
            [*_pip(), *options, "-r", str(root / PINS)],
            ADVICE,
        )
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    lines = (
        f"{package['metadata']['name']}=={package['metadata']['version']} "
        f"--hash=sha256:{package['download_info']['archive_info']['hashes']['sha256']}\n"
        for package in sorted(
            found, key=lambda wheel: wheel["metadata"]["name"].lower()
        )
    )
    (root / HASHED).write_text(HEAD + "".join(lines), encoding="utf-8", newline="\n")


def pins(file: Path) -> dict[str, str]:
    """Return the version of each package by its normal name.

    Raises CannotGoOn for a line that is no exact pin: its build would differ by machine.
    """
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        match = PIN.fullmatch(text)
        if match:
            found[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
        elif text:
            raise CannotGoOn(f"{file.name}: {text!r} is not NAME==VERSION and no more.")
    return found


def compare(root: Path) -> None:
    """Raise CannotGoOn unless both lists have the same packages in the same versions."""
    wanted, hashed = pins(root / PINS), pins(root / HASHED)
    if differing := dict(wanted.items() ^ hashed.items()):
        raise CannotGoOn(
            f"{PINS} and {HASHED} differ ({', '.join(sorted(differing))}): run "
            "`python3 dev.py package --pin` and commit what it writes."
        )


def builder() -> str:
    """Return the Python to pack with: of the right version if there is one, with a pip."""
    here = [sys.executable, str(venv.interpreter())]
    pythons = [(command, find_python.about([command])) for command in here]
    usable = [(command, python.version) for command, python in pythons if python]
    usable.sort(key=lambda pair: pair[1] != WANTED)
    for command, _ in usable:
        if find_python.has_pip(command):
            return command
    raise CannotGoOn(
        f"{sys.executable} has no pip: `{Path(sys.executable).name} -m ensurepip`, on "
        "Debian and Ubuntu apt-get install python3-pip, or `python3 dev.py check` once."
    )


def _pip() -> list[str]:
    return [builder(), "-m", "pip", "install", *QUIETLY]
