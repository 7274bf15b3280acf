"""The HTTP server: the way from a request to its function."""

import asyncio
import logging
import socket

from aiohttp import web

from functions_host.admin.api import Admin
from functions_host.app import App
from functions_host.functions import AuthLevel
from functions_host.http import cors, refusals, request_target
from functions_host.http.host_names import HostNames
from functions_host.http.http_trigger import (
    InvalidResponse,
    to_response,
    to_typed_data,
)
from functions_host.http.request_body import BodyIncomplete, BodyTooSlow, body_of
from functions_host.http.request_target import BadTarget
from functions_host.http.responses import bare, root_page
from functions_host.http.router import Route
from functions_host.keys import Access
from functions_host.worker import FunctionFailed

LOG = logging.getLogger("functions_host")
# Time for the head of a request, and between two requests.
PATIENCE = 30.0
# One that is disabled costs nothing; the parameter cannot be None.
NO_LOG = logging.getLogger("functions_host.access")
NO_LOG.disabled = True


class Connection(web.RequestHandler):
    """Answers malformed HTTP with a status and nothing else."""

    # Whether some of a request has come, and its function has not begun.
    has_heard = False

    @property
    def is_quiet(self) -> bool:
        """Return whether its caller has not even begun to send a request."""
        return not (self.has_heard or self._request_in_progress)

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request."""
        self.has_heard = True
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return a bare answer, after which the connection is closed."""
        if status == 500:
            LOG.error("the host could not answer", exc_info=exc)
        return refusals.of_invalid_http(exc, status)


class Server(web.Server):
    """Takes connections and hands each request to the function it is for."""

    def __init__(self, app: App, names: HostNames, policy: cors.Policy | None) -> None:
        super().__init__(self._handle)
        self._app = app
        self._admin = Admin(app)
        self._names = names
        self._cors = policy

    def __call__(self) -> web.RequestHandler:
        """Return the handler of one connection."""
        return Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=NO_LOG,
            # A function gets the body as it was sent, compressed or not.
            auto_decompress=False,
            keepalive_timeout=PATIENCE,
            max_line_size=refusals.MAX_TARGET,
            max_field_size=refusals.MAX_HEADERS,
            max_headers=refusals.MAX_FIELDS,
        )

    def detach_idle(self) -> list[socket.socket]:
        """Return the sockets of connections without a request; serve them no more."""
        kept = []
        for connection, transport in list(self._connections.items()):
            if transport.is_closing():
                continue  # its caller has gone
            if isinstance(connection, Connection) and connection.is_quiet:
                kept.append(transport.get_extra_info("socket").dup())
                transport.abort()
        return kept

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, Connection):
            request.protocol.has_heard = False
        try:
            response = await self._answer(request)
        except (BadTarget, BodyIncomplete):
            response = refusals.closing(400)
        except BodyTooSlow:
            response = refusals.closing(408)
        response.headers["Server"] = "functions_host"
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if refusal := refusals.of_request(request, self._names):
            return refusal
        path, query = request_target.split(request.raw_path)
        if path == "/":
            return bare(500) if request.method == "CONNECT" else root_page()
        if f"{path.lower()}/".startswith("/admin/"):
            return await self._admin.answer(request, path, self._key(request, query))
        if self._cors and cors.is_preflight(request):
            return self._cors.add_headers(request, bare(204))
        if self._app.broken:
            return bare(503)
        response = await self._call_function(request, path, query)
        return self._cors.add_headers(request, response) if self._cors else response

    async def _call_function(
        self, request: web.BaseRequest, path: str, query: str
    ) -> web.Response:
        match = self._app.router.find(request.method, path)
        if not match:
            return bare(404)
        route, values = match
        if not self._may_call(route, self._key(request, query)):
            return bare(401)
        body = await body_of(request)
        value = to_typed_data(request, path, query, values, body)
        try:
            returned = await self._app.invocations.run(route.function, value)
            return to_response(request, returned)
        except FunctionFailed:
            return bare(500)
        except InvalidResponse as error:
            LOG.error("%s", error, extra={"function": route.function.name})
            return bare(500)

    def _may_call(self, route: Route, key: str | None) -> bool:
        level = route.trigger.auth_level
        if not self._app.auth or level is AuthLevel.ANONYMOUS:
            return True
        access = self._app.keys.access(key, route.function.name)
        if level is AuthLevel.ADMIN:
            return access is Access.MASTER
        return access is not Access.NONE

    def _key(self, request: web.BaseRequest, query: str) -> str | None:
        """Return the key that the caller sends: the header's, else that of `?code=`."""
        if not self._app.auth:
            return None
        header = request.headers.get("x-functions-key")
        return header or request_target.parameters(query).get("code")
