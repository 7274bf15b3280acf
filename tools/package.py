"""What is deployed: the files that .funcignore lets through, packages and bytecode.

On any Python from 3.9 on, with nothing but pip: azd runs this before each deployment.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from tools import find_python, wheels
from tools.terminal import ROOT, CannotGoOn, exit_code, last_lines, say

IGNORE = ".funcignore"
# azd and func drop these unasked.
ALWAYS_OUT = ("local.settings.json", ".azure/", IGNORE)
APP = ("eventgrid_pull", "moderation", "console")
ZIP = ROOT / ".local" / "package.zip"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a zip to deploy, and its parts for tools that zip them; return the exit code."""
    given = _options().parse_args(arguments)
    to = given.to.absolute()
    try:
        if given.pin:
            wheels.pin(ROOT)
        compile_app(ROOT)  # before a minute is spent on packages
        wheels.build(ROOT)
        names = list(contents(ROOT))
        to.parent.mkdir(parents=True, exist_ok=True)
        pack(ROOT, names, to)
    except (CannotGoOn, OSError) as error:
        say(f"dev.py package: {error}")
        return 1
    say(f"Packed {len(names)} files, {to.stat().st_size // 1024} KiB: {to}")
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py package",
        description="Collect the packages of requirements-azure.txt for Python "
        f"{find_python.WANTED} on Linux, compile everything, and zip what .funcignore leaves "
        "of this folder. The zip needs no build in Azure. `dev.py package emulator` and "
        "`dev.py package library` build the wheels that others install instead.",
    )
    parser.add_argument(
        "--to",
        type=Path,
        default=ZIP,
        metavar="FILE",
        help="default .local/package.zip",
    )
    parser.add_argument(
        "--pin",
        action="store_true",
        help="first rewrite requirements-azure.txt from requirements.txt",
    )
    return parser


def compile_app(root: Path) -> None:
    """Write bytecode that is valid for as long as its source is, whatever the clock says.

    Unpacking gives files new times, which would outdate ordinary bytecode, and a
    deployed app cannot write its own.
    """
    for folder in (root / name for name in APP):
        for cached in folder.rglob("__pycache__/*.pyc"):
            module = cached.name.partition(".")[0]
            if not (cached.parent.parent / f"{module}.py").exists():
                cached.unlink()
        if errors := wheels.write_bytecode(folder):
            raise CannotGoOn(f"{folder} does not compile:\n{last_lines(errors)}")


def contents(root: Path) -> Iterator[str]:
    """Return the relative paths that .funcignore lets through, with slashes."""
    lines = (root / IGNORE).read_text(encoding="utf-8").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and line[0] != "#"]
    return _walk(root, root, [*patterns, *ALWAYS_OUT])


def _walk(root: Path, folder: Path, patterns: Sequence[str]) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        name = path.relative_to(root).as_posix()
        if is_out(name, patterns, is_folder=path.is_dir()):
            continue
        if path.is_dir():
            yield from _walk(root, path, patterns)
        else:
            yield name


def is_out(name: str, patterns: Sequence[str], *, is_folder: bool) -> bool:
    """Return whether the last pattern about a path keeps it out.

    As git reads them, as far as .funcignore uses it: `!` takes back, a slash at the end
    means folders, one before or within means from the top, * stays in its folder, and
    /** at the end is all that is in one.
    """
    for pattern in reversed(patterns):
        body = pattern.lstrip("!")
        if body.endswith("/") and not is_folder:
            continue
        if _fits(name, body.rstrip("/")):
            return not pattern.startswith("!")
    return False


def _fits(name: str, pattern: str) -> bool:
    if "/" not in pattern:
        return fnmatchcase(name.rpartition("/")[2], pattern)
    if pattern.endswith("/**"):
        return name.startswith(pattern[1:-2])
    parts, wanted = name.split("/"), pattern.lstrip("/").split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def pack(root: Path, names: Iterable[str], to: Path) -> None:
    """Write the zip, all of it or nothing."""
    half = to.with_name(f"{to.name}.half")
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(root / name, name)
    shutil.move(half, to)


if __name__ == "__main__":
    sys.exit(exit_code(main))
