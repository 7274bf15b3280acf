"""The admin API: state, functions, runs by hand, keys."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from functions_host.admin.keys_api import AdminKeys
from functions_host.app import App
from functions_host.functions import Function, HttpTrigger, is_disabled
from functions_host.http.request_body import body_of
from functions_host.http.responses import bare, json_reply
from functions_host.keys import Access
from functions_host.worker import FunctionFailed
from functions_host.worker_messages import TypedData

JSON_TYPES = {"application/json", "text/json"}
CHARSETS = {"utf-8": "utf-8", "utf-16": "utf-16-le"}
NO_CACHE = {"Cache-Control": "no-store,no-cache", "Pragma": "no-cache"}


class Admin:
    """Answers requests below /admin."""

    def __init__(self, app: App) -> None:
        self._app = app
        # Runs by hand outlive the request that asked for them.
        self._runs: set[asyncio.Task[None]] = set()
        routes: list[tuple[str, str, Callable[..., Any]]] = [
            ("GET", "/admin/host/status", self._host_status),
            ("GET|POST", "/admin/host/ping", self._ping),
            ("GET", "/admin/host/config", self._config),
            ("GET", "/admin/host/drain/status", self._drain_status),
            ("GET", "/admin/warmup", self._warmup),
            ("GET", "/admin/functions", self._functions),
            ("GET", "/admin/functions/(?P<name>[^/]+)", self._function),
            ("GET", "/admin/functions/(?P<name>[^/]+)/status", self._function_status),
            ("POST", "/admin/functions/(?P<name>[^/]+)", self._run),
            ("PUT", "/admin/functions/(?P<name>[^/]+)", self._write),
            ("DELETE", "/admin/functions/(?P<name>[^/]+)", self._remove),
            *AdminKeys(app).routes(),
        ]
        self._routes = [
            (methods.split("|"), re.compile(pattern, re.IGNORECASE), answer)
            for methods, pattern, answer in routes
        ]

    async def answer(
        self, request: web.BaseRequest, path: str, key: str | None
    ) -> web.Response:
        """Return the answer, or the bare refusal."""
        for methods, pattern, answer in self._routes:
            match = pattern.fullmatch(path.rstrip("/"))
            if not match or request.method not in methods:
                continue
            if answer != self._ping and (refusal := self._refusal(key)):
                return refusal
            if self._app.broken and answer != self._host_status:
                return bare(503)
            reply: web.Response = await answer(request, **match.groupdict())
            return reply
        return bare(404)

    def _refusal(self, key: str | None) -> web.Response | None:
        if not self._app.auth:
            return None
        match self._app.keys.access(key):
            case Access.MASTER:
                return None
            case Access.FUNCTION:
                return bare(403)
            case Access.NONE:
                return bare(401, {"WWW-Authenticate": "Bearer"})

    async def _host_status(self, _request: web.BaseRequest) -> web.Response:
        return json_reply(self._app.status())

    async def _ping(self, _request: web.BaseRequest) -> web.Response:
        return bare(200, NO_CACHE)

    async def _warmup(self, _request: web.BaseRequest) -> web.Response:
        return bare(200)

    async def _config(self, _request: web.BaseRequest) -> web.Response:
        prefix = self._app.settings.route_prefix
        response = web.Response(text=json.dumps(_config(prefix), indent=2))
        response.enable_chunked_encoding()
        return response

    async def _drain_status(self, _request: web.BaseRequest) -> web.Response:
        return json_reply(
            {
                "state": "Disabled",
                "outstandingInvocations": self._app.invocations.count,
                "outstandingRetries": 0,
            }
        )

    async def _functions(self, request: web.BaseRequest) -> web.Response:
        every = self._app.functions.values()
        return json_reply([self._describe(function, request) for function in every])

    async def _function(self, request: web.BaseRequest, name: str) -> web.Response:
        function = self._app.function(name)
        return json_reply(self._describe(function, request)) if function else bare(404)

    async def _function_status(
        self, _request: web.BaseRequest, name: str
    ) -> web.Response:
        if not (function := self._app.function(name)):
            return bare(404)
        errors = self._app.function_errors(function)
        return json_reply({"errors": errors} if errors else {})

    async def _run(self, request: web.BaseRequest, name: str) -> web.Response:
        if refusal := _not_json(request):
            return refusal
        text = _input(await body_of(request), _encoding(request))
        if text is None:
            return bare(400)
        if not (function := self._app.function(name)):
            return bare(404)
        value = self._app.manual_input(function, text)
        if value is None:
            return bare(400)
        run = asyncio.create_task(self._invoke(function, value))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        return bare(202)

    async def _write(self, request: web.BaseRequest, name: str) -> web.Response:
        """Refuse to write a function: the app's folder is its developer's."""
        return _not_json(request) or bare(400)

    async def _remove(self, _request: web.BaseRequest, name: str) -> web.Response:
        """Answer as the host does, and remove nothing."""
        return bare(204 if self._app.function(name) else 404)

    async def _invoke(self, function: Function, value: TypedData) -> None:
        try:
            await self._app.invocations.run(function, value)
        except FunctionFailed:
            return  # it is in the log; the caller was answered long ago

    def _describe(self, function: Function, request: web.BaseRequest) -> dict[str, Any]:
        base = f"{request.scheme}://{request.host}"
        prefix = f"{base}/{self._app.router.prefix}".rstrip("/")
        trigger = function.trigger
        return {
            "name": function.name,
            "href": f"{base}/admin/functions/{function.name}",
            "invoke_url_template": (
                f"{prefix}/{trigger.route}"
                if isinstance(trigger, HttpTrigger)
                else None
            ),
            "language": "python",
            "config": {
                "name": function.name,
                "entryPoint": function.name,
                "scriptFile": function.script_file,
                "language": "python",
                "bindings": list(function.bindings),
            },
            "isDisabled": is_disabled(function.name, self._app.environ),
            "isDirect": True,
            "isProxy": False,
        }


def _not_json(request: web.BaseRequest) -> web.Response | None:
    """Return the refusal of a body that does not say that it is JSON."""
    if request.content_type.startswith("multipart/"):
        return bare(400)
    is_json = request.content_type in JSON_TYPES and _encoding(request)
    return None if is_json else bare(415)


def _encoding(request: web.BaseRequest) -> str:
    """Return the encoding of a JSON body, empty for one that the host does not know."""
    return CHARSETS.get((request.charset or "utf-8").strip('"').lower(), "")


def _input(body: bytes, encoding: str) -> str | None:
    """Return the `input` of a run by hand, empty if none; None for a wrong body."""
    try:
        document = json.loads(body.decode(encoding))
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    given = document.get("input")
    return "" if given is None else given if isinstance(given, str) else None


def _config(prefix: str) -> dict[str, Any]:
    """Return what the host shows for a host.json; only the prefix is acted on."""
    return {
        "extensions": {
            "http": {
                "dynamicThrottlesEnabled": False,
                "enableChunkedRequestBinding": False,
                "maxConcurrentRequests": -1,
                "maxOutstandingRequests": -1,
                "routePrefix": prefix,
            }
        },
        "concurrency": {
            "dynamicConcurrencyEnabled": False,
            "maximumFunctionConcurrency": 500,
            "cpuThreshold": 0.8,
            "snapshotPersistenceEnabled": True,
        },
    }
