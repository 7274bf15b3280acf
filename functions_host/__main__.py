"""`python -m functions_host`: run a function app without Azure Functions Core Tools."""

import argparse
import asyncio
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NoReturn

from functions_host import local_http, settings
from functions_host.app import App
from functions_host.http.host_names import HostNames
from functions_host.http.listening import Sockets, listen, raise_descriptor_limit
from functions_host.http.server import Server
from functions_host.keys import BadKeyFile, Keys
from functions_host.loading import load, log_functions
from functions_host.local_http import LocalHttp
from functions_host.process import restart
from functions_host.process.code_changes import Watcher
from functions_host.process.lifecycle import StopRequest, serve
from functions_host.process.restart import Origin, Restart
from functions_host.process.signals import HostLoop
from functions_host.settings import BadSettings
from functions_host.timers.missed_timers import Time

LOG = logging.getLogger("functions_host")
# Time for the app's tasks and threads to end when all else has stopped.
EXIT_GRACE = 3.0


def main() -> int:
    """Run the host, and return the exit code."""
    origin = restart.origin(os.environ)
    options = _options()
    app_dir: Path = options.app.resolve()
    if not app_dir.is_dir():
        return _refuse(f"there is no folder {app_dir}: name the app's with --app")
    try:
        http = local_http.read(app_dir)
        settings.apply_local_settings(app_dir, os.environ)
        keys = Keys(app_dir / options.secrets)
        if options.enable_auth:
            keys.make([])
    except (BadSettings, BadKeyFile) as error:
        return _refuse(str(error))
    port = http.port if options.port is None else options.port
    try:
        sockets = origin.sockets() or Sockets(listen("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", error)
        return _refuse(
            f"port {port} cannot be used ({reason}): stop what uses it, "
            "or choose another with --port"
        )
    raise_descriptor_limit()
    _set_environment(app_dir, sockets.listening)
    host = Host(app_dir, keys, HostNames(options.name), http, auth=options.enable_auth)
    runner = asyncio.Runner(loop_factory=HostLoop)
    if again := runner.run(host.serve(sockets, origin)):
        again()
    _cancel_leftover_tasks(runner)
    return 0


@dataclass(frozen=True, slots=True)
class Host:
    """The app, and how it is served."""

    app_dir: Path
    keys: Keys
    names: HostNames
    http: LocalHttp
    auth: bool

    async def serve(
        self, sockets: Sockets, origin: Origin
    ) -> Callable[[], object] | None:
        """Serve until asked to stop; return how to restart, if code was edited."""
        stop = StopRequest()
        loop = asyncio.get_running_loop()
        if not isinstance(loop, HostLoop):
            raise TypeError("the host needs its own event loop")
        loop.stop_on_signals(stop)
        restarting = Restart(origin, sockets.listening, stop)
        edits = Watcher(self.app_dir, restarting.on_edit)
        app = await load(self.app_dir, self.keys, Time(_clock), auth=self.auth)
        loop.adopt_plain_handlers()
        edits.start()
        address = f"http://127.0.0.1:{sockets.listening.getsockname()[1]}"
        http = Server(app, self.names, self.http.policy)
        announce = partial(_announce, app, address, origin.edited)
        kept = await serve(http, app, sockets, stop, announce)
        return partial(restarting.begin, stop.edited, kept) if kept else None


def _announce(app: App, address: str, edited: str) -> None:
    log_functions(app, address)
    if edited and not app.errors:
        LOG.info("Reloaded: %s changed", edited)
    if not edited and sys.__stdout__:
        sys.__stdout__.write(f"Functions host on {address}\n")
        sys.__stdout__.flush()


def _cancel_leftover_tasks(runner: asyncio.Runner) -> None:
    """Cancel the tasks that the app left on the loop, for a limited time."""
    last = threading.Timer(EXIT_GRACE, _exit_process, [0])
    last.daemon = True
    last.start()
    runner.close()
    last.cancel()


def _exit_process(code: int) -> NoReturn:
    """End the process here, as the end of its host ends a worker.

    Clients that the app keeps as long as its process would be torn down with the
    interpreter, and complain.
    """
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


def _clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the edge that owns the clock


def _set_environment(app_dir: Path, listening: socket.socket) -> None:
    """Set for the app what `func start` would set."""
    os.environ["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development"
    os.environ["AzureWebJobsScriptRoot"] = str(app_dir)  # noqa: SIM112 - its real name
    os.environ["WEBSITE_HOSTNAME"] = f"localhost:{listening.getsockname()[1]}"
    os.environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")


def _refuse(reason: str) -> int:
    sys.stderr.write(f"The Functions host cannot start: {reason}\n")
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m functions_host", description=__doc__)
    parser.add_argument(
        "--port",
        type=int,
        help="0 picks a free one (default: LocalHttpPort of local.settings.json, "
        "else 7071)",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        help="another name that this host answers for, beside this machine's own, "
        "behind a proxy or tunnel; may be repeated",
    )
    parser.add_argument(
        "--app",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the folder with function_app.py (default: the current one)",
    )
    parser.add_argument(
        "--enable-auth",
        action="store_true",
        help="ask for access keys; without it every caller is let in",
    )
    parser.add_argument(
        "--secrets",
        type=Path,
        default=Path(".local/host-keys.json"),
        metavar="FILE",
        help="where access keys are kept, relative to the app (default %(default)s)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    _exit_process(main())
