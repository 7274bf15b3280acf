"""Reports on a namespace: its queues, its clock, and why a filter matches."""

from collections.abc import Mapping
from typing import Any

import msgspec

from eventgrid_emulator.dead_letters.document import stamp
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.namespace.subscription import Subscription
from eventgrid_emulator.queue.clock import Clock
from eventgrid_emulator.topology import filters
from eventgrid_emulator.topology.filters import Filter


def overview(namespace: Namespace) -> dict[str, Any]:
    """Return every topic and event subscription, with its depth and its counts."""
    now = namespace.clock.now()
    return {
        "namespace": namespace.name,
        "time": stamp(namespace.clock.to_machine_time(now)),
        "deadLettersWaiting": len(namespace.dead_lettering.outbox),
        "topics": [
            {
                "topic": topic.name,
                "published": topic.published,
                "unmatched": topic.unmatched,
                "eventSubscriptions": [
                    _subscription(subscription, now)
                    for subscription in topic.subscriptions.values()
                ],
            }
            for topic in namespace.topics.values()
        ],
    }


def describe_clock(clock: Clock) -> dict[str, Any]:
    """Return the time, and how far ahead of the machine's it is."""
    return {"now": stamp(clock.to_machine_time(clock.now())), "ahead": clock.offset}


def explain(namespace: Namespace, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return who receives the event, in its stored form, and why, clause by clause."""
    return {
        "eventSubscriptions": [
            {"topic": topic.name, "name": subscription.name}
            | _verdict(subscription, event)
            for topic in namespace.topics.values()
            for subscription in topic.subscriptions.values()
        ]
    }


def _verdict(subscription: Subscription, event: Mapping[str, Any]) -> dict[str, Any]:
    declared = subscription.declared.filters
    return {
        "matches": declared.matches(event),
        "includedEventTypes": {
            "wanted": declared.event_types,
            "found": event.get("type"),
            "matches": declared.matches_type(event.get("type")),
        },
        "filters": [_clause(clause, event) for clause in declared.clauses],
    }


def _clause(clause: Filter, event: Mapping[str, Any]) -> dict[str, Any]:
    value = filters.resolve(event, clause.key)
    missing = value is filters.MISSING
    return {
        "operatorType": clause.operator,
        "key": clause.key,
        "values": clause.values,
        "found": None if missing else value,
        "missing": missing,
        "matches": clause.judge(value),
        "why": _why(clause, value),
    }


def _why(clause: Filter, value: Any) -> str:
    judged = "matches" if clause.judge(value) else "does not match"
    if value is filters.MISSING:
        return f"the event has no {clause.key}, so {clause.operator} {judged}"
    if value is None:
        return f"{clause.key} is null, so {clause.operator} {judged}"
    return f"{clause.operator} {judged} the value of {clause.key}"


def _subscription(subscription: Subscription, now: float) -> dict[str, Any]:
    depth = subscription.queue.depth()
    age = None if depth.oldest is None else round(now - depth.oldest, 3)
    return {
        "name": subscription.name,
        "ready": depth.ready,
        "locked": depth.locked,
        "delayed": depth.delayed,
        "oldestAgeSeconds": age,
        "waitingReceivers": len(subscription.waiters),
        **msgspec.to_builtins(subscription.counts),
    }
