"""What is behind the endpoint: the emulator, or a real namespace on request.

With EVENTGRID_ENDPOINT set, the data-plane suite runs against that namespace. It needs a
topic (EVENTGRID_TOPIC_NAME) with an event subscription without filters
(EVENTGRID_SUBSCRIPTION_NAME), and EVENTGRID_KEY or an identity that may send and receive.
"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.eventgrid.aio import EventGridConsumerClient, EventGridPublisherClient
from azure.identity.aio import DefaultAzureCredential

from eventgrid_emulator import EmulatedNamespace
from tests.eventgrid_emulator.wire import Wire, connected, until

TOPOLOGY = Path(__file__).parents[1] / "topology.json"


@dataclass(frozen=True, slots=True)
class Behind:
    """An endpoint with a topic and an event subscription that takes every event."""

    endpoint: str
    key: str
    topic: str
    subscription: str
    local: EmulatedNamespace | None

    @property
    def credential(self) -> AzureKeyCredential | DefaultAzureCredential:
        """Return the key, or without one the identity of whoever runs the tests."""
        return AzureKeyCredential(self.key) if self.key else DefaultAzureCredential()

    async def advance(self, seconds: float) -> None:
        """Let time pass; skip the test against the real service."""
        if self.local is None:
            pytest.skip("the service's clock cannot be moved")
        await self.local.advance(seconds)

    async def receiver_waits(self) -> None:
        """Wait for a receive to be under way, which the real service does not show."""
        if self.local is None:
            return
        subscription = self.local.app.namespace.subscription(
            self.topic, self.subscription
        )
        await until(subscription.next_waiter)


@pytest.fixture
async def namespace() -> AsyncIterator[EmulatedNamespace]:
    """Start a namespace of its own for each test."""
    async with EmulatedNamespace(TOPOLOGY) as made:
        yield made


@pytest.fixture
async def behind() -> AsyncIterator[Behind]:
    """Give the emulator, or the namespace that EVENTGRID_ENDPOINT names."""
    endpoint = os.environ.get("EVENTGRID_ENDPOINT")
    if endpoint:
        topic = os.environ.get("EVENTGRID_TOPIC_NAME", "moderation-events")
        name = os.environ.get("EVENTGRID_SUBSCRIPTION_NAME", "sub-all-events")
        key = os.environ.get("EVENTGRID_KEY", "")
        yield Behind(endpoint, key, topic, name, None)
        return
    async with EmulatedNamespace(TOPOLOGY) as made:
        yield Behind(
            made.endpoint, made.key, "moderation-events", "sub-all-events", made
        )


@pytest.fixture
async def publisher(behind: Behind) -> AsyncIterator[EventGridPublisherClient]:
    """Open the SDK's publisher for the topic."""
    async with EventGridPublisherClient(
        behind.endpoint, behind.credential, namespace_topic=behind.topic
    ) as client:
        yield client


@pytest.fixture
async def consumer(behind: Behind) -> AsyncIterator[EventGridConsumerClient]:
    """Open the SDK's consumer for the event subscription, which is empty at first."""
    async with EventGridConsumerClient(
        behind.endpoint,
        behind.credential,
        namespace_topic=behind.topic,
        subscription=behind.subscription,
    ) as client:
        if behind.local is None:
            await drain(client)
        yield client


@pytest.fixture
async def wire(namespace: EmulatedNamespace) -> AsyncIterator[Wire]:
    """Speak plain HTTP to the namespace, with the key."""
    async with connected(namespace.endpoint) as made:
        yield made


async def drain(client: EventGridConsumerClient) -> None:
    """Take what an earlier test has left."""
    while found := await client.receive(max_events=100, max_wait_time=10):
        tokens = [detail.broker_properties.lock_token for detail in found]
        await client.acknowledge(lock_tokens=tokens)
