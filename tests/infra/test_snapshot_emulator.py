"""What is deployed is what runs locally: the emulator starts from the plan of a deployment."""

import copy
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid.aio import EventGridConsumerClient, EventGridPublisherClient

from eventgrid_emulator.auth.credentials import LOCAL_KEY
from eventgrid_emulator.topology import bicep_snapshot, topology
from eventgrid_emulator.topology.checks import TopologyError
from tests.eventgrid_emulator import emulator_process
from tools import bicep
from tools.terminal import ROOT

PLAN = bicep.PLAN
TOPOLOGY = ROOT / "moderation" / "topology.json"
SAMPLES = ROOT / "moderation" / "samples" / "moderation_events.json"


@pytest.fixture
async def endpoint() -> AsyncIterator[str]:
    """Of an emulator that was started from the committed plan."""
    async with emulator_process.running("--topology", str(PLAN)) as emulator:
        yield emulator.endpoint


@pytest.fixture
def plan() -> Any:
    """The committed plan."""
    return json.loads(PLAN.read_text(encoding="utf-8"))


def subscriptions(plan: Any) -> list[Any]:
    """The event subscriptions of a plan."""
    kind = "Microsoft.EventGrid/namespaces/topics/eventSubscriptions"
    return [
        resource for resource in plan["predictedResources"] if resource["type"] == kind
    ]


def test_the_plan_is_the_topology() -> None:
    """Read from either, the emulator is the same."""
    assert topology.load(PLAN) == topology.load(TOPOLOGY)


async def test_an_emulator_from_the_plan_routes_the_samples(endpoint: str) -> None:
    """Five events: two flagged, two approved, all five for the audit."""
    key = AzureKeyCredential(LOCAL_KEY)
    declared = topology.load(PLAN).topics[0]
    publisher = EventGridPublisherClient(endpoint, key, namespace_topic=declared.name)
    async with publisher:
        await publisher.send(_samples())

    received = {}
    for subscription in declared.subscriptions:
        consumer = EventGridConsumerClient(
            endpoint, key, namespace_topic=declared.name, subscription=subscription.name
        )
        async with consumer:
            received[subscription.name] = len(
                await consumer.receive(max_events=100, max_wait_time=10)
            )

    assert received == {"sub-flagged": 2, "sub-approved": 2, "sub-all-events": 5}


def _samples() -> list[CloudEvent[Any]]:
    return [
        CloudEvent(
            source="/services/content-moderation",
            type=f"com.contoso.ai.{event['type']}",
            data=event,
        )
        for event in json.loads(SAMPLES.read_text(encoding="utf-8"))
    ]


def test_a_plan_without_a_topic_is_refused(tmp_path: Path) -> None:
    """With the file's name."""
    file = tmp_path / "other.snapshot.json"
    file.write_text('{"predictedResources": []}', encoding="utf-8")

    with pytest.raises(TopologyError, match="no topic of an Event Grid namespace"):
        topology.load(file)


def test_a_plan_that_is_cut_short_is_refused(plan: Any) -> None:
    """It says what is missing."""
    del subscriptions(plan)[2]["properties"]["deliveryConfiguration"]["queue"]

    with pytest.raises(TopologyError, match="not as bicep writes it: 'queue'"):
        topology.parse(json.dumps(plan))


def test_push_delivery_is_refused(plan: Any) -> None:
    """The emulator has no push."""
    subscriptions(plan)[0]["properties"]["deliveryConfiguration"]["deliveryMode"] = (
        "Push"
    )

    with pytest.raises(TopologyError, match="sub-flagged: only pull delivery"):
        bicep_snapshot.read_topology(plan)


def test_dead_letters_in_several_places_are_refused(plan: Any) -> None:
    """A local topic has one dead-letter container."""
    queue = subscriptions(plan)[1]["properties"]["deliveryConfiguration"]["queue"]
    queue["deadLetterDestinationWithResourceIdentity"] = None

    with pytest.raises(TopologyError, match="several places"):
        bicep_snapshot.read_topology(plan)


def test_event_subscriptions_belong_to_their_own_topic(plan: Any) -> None:
    """A plan may hold several topics."""
    kind = "Microsoft.EventGrid/namespaces/topics"
    [topic] = [
        resource for resource in plan["predictedResources"] if resource["type"] == kind
    ]
    another = copy.deepcopy(topic)
    another["name"] = f"{topic['name'].split('/')[0]}/another-topic"
    plan["predictedResources"].append(another)

    topics = bicep_snapshot.read_topology(plan)["topics"]

    assert [len(topic["eventSubscriptions"]) for topic in topics] == [3, 0]
