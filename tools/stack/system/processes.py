"""
Starts and ends the parts as processes, with everything they start in turn.

On Linux and macOS a part leads a process group of its own, which also holds what
outlives it. On Windows the group is only what a Ctrl-Break reaches.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

Process = asyncio.subprocess.Process
# A dead process counts as there until its parent or init takes note of its death.
REAP_SECONDS = 1.0
MARK = "LOCAL_STACK_DATA"


async def start(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
) -> Process:
    """Start the command as the leader of a group of its own, writing to the log."""
    windows = sys.platform == "win32"
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=not windows,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )


def close_stdin(process: Process) -> None:
    """Stop a part that ends with its stdin."""
    if process.stdin is not None:
        process.stdin.close()


def interrupt(process: Process) -> None:
    """Interrupt the process as Ctrl-C would."""
    _signal(process, signal.SIGINT)


def terminate(process: Process) -> None:
    """Ask for an orderly stop."""
    _signal(process, signal.SIGTERM)


def _signal(process: Process, number: signal.Signals) -> None:
    if sys.platform == "win32":
        number = signal.CTRL_BREAK_EVENT
    with suppress(ProcessLookupError, PermissionError):
        process.send_signal(number)


async def end_group(leader: int) -> None:
    """End the process and all that is left of its group, and see them gone."""
    if sys.platform == "win32":
        end(leader)
        return
    deadline = asyncio.get_running_loop().time() + REAP_SECONDS
    with suppress(ProcessLookupError, PermissionError):
        while asyncio.get_running_loop().time() < deadline:
            os.killpg(leader, signal.SIGKILL)
            await asyncio.sleep(0.01)


def end(pid: int) -> None:
    """End one process at once; on Windows, what it started as well."""
    if sys.platform == "win32":
        command = ["taskkill", "/F", "/T", "/PID", str(pid)]
        subprocess.run(command, capture_output=True, check=False)
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def describe_exit(code: int) -> str:
    """Return an exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    return f"killed by {signal.Signals(-code).name}"
