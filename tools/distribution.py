"""The wheels that others install: the emulator and the library, each on its own."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tools import venv
from tools.terminal import ROOT, CannotGoOn, attempt, exit_code, say
from tools.venv import QUIETLY

TO = ROOT / ".local" / "dist"
ADVICE = "Building needs a package index that has hatchling: look at `pip config list`."
# Packages of ours with a pyproject.toml of their own, and the bytes of a wheel at most.
DISTRIBUTIONS = {"emulator": "eventgrid_emulator", "library": "eventgrid_pull"}
LARGEST = 150_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Build one wheel; 1 when it cannot be built, or is not what it should be."""
    parser = argparse.ArgumentParser(
        prog="dev.py package",
        description="Build the wheel of the emulator or of the library.",
    )
    parser.add_argument("name", choices=DISTRIBUTIONS)
    parser.add_argument(
        "--to", type=Path, default=TO, metavar="DIR", help="default .local/dist"
    )
    given = parser.parse_args(arguments)
    try:
        wheel = build(DISTRIBUTIONS[given.name], given.to.absolute())
    except (CannotGoOn, OSError) as error:
        say(f"dev.py package: {error}")
        return 1
    say(f"{wheel} ({wheel.stat().st_size // 1000} kB)")
    return 0


def build(package: str, to: Path) -> Path:
    """Return the wheel, built in a copy so that nothing is left in the package."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, package)
        built = Path(folder, "wheel")
        unwanted = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(ROOT / package, source, ignore=unwanted)
        pip = [str(venv.interpreter()), "-m", "pip", "wheel", *QUIETLY, "--no-deps"]
        command = [*pip, str(source), "--wheel-dir", str(built)]
        attempt(f"Building {package}", command, ADVICE)
        [wheel] = built.glob("*.whl")
        check(wheel, package)
        to.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(wheel, to / wheel.name))


def check(wheel: Path, package: str) -> None:
    """Raise CannotGoOn for a wheel that is too large, or holds what is not its own."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    strange = {top for top in tops if not top.startswith(package)}
    if strange:
        raise CannotGoOn(f"{wheel.name} holds more than its own: {sorted(strange)}")
    size = wheel.stat().st_size
    if size > LARGEST:
        raise CannotGoOn(f"{wheel.name} has {size} bytes, over {LARGEST}")


if __name__ == "__main__":
    sys.exit(exit_code(main))
