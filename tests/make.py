"""Builders of moderation events with sensible defaults, and what all tests build with."""

import json
from pathlib import Path
from typing import Any

import msgspec

from eventgrid_pull.event import Delivery
from moderation import events, topology
from moderation.topology import EventSubscription, Topology
from tests.eventgrid_pull.orders import (
    NOW,
    Budget,
    InMemoryReceiver,
    a_lock_token,
    minutes,
)

__all__ = [
    "APPROVED",
    "ESCALATED",
    "FLAGGED",
    "NOW",
    "TOPOLOGY",
    "Budget",
    "InMemoryReceiver",
    "a_delivery",
    "a_lock_token",
    "a_result",
    "an_event",
    "declared",
    "declaring",
    "minutes",
]

# The event subscriptions that tests speak of; the app may be declared with others.
TOPOLOGY = Path(__file__).with_name("topology.json")
FLAGGED = "com.contoso.ai.ContentFlagged"
APPROVED = "com.contoso.ai.ContentApproved"
ESCALATED = "com.contoso.ai.ReviewEscalated"


def declared() -> Topology:
    """Return the topology of `TOPOLOGY`."""
    return topology.read(TOPOLOGY)


def declaring(*names: str) -> Topology:
    """Return a topology with these event subscriptions, which take every event."""
    shape: EventSubscription = declared().subscription("sub-all-events")
    named = [msgspec.structs.replace(shape, name=name) for name in names]
    return msgspec.structs.replace(declared(), event_subscriptions=named)


def a_result(**changes: Any) -> dict[str, Any]:
    """Return a moderation result as a client sends it, without keys changed to None."""
    result = {
        "contentId": "doc-1",
        "contentType": "text",
        "modelName": "text-moderator-v2",
        "modelVersion": "2.4.0",
        "confidence": 0.9,
        "category": "violence",
        "severity": "medium",
        "reviewRequired": True,
    } | changes
    return {key: value for key, value in result.items() if value is not None}


def an_event(
    data: dict[str, Any] | None = None, *, type: str = FLAGGED, **changes: Any
) -> dict[str, Any]:
    """Return a CloudEvent around a moderation result, without keys changed to None."""
    event = {
        "specversion": "1.0",
        "id": "event-1",
        "source": "/tests",
        "type": type,
        "subject": "/content/texts/doc-1",
        "time": "2026-11-23T10:29:59Z",
        "data": a_result() if data is None else data,
    } | changes
    return {key: value for key, value in event.items() if value is not None}


def a_delivery(event: dict[str, Any] | bytes | None = None, count: int = 1) -> Delivery:
    """Return an event on loan for the `count`-th time."""
    if event is None:
        event = an_event()
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    return Delivery(a_lock_token(), events.read(raw, count))
