"""Serving an app until the host is told to stop, and stopping in order."""

import asyncio
import logging
import socket
from collections.abc import Callable

from local.host.app import App
from local.host.invocations import exit_stuck, watch_for_a_blocked_loop
from local.host.server import Server

LOG = logging.getLogger("local.host")
STOP_GRACE = 10.0
# What the answer to a call that timed out gets to reach its caller.
LAST_WORDS = 0.3


class StopRequest:
    """The wish to stop; a second one means at once."""

    def __init__(self) -> None:
        self.wanted = asyncio.Event()
        self.hurried = asyncio.Event()

    def __call__(self) -> None:
        """Ask to stop."""
        (self.hurried if self.wanted.is_set() else self.wanted).set()


async def serve(
    app: App, listening: socket.socket, stop: StopRequest, announce: Callable[[], None]
) -> None:
    """Serve until told to stop, and then until what runs has ended or had its time."""
    http = Server(app)
    listener = await asyncio.get_running_loop().create_server(http, sock=listening)
    announce()
    app.timers.start()
    watch_for_a_blocked_loop(app.invocations)
    await _first_of(stop.wanted, app.invocations.restart_needed)
    if app.invocations.restart_needed.is_set():
        await asyncio.sleep(LAST_WORDS)
        exit_stuck("a function outlived functionTimeout and cannot be ended")
    LOG.info("stopping")
    listener.close()
    http.pre_shutdown()
    app.timers.stop()
    await app.invocations.drain(STOP_GRACE, stop.hurried)
    await http.shutdown(1.0)
    await app.timers.close()


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
