"""Restarting with edited code: the host's process becomes a new host.

It keeps its id and its listening socket, so a caller meanwhile waits and is
answered. It begins in the folder and environment in which it was first started.
"""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from functions_host.http.listening import Sockets
from functions_host.invocations import STUCK_EXIT_CODE
from functions_host.process import signals
from functions_host.process.lifecycle import StopRequest

LOG = logging.getLogger("functions_host")
SOCKETS, EDITED = "LOCAL_HOST_SOCKETS", "LOCAL_HOST_EDITED"
DEBUGGERS = ("pydevd", "debugpy")
# Seconds in which a loop that is not blocked learns of an edit.
LOOP_PATIENCE = 0.5


@dataclass(frozen=True, slots=True)
class Origin:
    """Where and how this process was started, and what the one before left to it."""

    folder: Path
    environment: dict[str, str]
    descriptors: tuple[int, ...]
    edited: str

    def sockets(self) -> Sockets | None:
        """Return the sockets that were left to it, if any."""
        left = [socket.socket(fileno=number) for number in self.descriptors]
        for inherited in left:
            inherited.set_inheritable(False)
        return Sockets(left[0], left[1:]) if left else None


def origin(environ: MutableMapping[str, str]) -> Origin:
    """Return how this process began; remove what was left to it from `environ`."""
    left, edited = environ.pop(SOCKETS, ""), environ.pop(EDITED, "")
    return Origin(Path.cwd(), dict(environ), tuple(map(int, left.split())), edited)


class Restart:
    """Restarts after an edit: the loop stops, then this process becomes a new host."""

    def __init__(
        self, origin: Origin, listening: socket.socket, stop: StopRequest
    ) -> None:
        self._origin = origin
        self._sockets = Sockets(listening)
        self._stop = stop
        self._loop = asyncio.get_running_loop()

    def on_edit(self, edited: str, problem: str | None) -> bool:
        """Restart with the edit unless there is a problem; return whether it does."""
        if problem:
            LOG.error("%s; the app keeps the code it had", problem)
            return False
        if any(name in sys.modules for name in DEBUGGERS):
            LOG.warning("%s changed: no restart under a debugger", edited)
            return False
        self._loop.call_soon_threadsafe(self._stop.after_an_edit, edited)
        if not self._stop.heard_of_edit.wait(LOOP_PATIENCE):
            LOG.warning("a function blocks the event loop: it is cut off")
            self.begin(edited, self._sockets)
        return True

    def begin(self, edited: str, sockets: Sockets) -> NoReturn:
        """Become a new host on these sockets; on Windows, exit with 75."""
        if sys.platform == "win32":
            LOG.warning("%s changed: ending to be started again", edited)
            logging.shutdown()
            os._exit(STUCK_EXIT_CODE)
        signals.block_signals()
        logging.shutdown()
        kept = (sockets.listening, *sockets.callers)
        numbers = [waiting.fileno() for waiting in kept]
        for number in numbers:
            os.set_inheritable(number, True)
        os.chdir(self._origin.folder)
        passed_on = {SOCKETS: " ".join(map(str, numbers)), EDITED: edited}
        os.execve(  # noqa: S606 - itself
            sys.executable,
            [sys.executable, *sys.orig_argv[1:]],
            self._origin.environment | passed_on,
        )
