"""A deployment as `bicep snapshot` predicts it, read as the topology that it deploys."""

from collections.abc import Mapping
from typing import Any

from eventgrid_emulator.topology.checks import TopologyError

PREDICTED = "predictedResources"
TOPIC = "microsoft.eventgrid/namespaces/topics"
SUBSCRIPTION = f"{TOPIC}/eventsubscriptions"


def read_topology(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the topics of a plan, in the shape of a topology file.

    Raises TopologyError when it has none, or what an emulator cannot be.
    """
    resources = plan[PREDICTED]
    if not isinstance(resources, list):
        raise TopologyError(f"`{PREDICTED}` must be a list")
    try:
        topics = [
            _topic(resource, resources)
            for resource in resources
            if _is_a(resource, TOPIC)
        ]
    except (KeyError, TypeError, AttributeError) as missing:
        raise TopologyError(
            f"a plan that is not as bicep writes it: {missing}"
        ) from None
    if not topics:
        raise TopologyError("this deployment has no topic of an Event Grid namespace")
    return {"topics": topics}


def _is_a(resource: Any, kind: str) -> bool:
    return isinstance(resource, dict) and str(resource.get("type")).lower() == kind


def _topic(resource: dict[str, Any], resources: list[Any]) -> dict[str, Any]:
    full_name = str(resource.get("name"))
    subscriptions = [
        candidate
        for candidate in resources
        if _is_a(candidate, SUBSCRIPTION)
        and str(candidate.get("name")).rpartition("/")[0] == full_name
    ]
    return {
        "topic": full_name.rpartition("/")[2],
        "eventRetentionInDays": _of(resource, "eventRetentionInDays"),
        "deadLetterContainer": _container(subscriptions, full_name),
        "eventSubscriptions": list(map(_subscription, subscriptions)),
    }


def _subscription(resource: dict[str, Any]) -> dict[str, Any]:
    name = str(resource["name"]).rpartition("/")[2]
    delivery = _of(resource, "deliveryConfiguration")
    if delivery.get("deliveryMode") != "Queue":
        raise TopologyError(f"event subscription {name}: only pull delivery is local")
    queue = delivery["queue"]
    return {
        "name": name,
        "receiveLockDurationInSeconds": queue["receiveLockDurationInSeconds"],
        "maxDeliveryCount": queue["maxDeliveryCount"],
        "eventTimeToLive": queue["eventTimeToLive"],
        "filtersConfiguration": _of(resource, "filtersConfiguration"),
    }


def _container(subscriptions: list[dict[str, Any]], topic: str) -> Any:
    queues = [_of(item, "deliveryConfiguration")["queue"] for item in subscriptions]
    containers = {
        destination["deadLetterDestination"]["properties"]["blobContainerName"]
        if (destination := queue.get("deadLetterDestinationWithResourceIdentity"))
        else False
        for queue in queues
    }
    if len(containers) > 1:
        raise TopologyError(f"topic {topic}: its dead letters go to several places")
    return containers.pop() if containers else False


def _of(resource: dict[str, Any], name: str) -> Any:
    return resource["properties"][name]
