"""The HTTP server of a namespace: opens a port, serves, closes."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from local.broker.events import MAX_BODY

type Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

GRACE = 5.0

_NO_HTTP = (HttpProcessingError, web.RequestPayloadError)

logger = logging.getLogger(__name__)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    # What is no HTTP has its 400 already; a traceback for each would only fill the disk.
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not issubclass(kind, _NO_HTTP)


logger.addFilter(_is_worth_a_line)


class Server:
    """Serves one handler on one address."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._tls = tls
        self._runner: web.ServerRunner | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Connections are accepted; `port` is the one that was opened."""
        server = web.Server(
            self._handler,
            request_factory=_request,
            handler_cancellation=True,
            access_log=None,
            logger=logger,
            keepalive_timeout=75.0,
            auto_decompress=False,  # a packed body is refused by its header
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=GRACE)
        await self._runner.setup()
        listening = _listen(host, port)
        self.port = listening.getsockname()[1]
        site = web.SockSite(self._runner, listening, ssl_context=self._tls, backlog=512)
        await site.start()

    async def stop(self) -> None:
        """Answers under way are finished, then every connection is closed."""
        if self._runner is not None:
            await self._runner.cleanup()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=512)


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY
    )
