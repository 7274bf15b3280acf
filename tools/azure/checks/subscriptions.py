"""The topic and its event subscriptions against topology.json."""

from collections.abc import Iterator

from moderation.topology_file import seconds
from tools.azure.checks.resources import DEPLOY
from tools.azure.deployment import Deployment, Json, declared, dig
from tools.azure.finding import Finding, Level

DEAD_LETTER = "deadLetterDestinationWithResourceIdentity"
LIMITS = ("receiveLockDurationInSeconds", "maxDeliveryCount")
WHOLE = (
    f"{DEPLOY}; a change by hand has to send the whole `queue` block, because "
    "a PATCH replaces it"
)


def check(actual: Deployment) -> Iterator[Finding]:
    """Yield what differs from the topology that ships with the app."""
    if actual.namespace is None or not actual.was_answered("event_subscriptions"):
        return
    shape = declared()
    topics = {topic["name"]: topic for topic in actual.topics}
    if shape["topic"] not in topics:
        yield Finding(f"topic {shape['topic']}", "is not there", DEPLOY)
        return
    yield from _topic(topics[shape["topic"]], shape)
    there = {
        subscription["name"]: subscription
        for subscription in actual.event_subscriptions
    }
    for subscription in shape["eventSubscriptions"]:
        where = f"event subscription {subscription['name']}"
        if subscription["name"] not in there:
            problem = "is not there: its events are not kept"
            yield Finding(where, problem, DEPLOY)
            continue
        properties = there.pop(subscription["name"])["properties"]
        yield from _filters(where, subscription, properties)
        yield from _limits(where, subscription, properties)
        yield from _dead_letters(
            where, shape["deadLetterContainer"], properties, actual
        )
    yield from (_unknown(name, actual) for name in there)


def _topic(topic: Json, shape: Json) -> Iterator[Finding]:
    days = dig(topic, "properties", "eventRetentionInDays")
    if days != shape["eventRetentionInDays"]:
        wanted = shape["eventRetentionInDays"]
        problem = f"keeps events for {days} days, topology.json says {wanted}"
        yield Finding(f"topic {topic['name']}", problem, DEPLOY)


def _unknown(name: str, actual: Deployment) -> Finding:
    return Finding(
        f"event subscription {name}",
        "is not in topology.json: nobody drains it, and its events are dead-lettered",
        "add it to moderation/topology.json with a handler, or delete it: `az eventgrid "
        f"namespace topic event-subscription delete --name {name} --topic-name "
        f"{declared()['topic']} --namespace-name {dig(actual.namespace, 'name')} "
        f"--resource-group {actual.group}`",
        Level.LOOK,
    )


def _filters(where: str, wanted: Json, properties: Json) -> Iterator[Finding]:
    types, filters = _normal(dig(properties, "filtersConfiguration"))
    wanted_types, wanted_filters = _normal(wanted["filtersConfiguration"])
    if types != wanted_types:
        yield Finding(
            where,
            f"takes {_types(types)}, topology.json says {_types(wanted_types)}",
            DEPLOY,
        )
    if filters != wanted_filters:
        problem = f"filters with {filters}, topology.json says {wanted_filters}"
        yield Finding(where, problem, DEPLOY)


def _normal(filters: Json | None) -> tuple[list[str], list[str]]:
    """Return types and filters in one order: absent, null and [] say the same."""
    content = filters or {}
    types = sorted(content.get("includedEventTypes") or [])
    clauses = (str(sorted(clause.items())) for clause in content.get("filters") or [])
    return types, sorted(clauses)


def _types(types: list[str]) -> str:
    return " and ".join(types) if types else "every type"


def _limits(where: str, wanted: Json, properties: Json) -> Iterator[Finding]:
    if dig(properties, "deliveryConfiguration", "deliveryMode") != "Queue":
        yield Finding(where, "is no queue: nothing can be pulled from it", DEPLOY)
        return
    queue = dig(properties, "deliveryConfiguration", "queue") or {}
    for name in LIMITS:
        if queue.get(name) != wanted[name]:
            problem = f"{name} is {queue.get(name)}, topology.json says {wanted[name]}"
            yield Finding(where, problem, WHOLE)
    lives, expected = queue.get("eventTimeToLive"), wanted["eventTimeToLive"]
    if seconds(str(lives)) != seconds(expected):  # P1D and PT24H are the same
        problem = f"eventTimeToLive is {lives}, topology.json says {expected}"
        yield Finding(where, problem, WHOLE)


def _dead_letters(
    where: str, container: str, properties: Json, actual: Deployment
) -> Iterator[Finding]:
    block = dig(properties, "deliveryConfiguration", "queue", DEAD_LETTER)
    if not block:
        yield Finding(
            where,
            "has no dead-letter location: rejected and worn-out events are dropped",
            WHOLE,
        )
        return
    destination = dig(block, "deadLetterDestination", "properties") or {}
    if destination.get("blobContainerName") != container:
        problem = f"dead-letters to {destination.get('blobContainerName')}, not to {container}"
        yield Finding(where, problem, WHOLE)
    account = str(destination.get("resourceId"))
    known = {resource["id"].lower() for resource in actual.resources}
    if account.lower() not in known:
        problem = f"dead-letters to an account outside of the group: {account}"
        yield Finding(where, problem, WHOLE, Level.LOOK)
