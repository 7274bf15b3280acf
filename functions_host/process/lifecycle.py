"""Serving an app until the host is asked to stop, and stopping in order."""

import asyncio
import logging
import socket
import sys
import threading
from collections.abc import Callable

from functions_host.app import App
from functions_host.http.listening import AT_ONCE, BACKLOG, LoopErrors, Sockets
from functions_host.http.server import Server
from functions_host.invocations import exit_stuck, watch_for_a_blocked_loop

LOG = logging.getLogger("functions_host")
STOP_GRACE = 10.0
# An edit should be seen soon: what runs longer is cut off.
EDIT_GRACE = 0.5
# Time for a connection that was just accepted to get its handler.
ARRIVAL = 0.01
# Time for the answer to a call that timed out to reach its caller.
LAST_WORDS = 0.3


class StopRequest:
    """A request to stop; a second one means at once."""

    def __init__(self) -> None:
        self.wanted = asyncio.Event()
        self.hurried = asyncio.Event()
        # What was edited, if the host stops only to restart.
        self.edited = ""
        self.heard_of_edit = threading.Event()

    def __call__(self) -> None:
        """Ask to stop for good."""
        (self.hurried if self.wanted.is_set() else self.wanted).set()
        self.edited = ""

    def after_an_edit(self, edited: str) -> None:
        """Ask for a restart, unless the host stops already."""
        self.heard_of_edit.set()
        if not self.wanted.is_set():
            self.edited = edited
            self.wanted.set()


async def serve(
    http: Server,
    app: App,
    sockets: Sockets,
    stop: StopRequest,
    announce: Callable[[], None],
) -> Sockets | None:
    """Serve until asked to stop, and then until what runs has ended or had its time.

    Returns the sockets on which callers wait, if the host restarts.
    """
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(LoopErrors())
    listening = sockets.listening
    listener = await loop.create_server(http, sock=listening, backlog=AT_ONCE)
    listening.listen(BACKLOG)
    for caller in sockets.callers:
        await loop.connect_accepted_socket(http, caller)
    announce()
    app.timers.start()
    watch_for_a_blocked_loop(app.invocations)
    await _first_of(stop.wanted, app.invocations.restart_needed)
    if app.invocations.restart_needed.is_set():
        await asyncio.sleep(LAST_WORDS)
        exit_stuck("a function outlived functionTimeout and cannot be ended")
    LOG.info("stopping")
    kept = await _detach(http, listening) if stop.edited else None
    listener.close()
    http.pre_shutdown()
    app.timers.stop()
    grace = EDIT_GRACE if stop.edited else STOP_GRACE
    await app.invocations.drain(grace, stop.hurried)
    await http.shutdown(1.0)
    await app.timers.close()
    return kept if stop.edited else None


async def _detach(http: Server, listening: socket.socket) -> Sockets:
    """Return the listening socket, and connections without a request so far."""
    kept = listening.dup()
    if sys.platform == "win32":
        return Sockets(kept)  # this process ends: see Restart.begin
    asyncio.get_running_loop().remove_reader(listening)
    await asyncio.sleep(ARRIVAL)
    return Sockets(kept, http.detach_idle())


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
