"""The HTTP server: limits, refusals, and the way from a request to its function."""

import asyncio
import logging
import socket

from aiohttp import web

from local.host import target
from local.host.admin import Admin
from local.host.app import App
from local.host.functions import AuthLevel
from local.host.http_trigger import (
    BadAnswer,
    BodyLost,
    body_of,
    to_response,
    typed_request,
)
from local.host.keys import Access
from local.host.replies import bare
from local.host.router import Route
from local.host.target import BadTarget
from local.host.worker import FunctionFailed

LOG = logging.getLogger("local.host")
MAX_TARGET = 8 * 1024
MAX_HEADERS = 32 * 1024
MAX_BODY = 104_857_600
# One that is disabled costs nothing; the parameter cannot be None.
NO_LOG = logging.getLogger("local.host.access")
NO_LOG.disabled = True
ROOT_PAGE = (
    "<!doctype html><title>Functions host</title><p>The Functions host is up.</p>"
)


class Connection(web.RequestHandler):
    """Refuses what is no HTTP with a status and nothing else."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A bare answer, after which the connection is closed."""
        if status == 500:
            LOG.error("the host could not answer", exc_info=exc)
        return _closing(_too_long(exc) or status)


class Server(web.Server):
    """Takes connections and hands each request to the function it is for."""

    def __init__(self, app: App) -> None:
        super().__init__(self._handle)
        self._app = app
        self._admin = Admin(app)

    def __call__(self) -> web.RequestHandler:
        """The handler of one connection."""
        return Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=NO_LOG,
            # What a function gets is what was sent, packed or not.
            auto_decompress=False,
            max_line_size=MAX_TARGET,
            max_field_size=MAX_HEADERS,
        )

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            response = await self._answer(request)
        except (BadTarget, BodyLost):
            response = _closing(400)
        response.headers["Server"] = "local.host"
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if refusal := _refused(request):
            return refusal
        path, query = target.split(request.raw_path)
        if path == "/" and request.method in {"GET", "HEAD"}:
            return web.Response(text=ROOT_PAGE, content_type="text/html")
        if f"{path.lower()}/".startswith("/admin/"):
            return await self._admin.answer(request, path, self._key(request, query))
        if self._app.broken:
            return bare(503)
        return await self._from_function(request, path, query)

    async def _from_function(
        self, request: web.BaseRequest, path: str, query: str
    ) -> web.Response:
        found = self._app.router.find(request.method, path)
        if not found:
            return bare(404)
        route, values = found
        if not self._may_call(route, self._key(request, query)):
            return bare(401)
        body = await body_of(request)
        value = typed_request(request, path, query, values, body)
        try:
            returned = await self._app.invocations.run(route.function, value)
            return to_response(request, returned)
        except FunctionFailed:
            return bare(500)
        except BadAnswer as error:
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
        """The key that the caller shows: the header's, else that of `?code=`."""
        if not self._app.auth:
            return None
        header = request.headers.get("x-functions-key")
        return header or target.parameters(query).get("code")


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that holds the port, before anything answers on it."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
    taken.setsockopt(
        socket.SOL_SOCKET,
        # On Windows the other option would let two servers share the port.
        socket.SO_REUSEADDR if exclusive is None else exclusive,
        1,
    )
    try:
        taken.bind((host, port))
        taken.listen(128)
    except OSError:
        taken.close()
        raise
    return taken


def _refused(request: web.BaseRequest) -> web.Response | None:
    """What the host refuses before it looks for a function."""
    if len(request.headers.getall("Host", ())) != 1:
        return _closing(400)
    if len(request.raw_path) > MAX_TARGET:
        return _closing(414)
    size = sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
    if size > MAX_HEADERS:
        return _closing(431)
    if (request.content_length or 0) > MAX_BODY:
        return _closing(500)
    return None


def _too_long(error: BaseException | None) -> int | None:
    """414 or 431 if that is why the parser gave up."""
    text = str(error)
    if "more than" not in text:
        return None
    return 414 if f"more than {MAX_TARGET}" in text else 431


def _closing(status: int) -> web.Response:
    response = bare(status)
    response.force_close()
    return response
