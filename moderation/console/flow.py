"""What flows: counts and delays per minute, from the activity log."""

from datetime import timedelta
from typing import Annotated

import msgspec

from moderation import activity
from moderation.activity import Spread, Summary
from moderation.console import reply
from moderation.console.asked import Asked
from moderation.console.reply import Reply
from moderation.delivery import DISPOSITIONS
from moderation.intake import Json


class ActivityQuery(msgspec.Struct, frozen=True):
    """How many minutes to look back."""

    minutes: Annotated[int, msgspec.Meta(ge=1, le=24 * 60)] = 30


async def recent_activity(asked: Asked[ActivityQuery, None]) -> Reply:
    """Counts and delays per minute."""
    runtime, minutes = asked.runtime, asked.query.minutes
    until = runtime.clock()
    since = until.replace(second=0, microsecond=0) - timedelta(minutes=minutes - 1)
    names = runtime.topology.names
    summaries = await runtime.activity.read(names, since=since, until=until)
    last = activity.last_drains(summaries, names)
    by_minute = [
        {
            "minute": minute,
            "subscriptions": {name: _minute(one) for name, one in counted.items()},
        }
        for minute, counted in activity.by_minute(summaries).items()
    ]
    return reply.json({"minutes": by_minute, "lastDrain": last})


def _minute(summary: Summary) -> Json:
    counts = {one: summary.dispositions.get(one, 0) for one in DISPOSITIONS}
    return {
        "received": summary.received,
        **counts,
        "failed": sum(summary.failed.values()),
        "drains": summary.drains,
        "fullBatches": summary.full_batches,
        "types": summary.types,
        "categories": summary.categories,
        "severities": summary.severities,
        "queueDelayMs": _spread(summary.queue_delay),
        "handlingMs": _spread(summary.handling),
    }


def _spread(spread: Spread) -> Json:
    mean = spread.sum / spread.count if spread.count else None
    return {
        "mean": None if mean is None else round(mean, 1),
        "max": round(spread.max, 1) if spread.count else None,
    }
