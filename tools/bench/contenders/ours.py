"""The app's own way to Event Grid, without what it does with the events."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from azure.core.credentials import AzureKeyCredential

from eventgrid_pull.event import Event
from eventgrid_pull.publishing import publish
from eventgrid_pull.wire.client import Namespace
from moderation import events
from moderation.events import ContentFlagged, Severity
from tools.bench.contenders.contender import Place, Work
from tools.bench.load.events import clock, event


@contextlib.asynccontextmanager
async def receiving(place: Place) -> AsyncIterator[Work]:
    """Receive and acknowledge by the hundred, and read the failed tokens."""
    client = Namespace(place.endpoint, AzureKeyCredential(place.key))
    subscription = client.subscription(place.topic, place.subscription, events.read)

    async def work(count: int) -> dict[str, Any]:
        left, high = count, 0
        while left > 0:
            deliveries = await subscription.receive(100, 10, within=60)
            for delivery in deliveries:
                payload = (
                    delivery.event.data if isinstance(delivery.event, Event) else None
                )
                if isinstance(payload, ContentFlagged):
                    high += payload.severity is Severity.HIGH
            tokens = [delivery.lock_token for delivery in deliveries]
            if (await subscription.acknowledge(tokens)).failed:
                raise SystemExit("Event Grid did not settle all tokens")
            left -= len(deliveries)
        return {"high": high}

    try:
        yield work
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def publishing_in_hundreds(place: Place) -> AsyncIterator[Work]:
    """Publish a hundred events at a time, as the app does after it has read them."""
    made = [event(number) for number in range(100)]
    client = Namespace(place.endpoint, AzureKeyCredential(place.key))
    topic = client.topic(place.topic)

    async def work(events: int) -> dict[str, Any]:
        for _ in range(events // 100):
            published = await publish.publish(made, topic, clock())
            if published.failure is not None:
                raise published.failure
        return {}

    try:
        yield work
    finally:
        await client.close()
