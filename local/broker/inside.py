"""What the broker answers under `/_local/`, which is ours and not the service's."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from local.broker import bodies, events, explain, metrics
from local.broker.callers import Callers, is_loopback
from local.broker.errors import Code, Refusal, bad_request
from local.broker.faults import Faults, Plan
from local.broker.namespace import Namespace
from local.broker.replies import JSON, reply

LONGEST_MOVE = 366 * 86_400.0
LAST_MOMENT = 253_000_000_000.0  # late in the year 9987; times end with 9999
_WEB = Path(__file__).parent / "web"
_PAGE = {
    "": ("page.html", "text/html; charset=utf-8"),
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}

type Handler = Callable[[web.BaseRequest], Awaitable[web.Response]]


class Inside:
    """The paths under `/_local/`; only health is answered to other machines."""

    def __init__(self, namespace: Namespace, faults: Faults, callers: Callers) -> None:
        self._namespace = namespace
        self._callers = callers
        self._faults = faults
        self._handlers: dict[tuple[str, str], Handler] = {
            ("GET", "/metrics"): self._metrics,
            ("GET", "/subscriptions"): self._subscriptions,
            ("GET", "/clock"): self._clock,
            ("POST", "/clock"): self._move_clock,
            ("GET", "/faults"): self._list_faults,
            ("POST", "/faults"): self._switch_faults,
            ("DELETE", "/faults"): self._switch_off,
            ("GET", "/events"): self._history,
            ("POST", "/explain"): self._explain,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request below `/_local/`."""
        path = request.path.removeprefix("/_local")
        method = "GET" if request.method == "HEAD" else request.method
        if path == "/health" and method == "GET":
            return self._health()
        _check_peer(request)
        self._callers.check(request)
        if path in _PAGE and method == "GET":
            return _file(*_PAGE[path])
        handler = self._handlers.get((method, path))
        if handler is not None:
            return await handler(request)
        if any(path == known for _, known in self._handlers):
            raise Refusal(
                Code.METHOD_NOT_ALLOWED, f"{method} is not for {request.path}"
            )
        raise Refusal(Code.NOT_FOUND, f"There is nothing at {request.path}")

    def _health(self) -> web.Response:
        failure = self._namespace.commits.failure
        if failure is None:
            return reply(b'{"status":"ok"}', JSON)
        return _json({"status": "failing", "problem": failure}, status=503)

    async def _metrics(self, request: web.BaseRequest) -> web.Response:
        return reply(metrics.render(self._namespace), metrics.CONTENT_TYPE)

    async def _subscriptions(self, request: web.BaseRequest) -> web.Response:
        return _json(explain.overview(self._namespace))

    async def _clock(self, request: web.BaseRequest) -> web.Response:
        return _json(explain.clock(self._namespace.clock))

    async def _move_clock(self, request: web.BaseRequest) -> web.Response:
        asked = await _read(request, dict[str, Any])
        seconds = asked.get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise bad_request('Send {"advance": <seconds>}')
        if not 0 <= seconds <= LONGEST_MOVE:
            raise bad_request("`advance` is a number of seconds from 0 to 366 days")
        if self._namespace.clock.now() + seconds > LAST_MOMENT:
            raise bad_request("`advance` would leave the calendar behind")
        await self._namespace.advance(float(seconds))
        return _json(explain.clock(self._namespace.clock))

    async def _list_faults(self, request: web.BaseRequest) -> web.Response:
        return reply(self._faults.report(), JSON)

    async def _switch_faults(self, request: web.BaseRequest) -> web.Response:
        self._faults.switch(await _read(request, Plan))
        return reply(self._faults.report(), JSON)

    async def _switch_off(self, request: web.BaseRequest) -> web.Response:
        self._faults.switch(Plan([]))
        return reply(self._faults.report(), JSON)

    async def _history(self, request: web.BaseRequest) -> web.Response:
        event_id = request.query.get("id")
        if not event_id:
            raise bad_request("Say which event: /_local/events?id=<id>")
        return _json({"id": event_id, "steps": self._namespace.history.of(event_id)})

    async def _explain(self, request: web.BaseRequest) -> web.Response:
        event = await _read(request, dict[str, Any])
        told = explain.explain(self._namespace, events.as_stored(event))
        return _json(told | {"problem": events.problem_of(event)})


def _check_peer(request: web.BaseRequest) -> None:
    peer = request.transport and request.transport.get_extra_info("peername")
    address = str(peer[0]).partition("%")[0] if peer else ""
    if not is_loopback(address):
        raise Refusal(Code.FORBIDDEN, "/_local answers on the loopback address only")


async def _read[T](request: web.BaseRequest, kind: type[T]) -> T:
    body = await bodies.read(request)
    events.check_mark(body)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise bad_request(f"The request body cannot be used: {problem}") from None


def _json(value: Any, status: int = 200) -> web.Response:
    return reply(msgspec.json.encode(value), JSON, status)


def _file(name: str, content_type: str) -> web.Response:
    headers = _HEADERS | {"Content-Type": content_type}
    return web.Response(body=(_WEB / name).read_bytes(), headers=headers)
