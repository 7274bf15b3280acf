"""The socket on which the host listens, and what happens when descriptors run out."""

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

if sys.platform != "win32":
    import resource

LOG = logging.getLogger("functions_host")
BACKLOG = 128
# Connections accepted at a time, which is also how often a failure is reported.
AT_ONCE = 1
PAUSE = 60.0
MANY = 10_240


@dataclass(frozen=True, slots=True)
class Sockets:
    """The listening socket, and those of connections without a request so far."""

    listening: socket.socket
    callers: Sequence[socket.socket] = ()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that holds the port, before anything answers on it."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
    listener.setsockopt(
        socket.SOL_SOCKET,
        # On Windows the other option would let two servers share the port.
        socket.SO_REUSEADDR if exclusive is None else exclusive,
        1,
    )
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def raise_descriptor_limit() -> None:
    """Let this process open as many files and connections as the system allows it."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS reports no limit and accepts none above its own.
    for wanted in (hard, MANY):
        if soft == resource.RLIM_INFINITY or 0 <= wanted <= soft:
            return
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return


class LoopErrors:
    """Logs errors of the loop; that no connection can be accepted, only once."""

    def __init__(self) -> None:
        self._last = -PAUSE

    def __call__(
        self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        """Log the error."""
        if "out of system resource" not in str(context.get("message")):
            loop.default_exception_handler(context)
            return
        now = loop.time()
        if now - self._last >= PAUSE:
            LOG.error(
                "no connection can be accepted (%s): the limit of open files is reached; "
                "callers wait until some are closed",
                context.get("exception"),
            )
        self._last = now
