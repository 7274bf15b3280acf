"""The HTTP server of a namespace: opens a port, serves, closes."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from eventgrid_emulator.events.cloudevents import MAX_BODY

type Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

GRACE = 5.0
# Seconds after which a connection without a complete request head is closed.
KEEP_ALIVE = 75.0
ACCEPT_AGAIN_AFTER = 1.0
SILENT_FOR = 60.0

_NO_HTTP = (HttpProcessingError, web.RequestPayloadError)

logger = logging.getLogger(__name__)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    # Malformed HTTP gets its 400; a traceback for each would only fill the disk.
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not issubclass(kind, _NO_HTTP)


logger.addFilter(_is_worth_a_line)


class Server:
    """Serves one handler on one address."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._tls = tls
        self._server: web.Server | None = None
        self._listening: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._silent_until = 0.0
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Accept connections; `port` is the one that was opened."""
        self._listening = _listen(host, port)
        self.port = self._listening.getsockname()[1]
        self._server = web.Server(
            self._handler,
            request_factory=_request,
            handler_cancellation=True,
            access_log=None,
            logger=logger,
            keepalive_timeout=KEEP_ALIVE,
            auto_decompress=False,  # a compressed body is refused by its header
        )
        self._keep(self._accept_forever(self._listening, self._server))

    async def stop(self) -> None:
        """Finish the answers under way, then close every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listening is not None:
            self._listening.close()
        if self._server is not None:
            await asyncio.sleep(0)  # requests that have arrived begin
            self._server.pre_shutdown()
            await self._server.shutdown(GRACE)

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept_forever(
        self, listening: socket.socket, server: Callable[[], asyncio.Protocol]
    ) -> None:
        """Accept connections; without free descriptors, try again later.

        asyncio's own loop writes a traceback for each of `backlog` tries and schedules
        as many more, which fills a disk in minutes.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except ConnectionAbortedError:
                continue
            except OSError as problem:
                self._log_that_none_is_accepted(problem)
                await asyncio.sleep(ACCEPT_AGAIN_AFTER)
            else:
                self._keep(self._serve(connection, server))

    async def _serve(
        self, connection: socket.socket, server: Callable[[], asyncio.Protocol]
    ) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):  # a handshake that failed is its client's
            await loop.connect_accepted_socket(server, connection, ssl=self._tls)

    def _log_that_none_is_accepted(self, problem: OSError) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._silent_until:
            logger.error(
                "No connection can be accepted: %s. New ones wait until some close.",
                problem.strerror or problem,
            )
        self._silent_until = now + SILENT_FOR


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    socket.getaddrinfo(host, port)  # create_server hides the kind of this error
    listening = socket.create_server((host, port), family=family, backlog=512)
    listening.setblocking(False)
    return listening


def _request(
    message: Any, payload: Any, protocol: Any, writer: Any, task: Any
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY
    )
