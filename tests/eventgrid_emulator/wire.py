"""Plain HTTP to a local namespace: what the wire tests are written with."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

from eventgrid_emulator import EmulatedNamespace
from eventgrid_emulator.auth.credentials import LOCAL_KEY

VERSION = {"api-version": "2024-06-01"}
TOPIC = "/topics/moderation-events"
ALL = f"{TOPIC}/eventsubscriptions/sub-all-events"
FLAGGED = f"{TOPIC}/eventsubscriptions/sub-flagged"
BATCH = "application/cloudevents-batch+json; charset=utf-8"
SINGLE = "application/cloudevents+json; charset=utf-8"
EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {}}

type Answer = tuple[int, dict[str, str], Any]


async def until(is_so: Callable[[], object], within: float = 5) -> None:
    """Wait until the condition holds; fail when it does not in time."""
    async with asyncio.timeout(within):
        while not is_so():  # noqa: ASYNC110  (not ours to signal)
            await asyncio.sleep(0.001)


class Wire:
    """A session that speaks the data plane without the SDK."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http

    async def post(
        self,
        path: str,
        body: Any = b"",
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Return status, headers and parsed body of the answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = headers or {}
        skip = [] if "Content-Type" in sent else ["Content-Type"]
        async with self.http.post(
            path,
            data=aiohttp.BytesPayload(data) if len(data) < 2**20 else _chunks(data),
            params=VERSION | (query or {}),
            headers=sent | {"Content-Length": str(len(data))},
            skip_auto_headers=skip,
        ) as answer:
            text = await answer.read()
            return answer.status, dict(answer.headers), json.loads(text)

    async def publish(self, *events: Any) -> Answer:
        """Publish a batch; return the answer."""
        return await self.post(
            f"{TOPIC}:publish", list(events), headers={"Content-Type": BATCH}
        )

    async def receive(self, count: int = 100, path: str = ALL) -> list[dict[str, Any]]:
        """Return the items of a receive that must succeed."""
        query = {"maxEvents": str(count), "maxWaitTime": "10"}
        status, _, body = await self.post(f"{path}:receive", query=query)
        assert status == 200, body
        value: list[dict[str, Any]] = body["value"]
        return value

    async def settle(
        self, verb: str, tokens: Any, path: str = ALL, **query: str
    ) -> Answer:
        """Return the answer to a settlement."""
        body = {"lockTokens": tokens}
        return await self.post(
            f"{path}:{verb}", body, query, {"Content-Type": "application/json"}
        )


@contextlib.asynccontextmanager
async def connected(endpoint: str) -> AsyncIterator[Wire]:
    """Speak to an emulator that has the key of its own."""
    headers = {"Authorization": f"SharedAccessKey {LOCAL_KEY}"}
    async with aiohttp.ClientSession(endpoint, headers=headers) as session:
        yield Wire(session)


@contextlib.asynccontextmanager
async def emulated(
    declared: Any = None, **options: Any
) -> AsyncIterator[tuple[EmulatedNamespace, Wire]]:
    """Start an emulator for the length of a block, and speak to it."""
    async with (
        EmulatedNamespace(declared, **options) as namespace,
        connected(namespace.endpoint) as wire,
    ):
        yield namespace, wire


def lock_tokens(found: list[dict[str, Any]]) -> list[str]:
    """Return the lock tokens of received items."""
    return [item["brokerProperties"]["lockToken"] for item in found]


async def _chunks(data: bytes) -> Any:
    yield data
