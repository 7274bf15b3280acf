"""The part of the admin API that shows keys and sets them."""

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from functions_host.app import App
from functions_host.http.http_trigger import body_of
from functions_host.http.responses import bare, json_reply
from functions_host.keys import KeySet

HOST_KEYS = "/admin/host/(?:keys|functionkeys)"
FUNCTION_KEYS = "/admin/functions/([^/]+)/keys"


class AdminKeys:
    """Keys as documents with links to themselves."""

    def __init__(self, app: App) -> None:
        self._app = app

    def routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Method, path and answer of each call."""
        return [
            ("GET", "/admin/host/systemkeys/_master", self._master),
            ("GET", "/admin/host/systemkeys", self._system),
            ("GET", HOST_KEYS, self._host),
            ("PUT", HOST_KEYS + "/([^/]+)", self._set_host),
            ("GET", FUNCTION_KEYS, self._function),
            ("PUT", FUNCTION_KEYS + "/([^/]+)", self._set_function),
        ]

    async def _master(self, request: web.BaseRequest) -> web.Response:
        return _shown(request, "_master", self._app.keys.master)

    async def _system(self, request: web.BaseRequest) -> web.Response:
        return _listed(request, {})

    async def _host(self, request: web.BaseRequest) -> web.Response:
        return _listed(request, self._app.keys.host_keys())

    async def _function(self, request: web.BaseRequest, name: str) -> web.Response:
        if not self._app.function(name):
            return bare(404)
        return _listed(request, self._app.keys.function_keys(name))

    async def _set_host(self, request: web.BaseRequest, key: str) -> web.Response:
        return await self._set(request, self._app.keys.host_keys(), key)

    async def _set_function(
        self, request: web.BaseRequest, name: str, key: str
    ) -> web.Response:
        if not self._app.function(name):
            return bare(404)
        return await self._set(request, self._app.keys.function_keys(name), key)

    async def _set(
        self, request: web.BaseRequest, owner: KeySet, name: str
    ) -> web.Response:
        try:
            value = json.loads(await body_of(request) or b"{}").get("value")
        except (ValueError, AttributeError):
            return bare(400)
        new = self._app.keys.set(owner, name, value and str(value))
        return _shown(request, name, owner[name], status=201 if new else 200)


def _here(request: web.BaseRequest) -> str:
    return f"{request.scheme}://{request.host}{request.path}"


def _links(request: web.BaseRequest) -> dict[str, object]:
    return {"links": [{"rel": "self", "href": _here(request)}]}


def _listed(request: web.BaseRequest, keys: KeySet) -> web.Response:
    listed = [{"name": name, "value": value} for name, value in keys.items()]
    return json_reply({"keys": listed} | _links(request))


def _shown(
    request: web.BaseRequest, name: str, value: str, status: int = 200
) -> web.Response:
    headers = {"Location": _here(request)} if status == 201 else None
    key: dict[str, object] = {"name": name, "value": value}
    return json_reply(key | _links(request), status, headers)
