"""The data plane: every request ends in an answer, whatever it holds."""

import logging
import time

from aiohttp import web

from eventgrid_emulator.admin.api import Admin
from eventgrid_emulator.auth.callers import Callers
from eventgrid_emulator.auth.credentials import Access
from eventgrid_emulator.errors import Code, Refusal, bad_request, error_body
from eventgrid_emulator.http.refusal_log import RefusalLog
from eventgrid_emulator.http.responses import JSON_UTF8
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.operations import query_parameters
from eventgrid_emulator.operations.faults import Faults, inject
from eventgrid_emulator.operations.operations import Operations
from eventgrid_emulator.settings import Settings

LOCAL = "/_local"
COUNTED = {LOCAL, *(operation.value for operation in query_parameters.Operation)}

logger = logging.getLogger(__name__)


class Routes:
    """From a request to its answer, checked in the service's order."""

    def __init__(self, namespace: Namespace, settings: Settings) -> None:
        self._namespace = namespace
        self._access = Access(settings.keys, settings.check_token)
        self.faults = Faults()
        self._operations = Operations(
            namespace, self.faults, settings.throttle, settings.shortest_wait
        )
        self.requests: dict[tuple[str, int], int] = {}
        self._refusals = RefusalLog()
        self._callers = Callers(settings.names, settings.control_key)
        self.admin = Admin(namespace, self.faults, self._callers, self.requests)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        is_local = request.path == LOCAL or request.path.startswith(f"{LOCAL}/")
        try:
            answer = await (self.admin.handle if is_local else self._answer)(request)
        except Refusal as refusal:
            if refusal.code is not Code.TIMEOUT:
                self._refusals.add(request, refusal)
            answer = self._refuse(refusal)
        except RecursionError:
            answer = self._refuse(bad_request("The request body is nested too deep"))
        operation = LOCAL if is_local else request.path.rpartition(":")[2]
        kind = operation if operation in COUNTED else "none", answer.status
        self.requests[kind] = self.requests.get(kind, 0) + 1
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s %s: %d", request.method, request.path, answer.status)
        return answer

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self._callers.check(request)
        call = query_parameters.parse(request.raw_path)
        if call is None:
            raise Refusal(Code.NOT_FOUND, f"There is nothing at {request.path}")
        if request.method != "POST":
            raise Refusal(Code.METHOD_NOT_ALLOWED, "Every operation is a POST")
        # Credentials live by the machine's clock, not by the one that moves.
        self._access.check(request.headers, call.query, call.resource, time.time())
        query_parameters.check_api_version(call.query)
        self._operations.find(call.resource)
        fault = self.faults.draw(call)
        if fault is None:
            return await self._operations.run(request, call)
        return await inject(
            fault, request, lambda: self._operations.run(request, call, fault)
        )

    def _refuse(self, refusal: Refusal) -> web.StreamResponse:
        code = refusal.code
        clock = self._namespace.clock
        body = error_body(code, refusal.message, clock.to_machine_time(clock.now()))
        headers = {"broker-errorcode": code.text, "Content-Type": JSON_UTF8}
        headers |= refusal.headers
        if refusal.retry_after is not None:
            headers["Retry-After"] = str(refusal.retry_after)
        return web.Response(status=code.status, body=body, headers=headers)
