"""What the broker answers under `/_local/`, which is ours and not the service's."""

import msgspec
from aiohttp import web

from local.broker import metrics
from local.broker.errors import Code, Refusal
from local.broker.namespace import Namespace
from local.broker.replies import JSON, reply


class Inside:
    """The paths under `/_local/`; only health is answered to other machines."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request below `/_local/`."""
        if request.path == "/_local/health":
            return self._health()
        if request.path == "/_local/metrics":
            return reply(metrics.render(self._namespace), metrics.CONTENT_TYPE)
        raise Refusal(Code.NOT_FOUND, f"There is nothing at {request.path}")

    def _health(self) -> web.StreamResponse:
        failure = self._namespace.failure
        if failure is None:
            return reply(b'{"status":"ok"}', JSON)
        body = msgspec.json.encode({"status": "failing", "problem": failure})
        return reply(body, JSON, status=503)
