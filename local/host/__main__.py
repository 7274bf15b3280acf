"""`python -m local.host`: run a function app without Azure Functions Core Tools."""

import argparse
import asyncio
import logging
import os
import socket
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from local.host import settings
from local.host.keys import BadKeyFile, Keys
from local.host.loading import load, say_what_is_served
from local.host.monitor import Time
from local.host.server import listening_socket
from local.host.serving import StopRequest, serve
from local.host.settings import BadSettings
from local.host.signals import HostLoop

# What tasks and threads of the app get when all else has been stopped.
EXIT_GRACE = 3.0


def main() -> int:
    """Run the host; the exit code."""
    options = _options()
    app_dir: Path = options.app.resolve()
    if not app_dir.is_dir():
        return _refuse(f"there is no folder {app_dir}: name the app's with --app")
    try:
        settings.apply_local_settings(app_dir, os.environ)
        keys = Keys(app_dir / options.secrets)
        listening = listening_socket("127.0.0.1", options.port)
    except (BadSettings, BadKeyFile) as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(
            f"port {options.port} cannot be used ({error.strerror}): stop what uses it, "
            "or choose another with --port"
        )
    _set_environment(app_dir, listening)
    runner = asyncio.Runner(loop_factory=HostLoop)
    runner.run(_serve(app_dir, keys, listening, auth=options.enable_auth))
    _end_the_apps_tasks(runner)
    return 0


async def _serve(
    app_dir: Path, keys: Keys, listening: socket.socket, *, auth: bool
) -> None:
    stop = StopRequest()
    loop = asyncio.get_running_loop()
    if not isinstance(loop, HostLoop):
        raise TypeError("the host needs its own event loop")
    loop.stop_on_signals(stop)
    app = await load(app_dir, keys, Time(_clock), auth=auth)
    loop.adopt_plain_handlers()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"

    def announce() -> None:
        say_what_is_served(app, address)
        if sys.__stdout__:
            sys.__stdout__.write(f"Functions host on {address}\n")
            sys.__stdout__.flush()

    await serve(app, listening, stop, announce)


def _end_the_apps_tasks(runner: asyncio.Runner) -> None:
    """Cancel what the app has left on the loop, but do not wait for it for ever."""
    last = threading.Timer(EXIT_GRACE, _leave, [0])
    last.daemon = True
    last.start()
    runner.close()
    last.cancel()


def _leave(code: int) -> NoReturn:
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
    """Tell the app what `func start` would tell it."""
    os.environ["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development"
    os.environ["AzureWebJobsScriptRoot"] = str(app_dir)  # noqa: SIM112 - its real name
    os.environ["WEBSITE_HOSTNAME"] = f"localhost:{listening.getsockname()[1]}"
    os.environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")


def _refuse(reason: str) -> int:
    sys.stderr.write(f"The Functions host cannot start: {reason}\n")
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m local.host", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=7071, help="0 picks a free one (default 7071)"
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
    _leave(main())
