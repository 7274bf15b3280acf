#!/usr/bin/env python3
"""
The one command of this project: `python3 dev.py run`, `test` or `check`.

It starts on any Python from 3.9 on, makes what it needs beside itself (`.venv`,
`.local`), and works from any current directory.
"""

from __future__ import annotations

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is (
    signal.default_int_handler
):  # a Ctrl-C while the rest is imported ends this without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tools import venv
from tools.stack import options
from tools.stack.parts import azurite
from tools.terminal import ROOT, CannotGoOn, exit_code, run_captured, say

CHECKS = {
    "format": "ruff format --check .",
    "lint": "ruff check .",
    "types": "mypy --explicit-package-bases",
    "doctor": "azure-functions-doctor doctor --profile deploy "
    "--hosting-plan flex-consumption --target-python 3.13",
}


class Command(NamedTuple):
    """One word after dev.py: what it is for, and what runs with the other arguments."""

    purpose: str
    do: Callable[[list[str]], int]


def run(arguments: list[str]) -> int:
    """Make what is missing, then become the supervisor of the local stack."""
    parser = argparse.ArgumentParser(
        prog="dev.py run",
        description="Run the whole pipeline on this machine: Azurite, the Event Grid "
        "emulator and the Functions host with the app and its page. Ctrl-C stops all.",
    )
    options.declare(parser)
    given = parser.parse_args(arguments)
    venv.make()
    azurite.install()
    # The command runs in another folder than this one.
    places = ["--data", str(given.data.absolute()), "--app", str(given.app.absolute())]
    if given.topology:
        places += ["--topology", str(given.topology.absolute())]
    command = [str(venv.interpreter()), "-m", "tools.stack", *arguments, *places]
    return become(command, holding=True)


def test(arguments: list[str]) -> int:
    """Check, then run pytest with the other arguments; its exit code is ours."""
    parser = argparse.ArgumentParser(
        prog="dev.py test",
        usage="dev.py test [--no-check] [pytest arguments]",
        description="Run the checks, then every test. What else is on the command "
        "line goes to pytest: dev.py test tests/tools -k ports",
        allow_abbrev=False,
    )
    parser.add_argument("--no-check", action="store_true", help="run only the tests")
    given, for_pytest = parser.parse_known_args(arguments)
    venv.make()
    try:
        azurite.install()
    except CannotGoOn as error:
        say(f"dev.py: {error}\nTests that need Azurite will fail without it.")
    if not given.no_check and run_checks():
        return 1
    # All of it, file by file in two processes: much of the time is spent waiting.
    wanted = for_pytest or ["-n", "2", "--dist", "loadfile"]
    return become([str(venv.interpreter()), "-m", "pytest", *wanted])


def check(arguments: list[str]) -> int:
    """Run every check, show what failed, and return 1 if one did."""
    argparse.ArgumentParser(
        prog="dev.py check",
        description="Format and lint (ruff), types (mypy), azure-functions-doctor.",
    ).parse_args(arguments)
    venv.make()
    return run_checks()


def package(arguments: list[str]) -> int:
    """Zip what is deployed of the app; `emulator` or `library`: build its wheel."""
    if arguments and not arguments[0].startswith("-"):
        return run_module("tools.distribution", arguments)
    from tools import package as packing  # of the standard library, as a hook needs it

    return packing.main(arguments)


def run_module(module: str, arguments: list[str]) -> int:
    """Make .venv, then become one of its modules."""
    venv.make()
    command = [str(venv.interpreter()), "-m", module, *arguments]
    return become(command, holding=True)


def run_checks() -> int:
    """Run the checks side by side and show what failed; return 1 if one did."""
    say(f"Checking: {', '.join(CHECKS)} ...")
    failed = []
    with ThreadPoolExecutor() as pool:
        running = {
            name: pool.submit(run_timed, command) for name, command in CHECKS.items()
        }
        for name, future in running.items():
            done, took = future.result()
            program = CHECKS[name].split()[0]
            result = "ok" if done.returncode == 0 else "FAILED"
            say(f"  {name:<8}{program:<24}{result} ({took:.1f} s)")
            if done.returncode:
                failed.append(name)
                say(done.stdout.rstrip())
    if failed:
        say(f"Checks that failed: {', '.join(failed)}")
    return 1 if failed else 0


def run_timed(command: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run a program of .venv; return it finished, and the seconds it took."""
    started = time.monotonic()
    program, *rest = command.split()
    whole = [str(venv.programs() / program), *rest]
    try:
        done = run_captured(whole)
    except OSError as error:
        advice = f"{error}. Delete the folder .venv and run this again."
        done = subprocess.CompletedProcess(whole, 1, advice)
    return done, time.monotonic() - started


def bench(arguments: list[str]) -> int:
    """Run the benches, which read the other arguments and have the help."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--json", type=Path)
    given, others = parser.parse_known_args(arguments)
    venv.make()
    azurite.install()
    file = ["--json", str(given.json.absolute())] if given.json else []
    return become([str(venv.interpreter()), "-m", "tools.bench", *others, *file])


def become(command: list[str], *, holding: bool = False) -> int:
    """Replace this process by the command, which gets the terminal and its signals.

    `holding`: a Ctrl-C pressed before it runs is kept for `terminal`'s `exit_code` or
    `end_at_ctrl_c`.
    """
    if os.name != "nt":  # execv there gives the prompt back while the child runs on
        os.chdir(ROOT)
        if holding:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        os.execv(command[0], command)  # noqa: S606
    with subprocess.Popen(command, cwd=ROOT) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


COMMANDS = {
    "run": Command(
        "start Azurite, the Event Grid emulator and the Functions host", run
    ),
    "test": Command("run the checks, then every test", test),
    "check": Command("format, lint, types, azure-functions-doctor", check),
    "doctor": Command(
        "check settings, topology, host.json and namespace",
        partial(run_module, "tools.doctor"),
    ),
    "package": Command("zip what is deployed; or a wheel: emulator, library", package),
    "status": Command(
        "check a deployment in Azure and say what to do",
        partial(run_module, "tools.azure.status_command"),
    ),
    "settings": Command(
        "use what is deployed from here, or the local stack",
        partial(run_module, "tools.azure.settings_command"),
    ),
    "keys": Command(
        "make keys for readers and operators, in Azure or here",
        partial(run_module, "tools.azure.keys_command"),
    ),
    "bench": Command("measure the app against the SDK, as ratios", bench),
}


def main(arguments: list[str]) -> int:
    """Do what the first word names and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description="Runs, tests and checks this project. Commands:\n\n"
        + "\n".join(f"  {name:<10}{c.purpose}" for name, c in COMMANDS.items()),
        epilog="dev.py COMMAND --help says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    word = parser.parse_args(arguments[:1] or ["--help"]).command
    try:
        return COMMANDS[word].do(arguments[1:])
    except (CannotGoOn, OSError) as error:
        say(f"dev.py: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
