"""Asks a part again and again whether it still answers, until it hangs."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tools.stack.parts import readiness
from tools.stack.parts.services import Part
from tools.terminal import run_captured, say

EVERY = 15.0
PATIENCE = 15.0
MISSES = 3
DEBUGGERS = ("debugpy", "pydevd")


async def wait_for_hang(part: Part, leader: int, *, restart: bool) -> None:
    """Return when the part has kept silent three times in a row and may be ended."""
    missed = 0
    while True:
        await asyncio.sleep(EVERY)
        if await readiness.responds(part.port, PATIENCE):
            if missed:
                say(f"{part.name} answers again.")
            missed = 0
            continue
        missed += 1
        if missed == 1:
            say(
                f"{part.name} (process {leader}) did not answer within {PATIENCE:.0f} s."
            )
        if missed == MISSES and may_be_ended(part, leader, restart=restart):
            return


def may_be_ended(part: Part, leader: int, *, restart: bool) -> bool:
    """Return whether a part that hangs is to be started again; say why if not."""
    if not restart:
        say(f"{part.name} hangs, and is left alone as --no-restart says.")
    elif is_debugged(leader):
        say(f"{part.name} hangs under a debugger, and is left alone.")
    else:
        return True
    return False


def is_debugged(leader: int) -> bool:
    """Return whether a debugger has hold of the process, or of another of its group."""
    if sys.platform == "win32":
        return False
    if sys.platform == "linux":
        return any(map(_is_traced, _group(leader)))
    return any(_is_traced_on_macos(line, leader) for line in _processes())


def _group(leader: int) -> Iterator[Path]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):
            # Behind the name, which may hold anything: state, parent, group.
            if int(stat.read_text().rpartition(")")[2].split()[2]) == leader:
                yield stat.parent


def _is_traced(process: Path) -> bool:
    with suppress(OSError):
        for line in (process / "status").read_text().splitlines():
            if line.startswith("TracerPid:") and line.split()[1] != "0":
                return True
        carried = (process / "cmdline").read_bytes() + (process / "maps").read_bytes()
        return any(name.encode() in carried for name in DEBUGGERS)
    return False


def _processes() -> list[str]:
    with suppress(OSError):
        return run_captured(["ps", "-axo", "pgid=,stat=,command="]).stdout.splitlines()
    return []


def _is_traced_on_macos(line: str, leader: int) -> bool:
    """Return whether a line of macOS's ps is of this group and being debugged."""
    group, state, command, *_ = [*line.split(maxsplit=2), "", "", ""]
    if group != str(leader):
        return False
    return "X" in state or any(name in command for name in DEBUGGERS)
