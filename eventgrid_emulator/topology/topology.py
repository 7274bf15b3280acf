"""The topology file: topics, event subscriptions, filters and limits, checked."""

import json
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventgrid_emulator.queue.entries import QueueLimits
from eventgrid_emulator.topology import bicep_snapshot, relaxed_json
from eventgrid_emulator.topology.checks import Part, TopologyError
from eventgrid_emulator.topology.filter_config import read_filters, warnings
from eventgrid_emulator.topology.filters import Filters

logger = logging.getLogger(__name__)

DAY = 86_400.0
DEFAULT = {"topic": "events", "eventSubscriptions": [{"name": "all"}]}
DEFAULT_CONTAINER = "dead-letters"
MAX_SUBSCRIPTIONS = 500
_NAME = re.compile(r"[a-zA-Z0-9-]{3,50}")
_NAMES = "3 to 50 letters, digits or hyphens"
_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")
_CONTAINERS = "3 to 63 lower-case letters, digits and single hyphens, or false for none"
# Azure accepts no weeks or fractions, and counts a month as 30 days.
_DURATION = re.compile(
    r"P(?=.)(?:(\d{1,9})D)?(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?",
    re.ASCII,
)
_SECONDS = (DAY, 3600.0, 60.0, 1.0)
_TOPIC_KEYS = (
    "topic",
    "eventRetentionInDays",
    "deadLetterContainer",
    "eventSubscriptions",
)
_SUBSCRIPTION_KEYS = (
    "name",
    "receiveLockDurationInSeconds",
    "maxDeliveryCount",
    "eventTimeToLive",
    "filtersConfiguration",
)


@dataclass(frozen=True, slots=True)
class EventSubscription:
    """A filtered queue on a topic."""

    name: str
    limits: QueueLimits
    filters: Filters


@dataclass(frozen=True, slots=True)
class DeclaredTopic:
    """Where events are published, with its event subscriptions."""

    name: str
    retention: float
    dead_letter_container: str | None
    subscriptions: tuple[EventSubscription, ...]


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything a namespace is declared to have."""

    topics: tuple[DeclaredTopic, ...]


def read(declared: Topology | Path | dict[str, Any] | None) -> Topology:
    """Return the topology of a file or dict; of None, a topic `events` with `all`."""
    match declared:
        case Topology():
            return declared
        case Path():
            return load(declared)
        case _:
            return parse(json.dumps(DEFAULT if declared is None else declared))


def load(path: Path) -> Topology:
    """Return the topology in a file; a problem names the file and the place in it."""
    try:
        topology = parse(path.read_bytes())
    except OSError as problem:
        raise TopologyError(
            f"{path} cannot be read: {problem.strerror or problem}"
        ) from None
    except TopologyError as problem:
        raise TopologyError(f"{path}: {problem}") from None
    listed = [item for topic in topology.topics for item in topic.subscriptions]
    for subscription in listed:
        for warning in warnings(subscription.filters):
            where = f"event subscription {subscription.name}"
            logger.warning("%s: %s: %s", path, where, warning)
    return topology


def parse(raw: bytes | str) -> Topology:
    """Return the topology in JSON: one topic, `{"topics": [...]}`, or a Bicep snapshot.

    Raises TopologyError, which names everything that is wrong.
    """
    try:
        document = relaxed_json.decode(raw.encode() if isinstance(raw, str) else raw)
    except ValueError as problem:
        raise TopologyError(f"not valid JSON: {problem}") from None
    if not isinstance(document, dict):
        raise TopologyError("a topology is a JSON object")
    if bicep_snapshot.PREDICTED in document:
        document = bicep_snapshot.read_topology(document)
    problems: list[str] = []
    items = [document]
    if "topics" in document:
        items = Part(document, "", ["topics"], problems).items("topics")
        if not items:
            problems.append("`topics` must be a list with at least one topic")
    topics = tuple(_topics(items, problems))
    if problems:
        raise TopologyError("; ".join(problems))
    return Topology(topics)


def document(topology: Topology) -> dict[str, Any]:
    """Return the topology as a file declares it, with every limit spelt out."""
    return {
        "topics": [
            {
                "topic": topic.name,
                "eventRetentionInDays": int(topic.retention // DAY),
                "deadLetterContainer": topic.dead_letter_container or False,
                "eventSubscriptions": list(map(_document, topic.subscriptions)),
            }
            for topic in topology.topics
        ]
    }


def _document(subscription: EventSubscription) -> dict[str, Any]:
    limits = subscription.limits
    return {
        "name": subscription.name,
        "receiveLockDurationInSeconds": int(limits.lock_duration),
        "maxDeliveryCount": limits.max_delivery_count,
        "eventTimeToLive": f"PT{limits.time_to_live:g}S",
        "filtersConfiguration": subscription.filters.document(),
    }


def parse_duration(text: Any) -> float | None:
    """Return the seconds of an ISO 8601 duration of days, hours, minutes and seconds."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    return sum(
        float(amount) * seconds
        for amount, seconds in zip(match.groups(), _SECONDS, strict=True)
        if amount
    )


def _topics(items: Sequence[Any], problems: list[str]) -> Iterator[DeclaredTopic]:
    names: set[str] = set()
    for item in items:
        if not isinstance(item, dict):
            problems.append("a topic is a JSON object")
            continue
        name = item.get("topic")
        where = f"topic {name}" if isinstance(name, str) and name else ""
        part = Part(item, where, _TOPIC_KEYS, problems)
        name = _name(part, "topic", names)
        days = part.integer("eventRetentionInDays", 1, 7, 7)
        container = None
        if part.get("deadLetterContainer") is not False:
            container = part.text(
                "deadLetterContainer", _CONTAINER, _CONTAINERS, DEFAULT_CONTAINER
            )
        listed = part.items("eventSubscriptions")
        if len(listed) > MAX_SUBSCRIPTIONS:
            part.wrong(f"`eventSubscriptions` may be at most {MAX_SUBSCRIPTIONS}")
        subscriptions = tuple(_subscriptions(listed, days * DAY, problems))
        yield DeclaredTopic(name, days * DAY, container, subscriptions)


def _subscriptions(
    items: Sequence[Any], retention: float, problems: list[str]
) -> Iterator[EventSubscription]:
    names: set[str] = set()
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            problems.append(f"`eventSubscriptions` {number} is not a JSON object")
            continue
        where = f"event subscription {item.get('name') or number}"
        part = Part(item, where, _SUBSCRIPTION_KEYS, problems)
        yield EventSubscription(
            _name(part, "name", names),
            _limits(part, retention),
            read_filters(part.get("filtersConfiguration"), where, problems),
        )


def _limits(part: Part, retention: float) -> QueueLimits:
    lock = part.integer("receiveLockDurationInSeconds", 60, 300, 60)
    count = part.integer("maxDeliveryCount", 1, 10, 10)
    text = part.get("eventTimeToLive")
    time_to_live = retention if text is None else parse_duration(text)
    where = f"`eventTimeToLive` is {text!r}; it must"
    if time_to_live is None:
        part.wrong(f"{where} be an ISO 8601 duration of days and less, such as P1D")
    elif time_to_live < 60:
        part.wrong(f"{where} be at least PT1M")
    elif time_to_live < lock:
        part.wrong(f"{where} not be shorter than the lock duration")
    elif time_to_live > retention:
        part.wrong(f"{where} not exceed the topic's eventRetentionInDays")
    return QueueLimits(float(lock), count, time_to_live or retention)


def _name(part: Part, key: str, taken: set[str]) -> str:
    """Return the name; one that was declared before, in whatever case, is wrong."""
    name = part.text(key, _NAME, _NAMES)
    if name and name.lower() in taken:
        part.wrong(f"{name} is declared twice")
    taken.add(name.lower())
    return name
