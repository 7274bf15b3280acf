"""The emulator's own API under `/_local/`, which the service does not have."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from eventgrid_emulator.admin import explain, metrics, openapi
from eventgrid_emulator.admin.controls import Controls, Place, Wait
from eventgrid_emulator.auth.callers import Callers
from eventgrid_emulator.errors import Code, Refusal, bad_request, unsupported
from eventgrid_emulator.events import cloudevents
from eventgrid_emulator.http import request_body
from eventgrid_emulator.http.responses import JSON, json_reply, reply
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.operations.faults import Faults, Plan
from eventgrid_emulator.topology import topology
from eventgrid_emulator.topology.checks import TopologyError
from eventgrid_emulator.version import VERSION

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_WEB = Path(__file__).parent / "page"
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


class Admin:
    """The paths under `/_local/`; other machines get health, and with the control key all."""

    def __init__(
        self,
        namespace: Namespace,
        faults: Faults,
        callers: Callers,
        requests: Mapping[tuple[str, int], int],
    ) -> None:
        self._namespace = namespace
        self._callers = callers
        self._faults = faults
        self._requests = requests
        self.controls = Controls(namespace, faults, namespace.topology)
        self.handlers: dict[tuple[str, str], Handler] = {
            ("POST", "/reset"): self._reset,
            ("GET", "/topology"): self._topology,
            ("PUT", "/topology"): self._declare,
            ("GET", "/deadletters"): self._dead_letters,
            ("POST", "/wait"): self._wait,
            ("GET", "/metrics"): self._metrics,
            ("GET", "/subscriptions"): self._subscriptions,
            ("GET", "/clock"): self._clock,
            ("POST", "/clock"): self._move_clock,
            ("GET", "/faults"): self._handle_faults,
            ("POST", "/faults"): self._handle_faults,
            ("DELETE", "/faults"): self._handle_faults,
            ("GET", "/events"): self._history,
            ("POST", "/explain"): self._explain,
            ("GET", "/openapi.json"): self._openapi,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request below `/_local/`."""
        path = request.path.removeprefix("/_local")
        method = "GET" if request.method == "HEAD" else request.method
        if path == "/health" and method == "GET":
            return self._health()
        self._callers.check_control(request)
        self._callers.check(request)
        if path in _PAGE and method == "GET":
            name, content_type = _PAGE[path]
            headers = _HEADERS | {"Content-Type": content_type}
            return web.Response(body=(_WEB / name).read_bytes(), headers=headers)
        handler = self.handlers.get((method, path))
        if handler is not None:
            return await handler(request)
        if any(path == known for _, known in self.handlers):
            raise Refusal(
                Code.METHOD_NOT_ALLOWED, f"{method} is not for {request.path}"
            )
        raise Refusal(Code.NOT_FOUND, f"There is nothing at {request.path}")

    def _health(self) -> web.Response:
        failure = self._namespace.commits.failure
        if failure is None:
            return json_reply({"status": "ok"})
        return json_reply({"status": "failing", "problem": failure}, status=503)

    async def _reset(self, request: web.BaseRequest) -> web.Response:
        await self.controls.reset(await _read(request, Place, default=Place()))
        return json_reply({"status": "reset"})

    async def _topology(self, request: web.BaseRequest) -> web.Response:
        return json_reply(topology.document(self._namespace.topology))

    async def _declare(self, request: web.BaseRequest) -> web.Response:
        try:
            declared = topology.parse(await request_body.read(request))
        except TopologyError as problem:
            raise bad_request(f"The topology in use is kept: {problem}") from None
        await self._namespace.reload(declared)
        if request.query.get("default") == "true":
            self.controls.declared = declared
        return json_reply(topology.document(declared))

    async def _dead_letters(self, request: web.BaseRequest) -> web.Response:
        listed = await self.controls.dead_letters(_place(request))
        return reply(b'{"deadLetters":[%b]}' % b",".join(listed), JSON)

    async def _wait(self, request: web.BaseRequest) -> web.Response:
        wanted = await _read(request, Wait, default=Wait())
        reached, held = await self.controls.wait(wanted)
        if reached:
            return json_reply({"events": held})
        message = f"waited {wanted.seconds:g} s for {wanted.events} events, got {held}"
        raise Refusal(Code.TIMEOUT, message)

    async def _metrics(self, request: web.BaseRequest) -> web.Response:
        return reply(
            metrics.render(self._namespace, self._requests), metrics.CONTENT_TYPE
        )

    async def _subscriptions(self, request: web.BaseRequest) -> web.Response:
        return json_reply(explain.overview(self._namespace))

    async def _clock(self, request: web.BaseRequest) -> web.Response:
        return json_reply(explain.describe_clock(self._namespace.clock))

    async def _move_clock(self, request: web.BaseRequest) -> web.Response:
        body = await _read(request, dict[str, Any])
        await self.controls.advance(body.get("advance"))
        return json_reply(explain.describe_clock(self._namespace.clock))

    async def _handle_faults(self, request: web.BaseRequest) -> web.Response:
        if request.method == "POST":
            self._faults.switch(await _read(request, Plan))
        elif request.method == "DELETE":
            self._faults.switch(Plan([]))
        return json_reply(self._faults.report())

    async def _history(self, request: web.BaseRequest) -> web.Response:
        event_id = request.query.get("id")
        if not event_id:
            held = self.controls.events(_place(request))
            return reply(b'{"events":[%b]}' % b",".join(held), JSON)
        steps = self._namespace.history.find(
            event_id, self._namespace.clock.to_machine_time
        )
        return json_reply({"id": event_id, "steps": steps})

    async def _openapi(self, request: web.BaseRequest) -> web.Response:
        return json_reply(openapi.document(VERSION))

    async def _explain(self, request: web.BaseRequest) -> web.Response:
        event = await _read(request, dict[str, Any])
        answer = explain.explain(self._namespace, cloudevents.as_stored(event))
        problem = None
        try:
            cloudevents.read_event(event)
        except Refusal as refusal:
            problem = refusal.message
        return json_reply(answer | {"problem": problem})


def _place(request: web.BaseRequest) -> Place:
    return Place(request.query.get("topic"), request.query.get("subscription"))


async def _read[T](
    request: web.BaseRequest, kind: type[T], *, default: T | None = None
) -> T:
    """Return the JSON body as that kind; without one the default, if there is one."""
    body = await request_body.read(request)
    cloudevents.refuse_byte_order_mark(body)
    if not body and default is not None:
        if request.content_type in FORMS:  # a page can send one to any site
            raise unsupported("A web form is not supported; send JSON, or no body")
        return default
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise bad_request(f"The request body cannot be used: {problem}") from None
