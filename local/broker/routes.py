"""From an HTTP request to the namespace and back: one function per operation."""

import time

from aiohttp import web

from local.broker import content_modes, requests, settlement
from local.broker.access import Access
from local.broker.errors import Code, Refusal, error_body
from local.broker.events import MAX_BODY, too_large
from local.broker.inside import Inside
from local.broker.namespace import Namespace
from local.broker.replies import JSON, JSON_UTF8, reply
from local.broker.requests import Call, Operation
from local.broker.settlement import Verb

LOCAL = "/_local/"
_VERBS = {
    Operation.ACKNOWLEDGE: Verb.ACKNOWLEDGE,
    Operation.RELEASE: Verb.RELEASE,
    Operation.REJECT: Verb.REJECT,
    Operation.RENEW_LOCK: Verb.RENEW,
}


class Routes:
    """The data plane: every request ends in an answer, whatever it holds."""

    def __init__(self, namespace: Namespace, access: Access) -> None:
        self.namespace = namespace
        self._access = access
        self._inside = Inside(namespace)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request."""
        try:
            return await self._answer(request)
        except Refusal as refusal:
            return self._refuse(refusal.code, refusal.message)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        call = requests.parse(request.raw_path)
        if call is None and request.path.startswith(LOCAL):
            return await self._inside.handle(request)
        if call is None:
            raise Refusal(Code.NOT_FOUND, f"There is nothing at {request.path}")
        if request.method != "POST":
            raise Refusal(Code.METHOD_NOT_ALLOWED, "Every operation is a POST")
        # Credentials live by the machine's clock, not by the one that moves.
        self._access.check(request.headers, call.query, call.resource, time.time())
        requests.check_api_version(call.query)
        match call.operation:
            case Operation.PUBLISH:
                return await self._publish(request, call)
            case Operation.RECEIVE:
                return await self._receive(call)
            case _:
                return await self._settle(request, call)

    async def _publish(
        self, request: web.BaseRequest, call: Call
    ) -> web.StreamResponse:
        topic = self.namespace.topic(call.resource.topic)
        body = await _read(request)
        events = content_modes.read_request(
            request.headers.get("Content-Type"), request.headers.items(), body
        )
        await self.namespace.publish(topic, events)
        return reply(b"{}", JSON)

    async def _receive(self, call: Call) -> web.StreamResponse:
        resource = call.resource
        subscription = self.namespace.subscription(
            resource.topic, resource.subscription or ""
        )
        limit = requests.max_events(call.query)
        longest = requests.max_wait_time(call.query)
        return reply(
            await self.namespace.receive(subscription, limit, longest), JSON_UTF8
        )

    async def _settle(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        resource = call.resource
        subscription = self.namespace.subscription(
            resource.topic, resource.subscription or ""
        )
        verb = _VERBS[call.operation]
        delay = requests.release_delay(call.query) if verb is Verb.RELEASE else 0
        tokens = settlement.read_tokens(await _read(request))
        self.namespace.check()
        body = settlement.settle(self.namespace, subscription, verb, tokens, delay)
        await self.namespace.stored()
        return reply(body, JSON)

    def _refuse(self, code: Code, message: str) -> web.StreamResponse:
        body = error_body(code, message, self.namespace.clock.now())
        headers = {"broker-errorcode": code.text, "Content-Type": JSON_UTF8}
        return web.Response(status=code.status, body=body, headers=headers)


async def _read(request: web.BaseRequest) -> bytes:
    length = request.content_length
    if length is not None and length > MAX_BODY:
        raise too_large()
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large() from None
