"""Azurite, which stands in for Azure Storage: its pin, its folder, its installation."""

from __future__ import annotations

import shutil
from pathlib import Path

from tools.stack.system.file_lock import hold
from tools.terminal import ROOT, CannotGoOn, attempt, run_captured, say

VERSION = "3.35.0"  # the last one that runs on Node 20
OLDEST_NODE = 20
STAMP = "installed"
FOLDER = ROOT / ".local" / "azurite-npm"
QUIETLY = ("--no-audit", "--no-fund", "--no-package-lock", "--no-save")
ADVICE = f"Install Node.js {OLDEST_NODE} or newer with npm: https://nodejs.org/"


def blob_service(folder: Path = FOLDER) -> Path:
    """Return the script that `node` runs to serve blobs."""
    return folder / "node_modules/azurite/dist/src/blob/main.js"


def is_installed(folder: Path = FOLDER) -> bool:
    """Return whether the pinned version was installed to its end."""
    stamp = folder / STAMP
    try:
        return (
            blob_service(folder).exists()
            and stamp.exists()
            and stamp.read_text(encoding="utf-8") == VERSION
        )
    except (OSError, ValueError):
        return False


def install() -> None:
    """Install the pinned Azurite, if there is a Node on PATH that can run it."""
    node()
    if is_installed():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise CannotGoOn(f"npm is not on PATH: Azurite comes from npm. {ADVICE}")
    FOLDER.parent.mkdir(exist_ok=True)
    lock = FOLDER.parent / "azurite.lock"
    with hold(lock, lambda: say("Another dev.py installs Azurite: waiting for it.")):
        if not is_installed():
            _install(npm)


def _install(npm: str) -> None:
    (FOLDER / STAMP).unlink(missing_ok=True)  # first, lest half of it pass for whole
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    FOLDER.mkdir()
    attempt(
        f"Installing Azurite {VERSION} from npm (half a minute)",
        [npm, "install", "--prefix", str(FOLDER), *QUIETLY, f"azurite@{VERSION}"],
        "It needs an npm registry: look at the network and at `npm config list`.",
    )
    (FOLDER / STAMP).write_text(VERSION, encoding="utf-8")


def node() -> str:
    """Return the Node.js on PATH, if it is new enough."""
    found = shutil.which("node")
    if found is None:
        raise CannotGoOn(f"Node.js is not on PATH: Azurite needs it. {ADVICE}")
    try:
        version = run_captured([found, "--version"]).stdout.strip()
    except OSError as error:
        raise CannotGoOn(f"{found} cannot be started: {error}. {ADVICE}") from error
    major = version.lstrip("v").split(".")[0]
    if not (major.isascii() and major.isdigit()) or int(major) < OLDEST_NODE:
        raise CannotGoOn(f"{found} is {version or 'broken'}, too old. {ADVICE}")
    return found
