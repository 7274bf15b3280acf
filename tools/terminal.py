"""What a person at the terminal reads, and the commands run on their behalf."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHOWN = 30
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # there may be room again


class CannotGoOn(Exception):
    """Something is missing or failed; the text says what, and what to do."""


def say(text: str, end: str = "\n") -> None:
    """Write one line on stdout, there at once even when stdout is a file."""
    try:
        sys.stdout.write(text + end)
        sys.stdout.flush()
    except UnicodeEncodeError:
        say(text.encode("ascii", "backslashreplace").decode("ascii"), end)
    except OSError as error:
        if error.errno not in FULL:
            _silence_stdout()
    except AttributeError:  # it was closed before we began
        pass


def _silence_stdout() -> None:
    """Discard what is written from now on: nobody reads it any more."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def exit_code(main: Callable[[], int]) -> int:
    """Run dev.py, or what it has become, and return the exit code: 130 for a Ctrl-C.

    One that was pressed between the two waits until now.
    """
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        return main()
    except KeyboardInterrupt:
        return 130


def end_at_ctrl_c() -> None:
    """Have a Ctrl-C end this process at once, also one that waits until now.

    An exception for it is lost where Python cannot raise one, as in a callback of an
    import.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def run_captured(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the command; return it with its stdout and stderr as one text."""
    return subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def attempt(what: str, command: Sequence[str], advice: str) -> None:
    """Say what is done, do it, and show the command's own words only if it fails."""
    say(f"{what} ... ", end="")
    started = time.monotonic()
    try:
        done = run_captured(command)
    except OSError as error:
        say("FAILED")
        raise CannotGoOn(f"{command[0]} could not be started: {error}") from error
    if done.returncode:
        say("FAILED")
        raise CannotGoOn(f"{what} failed. {advice}\n{last_lines(done.stdout)}")
    say(f"{time.monotonic() - started:.0f} s")


def last_lines(text: str, count: int = SHOWN) -> str:
    """Return the end of a text, indented, for a reader who needs to know why."""
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines()[-count:])
