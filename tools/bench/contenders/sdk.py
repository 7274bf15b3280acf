"""The official SDK as its samples use it: receive, acknowledge the batch, go on."""

import contextlib
import functools
import uuid
from collections.abc import AsyncIterator
from typing import Any

from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridConsumerClient, EventGridPublisherClient

from tools.bench.contenders.contender import Place, Work
from tools.bench.load.events import event


@contextlib.asynccontextmanager
async def _receiving(place: Place, batch: int) -> AsyncIterator[Work]:
    client = EventGridConsumerClient(
        place.endpoint,
        AzureKeyCredential(place.key),
        namespace_topic=place.topic,
        subscription=place.subscription,
    )

    async def work(events: int) -> dict[str, Any]:
        left, high = events, 0
        while left > 0:
            deliveries = client.receive(max_events=batch, max_wait_time=10)
            for delivery in deliveries:
                data: Any = delivery.event.data
                high += data["severity"] == "high"
            tokens = [delivery.broker_properties.lock_token for delivery in deliveries]
            client.acknowledge(lock_tokens=tokens)
            left -= len(deliveries)
        return {"high": high}

    with client:
        yield work


receiving_by_100 = functools.partial(_receiving, batch=100)
receiving_by_10 = functools.partial(_receiving, batch=10)


@contextlib.asynccontextmanager
async def publishing_in_hundreds(place: Place) -> AsyncIterator[Work]:
    """Send a hundred events at a time, made beforehand."""
    made = [_cloud_event(event(number)) for number in range(100)]
    client = EventGridPublisherClient(
        place.endpoint, AzureKeyCredential(place.key), namespace_topic=place.topic
    )

    async def work(events: int) -> dict[str, Any]:
        for _ in range(events // 100):
            client.send(made)
        return {}

    with client:
        yield work


def _cloud_event(made: dict[str, Any]) -> CloudEvent[Any]:
    return CloudEvent.from_dict({**made, "id": str(uuid.uuid4())})
