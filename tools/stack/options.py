"""
What can be asked of `python -m tools.stack`, declared once.

`dev.py run` shows and checks the same options before there is a virtual environment,
so this module stays on the standard library of any Python from 3.9 on.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.terminal import ROOT, say

NO_HOST = "none"
HTTP_PORT = "LocalHttpPort of local.settings.json, or 7071"
PORTS = (
    ("--http-port", None, "the app and its page answer"),
    ("--emulator-port", 6500, "the Event Grid emulator answers"),
    ("--storage-port", 10000, "Azurite answers"),
)

EARLIER = "--broker-port"


@dataclass(frozen=True)
class Options:
    """One run of the local stack: its ports, its data folder, its host."""

    http_port: int | None
    emulator_port: int
    storage_port: int
    data: Path
    fresh: bool
    host: str | None
    app: Path
    topology: Path | None
    enable_auth: bool
    no_restart: bool


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare every option with its default and a sentence; port 0: any free one."""
    for option, port, what in PORTS:
        parser.add_argument(
            option,
            type=_port,
            default=port,
            metavar="PORT",
            help=f"where {what} (default {port or HTTP_PORT}; 0 takes a free one)",
        )
    parser.add_argument(
        EARLIER,
        dest="emulator_port",
        type=_port,
        default=argparse.SUPPRESS,
        help=argparse.SUPPRESS,
    )
    declare_data(parser)
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="forget what an earlier run left in the data folder, then start",
    )
    parser.add_argument(
        "--host",
        choices=("func", "stand-in", NO_HOST),
        help="Core Tools' func or the stand-in; default: func where it is found "
        "(FUNC_PATH, then PATH), otherwise the stand-in. With none, you start the host "
        "(func start, F5): what to put where is printed",
    )
    declare_app(parser)
    declare_topology(parser)
    parser.add_argument(
        "--enable-auth",
        action="store_true",
        help="have the host ask for access keys, as in Azure: `dev.py keys --local` "
        "makes and shows them",
    )
    parser.add_argument(
        "--no-restart",
        action="store_true",
        help="leave a part alone that hangs, as it does under a debugger; without it, "
        "one that keeps silent for three probes of 15 s is started again",
    )


def declare_data(parser: argparse.ArgumentParser) -> None:
    """Declare the option for the data folder."""
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT / ".local",
        metavar="DIR",
        help="folder that keeps blobs, queues, logs and keys (default .local/)",
    )


def declare_app(parser: argparse.ArgumentParser) -> None:
    """Declare the option for the app's folder."""
    parser.add_argument(
        "--app",
        type=Path,
        default=ROOT,
        metavar="DIR",
        help="folder of the function app (default: this project)",
    )


def declare_topology(parser: argparse.ArgumentParser) -> None:
    """Declare the option for the topology."""
    parser.add_argument(
        "--topology",
        type=Path,
        metavar="FILE",
        help="topic and event subscriptions, for the emulator and the app (default: "
        "topology.json of the app's folder, or moderation/topology.json there)",
    )


def read(arguments: list[str] | None = None) -> Options:
    """Return the options given on the command line, with absolute folders."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.stack",
        description="Run Azurite, the Event Grid emulator and the Functions host.",
    )
    declare(parser)
    words = sys.argv[1:] if arguments is None else arguments
    given = parser.parse_args(words)
    if any(word.partition("=")[0] == EARLIER for word in words):
        say(f"{EARLIER} is now called --emulator-port; both set it.")
    given.data = given.data.absolute()
    given.app = given.app.absolute()
    given.topology = given.topology and given.topology.absolute()
    return Options(**vars(given))


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 to 65535")
    return int(text)
