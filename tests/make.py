"""Builders with sensible defaults, and a receiver that holds what it is given."""

import base64
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from eventgrid_pull.event import Delivery
from eventgrid_pull.http_retry import EventGridError
from eventgrid_pull.outcomes import ReleaseDelay, Settled
from moderation import events, topology
from moderation.topology import EventSubscription, Topology

# The event subscriptions that tests speak of; the app may be declared with others.
TOPOLOGY = Path(__file__).with_name("topology.json")
NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
FLAGGED = "com.contoso.ai.ContentFlagged"
APPROVED = "com.contoso.ai.ContentApproved"
ESCALATED = "com.contoso.ai.ReviewEscalated"


def declared() -> Topology:
    """The topology of `TOPOLOGY`."""
    return topology.read(TOPOLOGY)


def declaring(*names: str) -> Topology:
    """A topology of event subscriptions with these names, which take everything."""
    one: EventSubscription = declared().subscription("sub-all-events")
    named = [msgspec.structs.replace(one, name=name) for name in names]
    return msgspec.structs.replace(declared(), event_subscriptions=named)


def a_result(**changes: Any) -> dict[str, Any]:
    """A moderation result as a client sends it; a change to None leaves a key out."""
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
    """A CloudEvent around a moderation result; a change to None leaves a key out."""
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


def a_lock_token() -> str:
    """Random, and of the shape that Event Grid's tokens have."""
    guid = b"E0A1C2CB-A2AC-4C37-8454-278C5CD240FB"
    return base64.b64encode(
        b"\x0a\x26\x0a\x24" + guid + b"\x12\x12\x0a\x10" + os.urandom(16)
    ).decode()


def a_delivery(event: dict[str, Any] | bytes | None = None, count: int = 1) -> Delivery:
    """An event on loan for the `count`-th time."""
    if event is None:
        event = an_event()
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    return Delivery(a_lock_token(), events.read(raw, count))


class InMemoryReceiver:
    """An event subscription that hands out the given batches, then nothing.

    `settled` has what became of each lock token. `fails` names verbs that do not
    answer, `lost` tokens whose lock is gone.
    """

    def __init__(self, *batches: list[Delivery]) -> None:
        self.batches = list(batches)
        self.waits: list[int] = []
        self.renewals = 0
        self.settled: dict[str, tuple[str, int]] = {}
        self.fails: set[str] = set()
        self.lost: set[str] = set()

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        self.waits.append(max_wait)
        self._check("receive")
        return self.batches.pop(0) if self.batches else []

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        return self._settle("acknowledge", tokens)

    async def renew(self, tokens: Sequence[str]) -> Settled:
        self.renewals += 1
        self._check("renew")
        held = frozenset(token for token in tokens if token not in self.lost)
        gone = {token: "TokenLost" for token in tokens if token in self.lost}
        return Settled(held, gone)

    async def release(self, tokens: Sequence[str], delay: ReleaseDelay) -> Settled:
        return self._settle("release", tokens, int(delay))

    async def reject(self, tokens: Sequence[str]) -> Settled:
        return self._settle("reject", tokens)

    def _settle(self, verb: str, tokens: Sequence[str], delay: int = 0) -> Settled:
        self._check(verb)
        held = [token for token in tokens if token not in self.lost]
        self.settled |= dict.fromkeys(held, (verb, delay))
        return Settled(
            frozenset(held),
            {token: "TokenLost" for token in tokens if token in self.lost},
        )

    def _check(self, verb: str) -> None:
        if verb in self.fails:
            raise EventGridError(f"{verb}: Event Grid does not answer")


class Budget:
    """Seconds that remain; each look at it uses some up."""

    def __init__(self, seconds: float, *, each: float = 0.0) -> None:
        self._left = seconds
        self._each = each

    def __call__(self) -> float:
        left = self._left
        self._left -= self._each
        return left


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)
