"""The topology file: topics, event subscriptions, filters and limits, checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from local.broker import snapshot
from local.broker.entries import QueueLimits
from local.broker.filter_rules import read_filters
from local.broker.filters import Filters
from local.broker.problems import TopologyError, check_keys, integer

DAY = 86_400.0
DEFAULT_CONTAINER = "dead-letters"
MAX_SUBSCRIPTIONS = 500
_NAME = re.compile(r"[a-zA-Z0-9-]{3,50}")
_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")
_DURATION = re.compile(
    r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_SECONDS = (7 * DAY, DAY, 3600.0, 60.0, 1.0)
_TOPIC_KEYS = {
    "topic",
    "eventRetentionInDays",
    "deadLetterContainer",
    "eventSubscriptions",
}
_SUBSCRIPTION_KEYS = {
    "name",
    "receiveLockDurationInSeconds",
    "maxDeliveryCount",
    "eventTimeToLive",
    "filtersConfiguration",
}


@dataclass(frozen=True, slots=True)
class EventSubscription:
    """A filtered queue on a topic."""

    name: str
    limits: QueueLimits
    filters: Filters


@dataclass(frozen=True, slots=True)
class Topic:
    """Where events are published, with its event subscriptions."""

    name: str
    retention: float
    dead_letter_container: str | None
    subscriptions: tuple[EventSubscription, ...]


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything a namespace is declared to have."""

    topics: tuple[Topic, ...]


def load(path: Path) -> Topology:
    """The topology in a file; a problem names the file and the place in it."""
    try:
        return parse(path.read_bytes())
    except OSError as problem:
        raise TopologyError(
            f"{path} cannot be read: {problem.strerror or problem}"
        ) from None
    except TopologyError as problem:
        raise TopologyError(f"{path}: {problem}") from None


def parse(text: bytes | str) -> Topology:
    """The topology in this JSON: one topic, `{"topics": [...]}`, or a Bicep snapshot."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise TopologyError(f"not valid JSON: {problem}") from None
    if not isinstance(document, dict):
        raise TopologyError("a topology is a JSON object")
    if snapshot.PREDICTED in document:
        document = snapshot.declared(document)
    items = document.get("topics", [document])
    if not isinstance(items, list) or not items:
        raise TopologyError("`topics` must be a list with at least one topic")
    topics = tuple(_topic(item) for item in items)
    _check_unique([topic.name for topic in topics], "topic")
    return Topology(topics)


def parse_duration(text: Any, where: str) -> float:
    """The seconds of an ISO 8601 duration of weeks, days, hours, minutes and seconds."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        raise TopologyError(
            f"{where}: {text!r} is not an ISO 8601 duration such as P1D"
        )
    return sum(
        float(amount) * seconds
        for amount, seconds in zip(match.groups(), _SECONDS, strict=True)
        if amount
    )


def _topic(item: Any) -> Topic:
    if not isinstance(item, dict):
        raise TopologyError("a topic is a JSON object")
    name = _name(item.get("topic"), "`topic`")
    where = f"topic {name}"
    check_keys(item, _TOPIC_KEYS, where)
    days = integer(item, "eventRetentionInDays", (1, 7), 7, where)
    container = _container(item.get("deadLetterContainer", DEFAULT_CONTAINER), where)
    listed = item.get("eventSubscriptions", [])
    if not isinstance(listed, list) or len(listed) > MAX_SUBSCRIPTIONS:
        raise TopologyError(
            f"{where}: `eventSubscriptions` must be a list of at most {MAX_SUBSCRIPTIONS}"
        )
    subscriptions = tuple(_subscription(entry, days * DAY) for entry in listed)
    _check_unique([each.name for each in subscriptions], "event subscription")
    return Topic(name, days * DAY, container, subscriptions)


def _subscription(item: Any, retention: float) -> EventSubscription:
    if not isinstance(item, dict):
        raise TopologyError("an event subscription is a JSON object")
    name = _name(item.get("name"), "`name` of an event subscription")
    where = f"event subscription {name}"
    check_keys(item, _SUBSCRIPTION_KEYS, where)
    limits = _limits(item, retention, where)
    return EventSubscription(
        name, limits, read_filters(item.get("filtersConfiguration"), where)
    )


def _limits(item: Mapping[str, Any], retention: float, where: str) -> QueueLimits:
    lock = integer(item, "receiveLockDurationInSeconds", (60, 300), 60, where)
    count = integer(item, "maxDeliveryCount", (1, 10), 10, where)
    text = item.get("eventTimeToLive")
    place = f"{where}: `eventTimeToLive`"
    time_to_live = retention if text is None else parse_duration(text, place)
    if time_to_live < 60:
        raise TopologyError(f"{place} must be at least PT1M")
    if time_to_live < lock:
        raise TopologyError(f"{place} must not be shorter than the lock duration")
    if time_to_live > retention:
        raise TopologyError(f"{place} must not exceed the topic's eventRetentionInDays")
    return QueueLimits(float(lock), count, time_to_live)


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise TopologyError(
            f"{what} is {value!r}; it must be 3 to 50 letters, digits or hyphens"
        )
    return value


def _container(value: Any, where: str) -> str | None:
    if value is None or (isinstance(value, str) and _CONTAINER.fullmatch(value)):
        return value
    raise TopologyError(
        f"{where}: `deadLetterContainer` is {value!r}; it must be null or 3 to 63"
        " lower-case letters, digits and single hyphens"
    )


def _check_unique(names: list[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise TopologyError(f"{what} {name} is declared twice")
        seen.add(name.lower())
