"""Azurite, the Event Grid emulator and the Functions host on this machine, one Ctrl-C."""

import asyncio
import sys
import time
from collections.abc import Mapping

from eventgrid_emulator.cli import descriptors
from functions_host import local_http
from functions_host.settings import BadSettings
from tools.stack import options
from tools.stack.data_folder import DataFolder
from tools.stack.options import Options
from tools.stack.parts import azurite, services
from tools.stack.settings import settings_file
from tools.stack.supervision.supervisor import supervise
from tools.stack.system import ports
from tools.terminal import CannotGoOn, end_at_ctrl_c, say


def main(arguments: list[str] | None = None) -> int:
    """Run the local stack until asked to stop; 1 if it cannot be brought up."""
    given = options.read(arguments)
    descriptors.raise_limit()
    try:
        _check(given)
        with DataFolder(given.data) as data:
            return _run(given, data)
    except (CannotGoOn, OSError) as error:
        say(f"Cannot run the local stack: {error}")
        return 1


def _check(given: Options) -> None:
    if not (given.app / "host.json").exists():
        raise CannotGoOn(f"{given.app} is not a function app: it has no host.json.")
    if not azurite.is_installed():
        raise CannotGoOn("Azurite is not installed: `python3 dev.py run` does it.")
    made = settings_file.make_if_missing(given.app)
    if made:
        say(made)


def _run(given: Options, data: DataFolder) -> int:
    ended = data.end_orphans()
    for sentence in ended:
        say(sentence)
    if given.fresh:
        data.forget()
    data.make()
    wanted = {
        "--emulator-port": given.emulator_port,
        "--storage-port": given.storage_port,
    }
    if given.host != options.NO_HOST:
        wanted["--http-port"] = _http_port(given)
    chosen = _free_ports(wanted, patience=5.0 if ended else 0.0)
    parts, notes = services.build(given, chosen, data)
    for note in notes:
        say(note)
    return asyncio.run(supervise(parts, data, restart=not given.no_restart))


def _http_port(given: Options) -> int:
    """Return the port asked for, or the one that `func start` would take."""
    if given.http_port is not None:
        return given.http_port
    try:
        return local_http.read(given.app).port
    except BadSettings as error:
        raise CannotGoOn(str(error)) from error


def _free_ports(wanted: Mapping[str, int], patience: float) -> dict[str, int]:
    chosen = ports.choose(wanted)
    deadline = time.monotonic() + patience
    while any(map(ports.is_taken, chosen.values())) and time.monotonic() < deadline:
        time.sleep(0.05)  # noqa: TID251  # what was ended lets go a moment later
    taken = [
        f"port {port} is taken by {ports.holder(port)}: stop it, or choose another "
        f"with {option} (0 takes a free one)."
        for option, port in chosen.items()
        if ports.is_taken(port)
    ]
    if taken:
        raise CannotGoOn("\n".join(taken))
    if len(set(chosen.values())) < len(chosen):
        raise CannotGoOn("two parts cannot share a port: give each its own.")
    return chosen


if __name__ == "__main__":
    end_at_ctrl_c()  # until the supervisor listens
    sys.exit(main())
