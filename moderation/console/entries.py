"""Audit entries over HTTP: the newest ones, or those of one event."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Annotated, Literal

import msgspec

from moderation.appendlog import stamp
from moderation.audit import Query
from moderation.cloudevents import Problem
from moderation.console import reply
from moderation.console.asked import Asked, BadQuery, chosen
from moderation.console.reply import Reply

SEARCH_SECONDS = 30
LONGEST_LOOK_BACK = timedelta(days=31)
DAY = timedelta(days=1)


class AuditQuery(msgspec.Struct, frozen=True):
    """Which audit entries: by default the newest 100 of the last day.

    With an id, of the last 31 days, because an event that is asked for may be old.
    """

    subscription: str | None = None
    disposition: Literal["acknowledge", "release", "reject"] | None = None
    type: str | None = None
    id: str | None = None
    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


async def audit(asked: Asked[AuditQuery, None]) -> Reply:
    """The newest audit entries, or the life of one event."""
    runtime = asked.runtime
    query = meant(asked.query, runtime.topology.names, runtime.clock())
    ends = monotonic() + SEARCH_SECONDS
    found = await runtime.audit.find(query, time_left=lambda: ends - monotonic())
    return reply.json(
        {
            "entries": found.entries,
            "complete": found.complete,
            "since": stamp(query.since),
        }
    )


def meant(asked: AuditQuery, names: Sequence[str], now: datetime) -> Query:
    """The query with its defaults. Raises BadQuery."""
    since = asked.since or now - (LONGEST_LOOK_BACK if asked.id else DAY)
    if since < now - LONGEST_LOOK_BACK:
        days = LONGEST_LOOK_BACK.days
        raise BadQuery([Problem("since", f"is more than {days} days ago")])
    return Query(
        since=since,
        until=now,
        subscriptions=chosen(names, asked.subscription),
        disposition=asked.disposition,
        type=asked.type,
        id=asked.id,
        limit=asked.limit,
    )
