"""The admin API: the host's state, its functions, and runs by hand."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from functions_host.app import App
from functions_host.functions import Function, HttpTrigger, is_disabled
from functions_host.http.http_trigger import body_of
from functions_host.http.responses import bare, json_reply
from functions_host.keys import Access
from functions_host.worker import FunctionFailed
from functions_host.worker_messages import TypedData

JSON_TYPES = {"application/json", "text/json"}
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
            ("GET", "/admin/functions", self._functions),
            ("GET", "/admin/functions/([^/]+)", self._function),
            ("GET", "/admin/functions/([^/]+)/status", self._function_status),
            ("POST", "/admin/functions/([^/]+)", self._run),
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
            reply: web.Response = await answer(request, *match.groups())
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

    async def _functions(self, request: web.BaseRequest) -> web.Response:
        functions = self._app.functions.values()
        return json_reply([self._describe(function, request) for function in functions])

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
        if request.content_type not in JSON_TYPES:
            return bare(415)
        text = _input(await body_of(request))
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


def _input(body: bytes) -> str | None:
    """Return the `input` of a run by hand, empty if none; None for an invalid body."""
    try:
        document = json.loads(body.decode())
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    given = document.get("input")
    return "" if given is None else given if isinstance(given, str) else None
