"""What is deployed: the files that .funcignore lets through, with their bytecode."""

import argparse
import compileall
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from py_compile import PycInvalidationMode

from pathspec import GitIgnoreSpec

from local.terminal import ROOT, CannotGoOn, ended, say

IGNORE = ".funcignore"
ALWAYS_OUT = ("local.settings.json", ".azure/")  # azd and func drop these unasked
APP = "moderation"
ZIP = ROOT / ".local" / "package.zip"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 with a zip to deploy, and with bytecode for whoever makes the zip himself."""
    parser = argparse.ArgumentParser(
        prog="dev.py package",
        description="Compile the app and zip what .funcignore leaves of this folder, "
        "for `az functionapp deployment source config-zip --src FILE`.",
    )
    parser.add_argument(
        "--to",
        type=Path,
        default=ZIP,
        metavar="FILE",
        help="default .local/package.zip",
    )
    to = parser.parse_args(arguments).to.absolute()
    try:
        compile_app(ROOT)
        names = list(contents(ROOT))
        to.parent.mkdir(parents=True, exist_ok=True)
        pack(ROOT, names, to)
    except (CannotGoOn, OSError) as error:
        say(f"dev.py package: {error}")
        return 1
    say(f"Packed {len(names)} files, {to.stat().st_size // 1024} KiB: {to}")
    return 0


def compile_app(root: Path) -> None:
    """Write bytecode that is valid for as long as its source is, whatever the clock says.

    Unpacking gives files new times, which would outdate ordinary bytecode, and a
    deployed app cannot write its own.
    """
    folder = root / APP
    for cached in folder.rglob("__pycache__/*.pyc"):
        module = cached.name.partition(".")[0]
        if not (cached.parent.parent / f"{module}.py").exists():
            cached.unlink()
    mode = PycInvalidationMode.CHECKED_HASH
    if not compileall.compile_dir(folder, quiet=1, force=True, invalidation_mode=mode):
        raise CannotGoOn(f"{folder} does not compile: see above.")


def contents(root: Path) -> Iterator[str]:
    """The paths that .funcignore does not keep out, relative, with forward slashes."""
    lines = (root / IGNORE).read_text(encoding="utf-8").splitlines()
    return _walk(root, root, GitIgnoreSpec.from_lines([*lines, *ALWAYS_OUT]))


def _walk(root: Path, folder: Path, ignored: GitIgnoreSpec) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        name = path.relative_to(root).as_posix()
        if path.is_dir():
            if not ignored.match_file(f"{name}/"):
                yield from _walk(root, path, ignored)
        elif not ignored.match_file(name):
            yield name


def pack(root: Path, names: Iterable[str], to: Path) -> None:
    """Write the zip."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(root / name, name)


if __name__ == "__main__":
    sys.exit(ended(main))
