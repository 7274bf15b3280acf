"""The six operations: from a checked call to what the namespace does."""

import math
import time
from dataclasses import dataclass

from aiohttp import web

from eventgrid_emulator.auth.credentials import Resource
from eventgrid_emulator.errors import TokenError
from eventgrid_emulator.events import content_modes
from eventgrid_emulator.http import request_body
from eventgrid_emulator.http.responses import JSON, JSON_UTF8, reply
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.namespace.subscription import Subscription
from eventgrid_emulator.operations import query_parameters, settlement
from eventgrid_emulator.operations.faults import Fault, Faults, Kind
from eventgrid_emulator.operations.query_parameters import Call, Operation
from eventgrid_emulator.operations.settlement import Settled
from eventgrid_emulator.operations.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Operations:
    """Publish, receive and the four settlements over one namespace."""

    namespace: Namespace
    faults: Faults
    throttle: Throttle
    shortest_wait: float | None

    def find(self, resource: Resource) -> None:
        """Raise a 404 when the topic or the event subscription does not exist."""
        if resource.subscription is None:
            self.namespace.topic(resource.topic)
        else:
            self.namespace.subscription(resource.topic, resource.subscription)

    async def run(
        self, request: web.BaseRequest, call: Call, fault: Fault | None = None
    ) -> web.Response:
        """Run a call that has passed every check; return its answer."""
        if call.operation is Operation.PUBLISH:
            return await self._publish(request, call, fault)
        if call.operation is Operation.RECEIVE:
            return await self._receive(call)
        return await self._settle(request, call, fault)

    async def _publish(
        self, request: web.BaseRequest, call: Call, fault: Fault | None
    ) -> web.Response:
        topic = self.namespace.topic(call.resource.topic)
        self.throttle.ingress.check(time.monotonic())
        body = await request_body.read(request)
        events = content_modes.read_request(
            request.headers.get("Content-Type"), request.headers.items(), body
        )
        self.throttle.ingress.take(len(events), len(body))
        if fault is not None and fault.kind is Kind.DUPLICATE:
            events = events * 2
        await self.namespace.publish(topic, events)
        return reply(b"{}", JSON)

    async def _receive(self, call: Call) -> web.Response:
        subscription = self._subscription(call)
        limit = query_parameters.max_events(call.query)
        longest = self._longest_wait(call)
        egress = self.throttle.egress
        egress.check(time.monotonic())
        body = await self.namespace.receive(subscription, limit, longest)
        egress.take(body.count(b'{"brokerProperties":'), len(body))
        return reply(body, JSON_UTF8)

    def _longest_wait(self, call: Call) -> float:
        """Return the seconds that an empty receive may take; tests may set fewer."""
        if self.shortest_wait is None:
            return query_parameters.max_wait_time(call.query)
        query_parameters.max_wait_time(call.query, math.ceil(self.shortest_wait))
        return self.shortest_wait

    async def _settle(
        self, request: web.BaseRequest, call: Call, fault: Fault | None
    ) -> web.Response:
        subscription = self._subscription(call)
        operation = call.operation
        is_release = operation is Operation.RELEASE
        delay = query_parameters.release_delay(call.query) if is_release else 0
        tokens = settlement.read_tokens(await request_body.read(request))
        self.throttle.settlements.check(time.monotonic())
        self.namespace.commits.check()
        failing: list[str] = []
        if fault is not None and fault.kind is Kind.TOKENS_FAIL:
            failing = self.faults.choose(tokens, fault.share)
            tokens = [token for token in tokens if token not in failing]
        settled = self._settle_tokens(subscription, operation, tokens, delay, fault)
        settled.failed += [(token, TokenError.INTERNAL) for token in failing]
        self.throttle.settlements.take(len(settled.succeeded))
        await self.namespace.commits.flush()
        return reply(settled.body(), JSON)

    def _settle_tokens(
        self,
        subscription: Subscription,
        operation: Operation,
        tokens: list[str],
        delay: int,
        fault: Fault | None,
    ) -> Settled:
        kind = fault.kind if fault is not None else None
        if kind is Kind.LOCK_LOST:
            settlement.lose_locks(self.namespace, subscription, tokens)
        if kind is Kind.DUPLICATE:
            return settlement.acknowledge_in_name_only(
                self.namespace, subscription, tokens
            )
        return settlement.settle(self.namespace, subscription, operation, tokens, delay)

    def _subscription(self, call: Call) -> Subscription:
        name = call.resource.subscription or ""
        return self.namespace.subscription(call.resource.topic, name)
