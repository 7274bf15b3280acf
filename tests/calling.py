"""The app's HTTP API in this process, over queues and logs in memory."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import azure.functions as func
import pytest

from console import dispatch, functions_adapter
from console.endpoints.app import health
from console.routes import ROUTES, Route
from eventgrid_pull.blob.append_log import InMemoryAppendLog, StoreUnavailable
from eventgrid_pull.event import Delivery
from eventgrid_pull.wire.http_retry import EventGridError
from moderation import events
from moderation.settings import Settings
from tests import make
from tests.make import NOW, InMemoryReceiver, a_lock_token
from tests.runtimes import InMemory, a_runtime

ROOT = Path(__file__).parents[1]
EXAMPLE: dict[str, str] = json.loads(
    (ROOT / "local.settings.json.example").read_text(encoding="utf-8")
)["Values"]


class Sink:
    """A topic that keeps what is published, and delivers it to event subscriptions.

    `fails` makes it refuse.
    """

    def __init__(self, *receivers: InMemoryReceiver) -> None:
        self.events: list[bytes] = []
        self.fails = False
        self._receivers = receivers

    async def publish(self, batch: Sequence[bytes]) -> None:
        if self.fails:
            raise EventGridError("Event Grid does not answer", transient=True)
        self.events += batch
        for receiver in self._receivers:
            receiver.batches.append(
                [Delivery(a_lock_token(), events.read(raw, 1)) for raw in batch]
            )

    async def close(self) -> None:
        """Nothing to close."""


class Receiver(InMemoryReceiver):
    """An event subscription that answers probes, too."""

    async def close(self) -> None:
        """Nothing to close."""

    async def probe(self) -> None:
        self._check("probe")


class Store(InMemoryAppendLog):
    """An append log; `fails` makes it refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        if self.fails:
            raise StoreUnavailable("storage does not answer")
        await super().append(name, now, lines)


class Answer:
    """An HTTP answer of the app."""

    def __init__(self, response: func.HttpResponse) -> None:
        self.status = response.status_code
        self.headers = dict(response.headers)
        self.body = response.get_body()

    @property
    def content_type(self) -> str:
        """As the caller is told."""
        return str(self.headers["Content-Type"])

    def json(self) -> Any:
        """Return the body, decoded."""
        return json.loads(self.body)


class Invocation:
    """What the host tells of an invocation besides its request."""

    def __init__(
        self, trace_parent: str | None = "", trace_state: str | None = ""
    ) -> None:
        self.trace_context = SimpleNamespace(
            trace_parent=trace_parent, trace_state=trace_state
        )


class Api:
    """Calls what the Functions host would call."""

    def __init__(self, patch: pytest.MonkeyPatch, **settings: str) -> None:
        declared = make.declared()
        self.store = Store()
        self.context = cast(func.Context, Invocation())
        self.receivers = {name: Receiver() for name in declared.names}
        self.sink = Sink(self.receivers["sub-flagged"])
        self.runtime = a_runtime(
            Settings.from_environ(EXAMPLE | settings, topic=declared.topic),
            declared,
            InMemory(self.sink, self.receivers),
            self.store,
        )
        for module in (dispatch, health):
            patch.setattr(module, "current", lambda: self.runtime)

    async def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to a call of `/api/<path>`."""
        address = f"http://127.0.0.1:7071/api/{path}"
        request = func.HttpRequest(
            method,
            address,
            headers={"host": urlsplit(address).netloc, **(headers or {})},
            params=dict(params or {}),
            route_params={"path": path},
            body=body,
        )
        route = route_of(method, path)
        if route is None:
            return Answer(await functions_adapter.page(request))
        return Answer(await functions_adapter.answer(route, request, self.context))

    async def actions(self) -> list[dict[str, Any]]:
        """Return what people did by hand, newest first."""
        await self.runtime.publishing.noted.flush(1)
        lines = self.store.newest("actions", since=NOW, until=NOW)
        return [json.loads(line) async for line in lines]


def route_of(method: str, path: str) -> Route | None:
    """Return the route that the host would choose; None for the catch-all."""
    found = (r for r in ROUTES if (r.method, r.path) == (method, path))
    return next(found, None)
