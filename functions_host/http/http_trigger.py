"""From an HTTP request to a function and back, as the Functions host carries them."""

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from aiohttp import HttpVersion11, web

from functions_host.http import request_target
from functions_host.worker_messages import RpcHttp, TypedData

EMPTY_STATUSES = frozenset({204, 304})
# The server sets these itself; a function's own are left out.
HOP_BY_HOP = frozenset({"transfer-encoding", "keep-alive"})


class InvalidResponse(Exception):
    """The function's answer cannot be sent over HTTP."""


def to_typed_data(
    request: web.BaseRequest,
    path: str,
    query: str,
    values: Mapping[str, str],
    body: bytes,
) -> TypedData:
    """Return what the function gets to see of the request."""
    return TypedData(
        http=RpcHttp(
            method=request.method,
            url=request_target.url(
                request.scheme, request.headers.get("Host", ""), path, query
            ),
            headers=_headers(request),
            query=request_target.parameters(query),
            params=dict(values),
            body=TypedData(bytes=body),
        )
    )


def to_response(request: web.BaseRequest, returned: Any) -> web.Response:
    """Return the HTTP answer for what the function returned, or raise InvalidResponse."""
    if returned is not None and (text := returned.string) is not None:
        return _response(
            request, 200, {"Content-Type": "text/plain; charset=utf-8"}, text.encode()
        )
    http = None if returned is None else returned.http
    if http is None or not str(http.status_code).isdecimal():
        raise InvalidResponse("the function returned nothing that HTTP can carry")
    status = int(http.status_code)
    if not 200 <= status <= 999:
        raise InvalidResponse(f"{status} is not a status that can end a request")
    response = _response(request, status, http.headers, http.body.bytes or b"")
    for cookie in http.cookies or ():
        response.headers.add("Set-Cookie", _cookie(cookie))
    return response


def _headers(request: web.BaseRequest) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    return joined


def _response(
    request: web.BaseRequest, status: int, headers: Mapping[str, str], body: bytes
) -> web.Response:
    sent = {k: v for k, v in headers.items() if k.lower() not in HOP_BY_HOP}
    for name, value in sent.items():
        if not all(" " <= c <= "~" or c == "\t" for c in name + value):
            raise InvalidResponse(
                f"header {name!r} contains what no header may contain"
            )
    response = web.Response(
        status=status, headers=sent, body=None if status in EMPTY_STATUSES else body
    )
    length = response.headers.get("Content-Length")
    if length is not None and length != str(len(body)) and request.method != "HEAD":
        # The function lied; the connection cannot be used again.
        response.force_close()
    elif length is None and body and request.version == HttpVersion11:
        response.enable_chunked_encoding()
    return response


def _cookie(cookie: Any) -> str:
    """Return the cookie, its attributes in the host's own order."""
    parts = [f"{cookie.name}={cookie.value}"]
    if cookie.expires is not None:
        parts.append(f"expires={formatdate(cookie.expires.value.seconds, usegmt=True)}")
    if cookie.max_age is not None:
        parts.append(f"max-age={int(cookie.max_age.value)}")
    for name, value in (("domain", cookie.domain), ("path", cookie.path)):
        if value is not None:
            parts.append(f"{name}={value.value}")
    if cookie.secure is not None and cookie.secure.value:
        parts.append("secure")
    if same_site := ("", "lax", "strict", "none")[cookie.same_site or 0]:
        parts.append(f"samesite={same_site}")
    if cookie.http_only is not None and cookie.http_only.value:
        parts.append("httponly")
    return "; ".join(parts)
