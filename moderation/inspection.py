"""Inspect and reject: a probe, published, received and rejected, with its envelope."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from moderation.audit import AuditEntry
from moderation.handlers import PROBE_CONTENT_ID
from moderation.intake import Json, wrap
from moderation.tally import Outcome

SUBSCRIPTION = "sub-flagged"
LOOK_AGAIN_SECONDS = 1.0


def probe(now: datetime) -> Json:
    """A flagged event that the handler rejects, whoever receives it."""
    result: Json = {
        "contentId": PROBE_CONTENT_ID,
        "contentType": "text",
        "modelName": "text-moderator-v2",
        "modelVersion": "2.4.0",
        "confidence": 0.76,
        "category": "misinformation",
        "severity": "medium",
        "reviewRequired": True,
    }
    return wrap("com.contoso.ai.ContentFlagged", result, now)


class Watch(msgspec.Struct, eq=False):
    """Looks out for what becomes of one event, in the drains of this process.

    `begun` says whether a drain was begun for it. While nobody else waits for that
    drain, `ending` ends it as soon as the event is seen.
    """

    event_id: str
    begun: bool = False
    ending: asyncio.Event | None = None
    outcome: Outcome | None = None
    _seen: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    def begin(self, ending: asyncio.Event) -> None:
        """A drain was begun for this."""
        self.begun, self.ending = True, ending

    def share(self, ending: asyncio.Event) -> None:
        """Someone else waits for that drain, too: it is not ours to end any more."""
        if self.ending is ending:
            self.ending = None

    def settled(self, outcomes: list[Outcome]) -> None:
        """Told of the outcomes of this process's drains, of every subscription."""
        for outcome in outcomes:
            entry = outcome.entry
            if (entry.subscription, entry.id) == (SUBSCRIPTION, self.event_id):
                self.outcome = outcome
                self._seen.set()
                if self.ending is not None:
                    self.ending.set()

    def is_over(self) -> bool:
        """Whether the event has been seen."""
        return self._seen.is_set()

    async def wait(self, seconds: float) -> bool:
        """Whether the event is seen within so many seconds."""
        try:
            await asyncio.wait_for(self._seen.wait(), seconds)
        except TimeoutError:
            return False
        return True


async def found_elsewhere(
    find: Callable[[], Awaitable[AuditEntry | None]], time_left: Callable[[], float]
) -> AuditEntry | None:
    """The entry that another process wrote about the event; None when time is up."""
    while True:
        entry = await find()
        if entry is not None or time_left() <= 0:
            return entry
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


class Inspected(msgspec.Struct, rename="camel", kw_only=True):
    """What `POST /api/inspect` answers: the envelope, and what Event Grid said of it."""

    rejected: bool
    by: str
    subscription: str
    reason: str | None
    event: msgspec.Raw
    broker_properties: dict[str, object]


def report(entry: AuditEntry, *, here: bool, failed: str | None) -> Inspected:
    """The probe's envelope and broker properties, from the entry that records it."""
    rejected = entry.disposition == "reject" and failed is None
    return Inspected(
        rejected=rejected,
        by="this call" if here else "another drain",
        subscription=entry.subscription,
        reason=entry.reason if failed is None else f"not settled: {failed}",
        event=entry.event,
        broker_properties={
            "deliveryCount": entry.delivery_count,
            "lockToken": entry.lock_token,
        },
    )
