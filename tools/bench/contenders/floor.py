"""The least that receiving can cost here: aiohttp and msgspec, and nothing else.

No credentials but a key, no retries, no tracing; one bad event fails its batch.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import aiohttp
import msgspec

from tools.bench.contenders.contender import Place, Work

VERSION = "api-version=2024-06-01"


class Data(msgspec.Struct, rename="camel"):
    """The payload of a moderation event."""

    content_id: str
    content_type: str
    model_name: str
    model_version: str
    confidence: float
    category: str
    severity: str
    review_required: bool
    timestamp: datetime | None = None


class Event(msgspec.Struct):
    """A CloudEvent."""

    id: str
    source: str
    type: str
    specversion: str
    data: Data
    subject: str | None = None
    time: datetime | None = None
    datacontenttype: str | None = None


class BrokerProperties(msgspec.Struct, rename="camel"):
    """What settles the event."""

    lock_token: str
    delivery_count: int


class Item(msgspec.Struct, rename="camel"):
    """One delivery."""

    broker_properties: BrokerProperties
    event: Event


class Received(msgspec.Struct):
    """The answer to a receive."""

    value: list[Item]


class Settled(msgspec.Struct, rename="camel"):
    """The answer to an acknowledge."""

    succeeded_lock_tokens: list[str]
    failed_lock_tokens: list[Any]


@contextlib.asynccontextmanager
async def receiving(place: Place) -> AsyncIterator[Work]:
    """Receive and acknowledge by the hundred, and read the failed tokens."""
    path = f"/topics/{place.topic}/eventsubscriptions/{place.subscription}"
    receive = f"{path}:receive?{VERSION}&maxEvents=100&maxWaitTime=10"
    acknowledge = f"{path}:acknowledge?{VERSION}"
    headers = {
        "Authorization": f"SharedAccessKey {place.key}",
        "Content-Type": "application/json",
    }
    received, settled = msgspec.json.Decoder(Received), msgspec.json.Decoder(Settled)

    async def post(target: str, body: bytes) -> bytes:
        async with session.post(target, data=body) as answer:
            answer.raise_for_status()
            return await answer.read()

    async def work(events: int) -> dict[str, Any]:
        left, high = events, 0
        while left > 0:
            items = received.decode(await post(receive, b"")).value
            for item in items:
                high += item.event.data.severity == "high"
            tokens = [item.broker_properties.lock_token for item in items]
            body = msgspec.json.encode({"lockTokens": tokens})
            if settled.decode(await post(acknowledge, body)).failed_lock_tokens:
                raise SystemExit("Event Grid did not settle all tokens")
            left -= len(items)
        return {"high": high}

    async with aiohttp.ClientSession(place.endpoint, headers=headers) as session:
        yield work
