"""The part of the admin API that shows keys and sets them."""

import json
from typing import Any

from aiohttp import web

from functions_host.app import App
from functions_host.http.request_body import body_of
from functions_host.http.responses import bare, json_reply
from functions_host.keys import KeySet

HOST_KEYS = "/admin/host/(?:keys|functionkeys)"
FUNCTION_KEYS = "/admin/functions/(?P<name>[^/]+)/keys"
KEY = "/(?P<key>[^/]+)"


class AdminKeys:
    """Keys as documents with links to themselves."""

    def __init__(self, app: App) -> None:
        self._app = app

    def routes(self) -> list[tuple[str, str, Any]]:
        """Return method, path and handler of each call."""
        return [
            ("GET", "/admin/host/systemkeys/_master", self._master),
            ("GET", "/admin/host/systemkeys", self._system),
            ("GET", HOST_KEYS, self._list),
            ("PUT", HOST_KEYS + KEY, self._set),
            ("GET", FUNCTION_KEYS, self._list),
            ("PUT", FUNCTION_KEYS + KEY, self._set),
        ]

    async def _master(self, request: web.BaseRequest) -> web.Response:
        return _one_key(request, "_master", self._app.keys.master)

    async def _system(self, request: web.BaseRequest) -> web.Response:
        return _all_keys(request, {})

    async def _list(self, request: web.BaseRequest, name: str = "") -> web.Response:
        keys = self._keys_of(name)
        return bare(404) if keys is None else _all_keys(request, keys)

    async def _set(
        self, request: web.BaseRequest, key: str, name: str = ""
    ) -> web.Response:
        keys = self._keys_of(name)
        if keys is None:
            return bare(404)
        try:
            value = json.loads(await body_of(request) or b"{}").get("value")
        except (ValueError, AttributeError):
            return bare(400)
        new = self._app.keys.set(keys, key, value and str(value))
        return _one_key(request, key, keys[key], status=201 if new else 200)

    def _keys_of(self, function: str) -> KeySet | None:
        """Return the function's keys, the host's without a name; None if unknown."""
        if not function:
            return self._app.keys.host_keys()
        known = self._app.function(function)
        return self._app.keys.function_keys(function) if known else None


def _address(request: web.BaseRequest) -> str:
    return f"{request.scheme}://{request.host}{request.path}"


def _links(request: web.BaseRequest) -> dict[str, object]:
    return {"links": [{"rel": "self", "href": _address(request)}]}


def _all_keys(request: web.BaseRequest, keys: KeySet) -> web.Response:
    listed = [{"name": name, "value": value} for name, value in keys.items()]
    return json_reply({"keys": listed} | _links(request))


def _one_key(
    request: web.BaseRequest, name: str, value: str, status: int = 200
) -> web.Response:
    headers = {"Location": _address(request)} if status == 201 else None
    key: dict[str, object] = {"name": name, "value": value}
    return json_reply(key | _links(request), status, headers)
