"""Pulling now, and inspecting one event, over HTTP."""

import asyncio
from typing import Any

import msgspec

from moderation import actions
from moderation.console import reply
from moderation.console.asked import Asked, chosen
from moderation.console.reply import Reply
from moderation.delivery import DISPOSITIONS
from moderation.inspection import SUBSCRIPTION, Inspected
from moderation.intake import Json
from moderation.runtime import Runtime
from moderation.tally import Outcome, Tally


class PullQuery(msgspec.Struct, frozen=True):
    """Which event subscription to drain; all of them when none is named."""

    subscription: str | None = None


async def pull_now(asked: Asked[PullQuery, None]) -> Reply:
    """Drain one event subscription or all of them now, side by side."""
    runtime = asked.runtime
    names = chosen(runtime.topology.names, asked.query.subscription)
    await _note(asked, "pull", asked.query.subscription)
    results = await asyncio.gather(*(_pulled(runtime, name) for name in names))
    content = [result for result, _ in results]
    errors = [tally.error for _, tally in results if tally.error]
    if errors:
        detail = " ".join(dict.fromkeys(errors))
        return reply.problem(503, detail, next=reply.TRY_AGAIN, subscriptions=content)
    return reply.json({"subscriptions": content})


async def _pulled(runtime: Runtime, name: str) -> tuple[Json, Tally]:
    began = runtime.clock()
    tally, joined = await runtime.pull_now(name)
    received = tally.summary.received
    return {
        "subscription": name,
        "received": received,
        "settled": {one: tally.settled[one] for one in DISPOSITIONS},
        "failed": dict(tally.failed),
        "stopped": tally.stopped,
        "joined": joined,
        "seconds": round((runtime.clock() - began).total_seconds(), 1),
        "error": tally.error,
        "deliveries": [_delivery(outcome) for outcome in tally.outcomes],
        "omitted": received - len(tally.outcomes),
    }, tally


def _delivery(outcome: Outcome) -> Json:
    entry = outcome.entry
    return {
        "id": entry.id,
        "type": entry.type,
        "contentId": entry.content_id,
        "disposition": entry.disposition,
        "verdict": entry.verdict,
        "reason": entry.reason,
        "deliveryCount": entry.delivery_count,
        "settled": outcome.failed is None,
        "failed": outcome.failed,
    }


async def inspect(asked: Asked[None, None]) -> Inspected:
    """Publish a probe, see it received, show its envelope and reject it."""
    await _note(asked, "inspect", SUBSCRIPTION)
    return await asked.runtime.inspect()


async def _note(asked: Asked[Any, Any], verb: str, subscription: str | None) -> None:
    """Keep who does it, before it is done. Raises StoreUnavailable."""
    now = asked.runtime.clock()
    action = actions.action(verb, asked.caller.name, now, subscription=subscription)
    await asked.runtime.actions.note(action, now)
