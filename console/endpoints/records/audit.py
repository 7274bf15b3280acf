"""Audit entries over HTTP, page by page."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Annotated

import msgspec

from console import cursors, exports, redaction
from console.exports import Format
from console.http import Reply
from console.validation import ApiRequest, BadQuery, Moment, choose
from eventgrid_pull.blob.append_log import CLOCK_SKEW, Stamp, stamp
from eventgrid_pull.events.cloudevents import Problem
from eventgrid_pull.outcomes import Verb
from moderation.audit.entry import AuditEntry
from moderation.audit.history_search import LONGEST_LOOK_BACK
from moderation.audit.log import Position, Query

SEARCH_SECONDS = 10
DAY = timedelta(days=1)

Text = Annotated[str, msgspec.Meta(max_length=256)]


class AuditQuery(msgspec.Struct, frozen=True):
    """Which audit entries: by default the newest 100 of the last day.

    With an id, of the last 31 days, because an event that is asked for may be old; an
    event is known by `source` and `id` together.
    """

    subscription: str | None = None
    disposition: Verb | None = None
    type: str | None = None
    category: str | None = None
    text: Text | None = None
    id: str | None = None
    source: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    cursor: str | None = None
    format: Format = "json"
    reveal: bool = False


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a list of audit entries goes on, and where it ends."""

    since: Moment
    position: Position


class Entry(AuditEntry, frozen=True, kw_only=True, omit_defaults=False):
    """What was decided about one delivery, and what its event says.

    `source` and `id` tell the event from all others. `redacted`: the event's data and
    subject are left out.
    """

    event: msgspec.Raw
    redacted: bool


class Entries(msgspec.Struct, frozen=True):
    """Entries, newest first. `complete`: there are no more since then.

    Otherwise `cursor` asks for what is older; an answer may be empty and still have
    one, when its time ended before something was found.
    """

    entries: list[Entry]
    complete: bool
    since: Stamp
    cursor: str | None


async def audit(request: ApiRequest[AuditQuery, None]) -> Entries | Reply:
    """Return the newest audit entries, as JSON or as a file."""
    runtime, wanted, now = request.runtime, request.query, request.runtime.clock()
    shows = redaction.shows(runtime.settings, reveal=wanted.reveal)
    query = to_query(wanted, runtime.topology.names, now, subjects=shows)
    ends = monotonic() + SEARCH_SECONDS
    found = await runtime.audit.find(query, time_left=lambda: ends - monotonic())
    await redaction.note(request, wanted.reveal, [entry.key for entry in found.entries])
    entries = [to_response(entry, shows=shows) for entry in found.entries]
    place = found.position
    cursor = None if place is None else cursors.encode(Cursor(query.since, place))
    if wanted.format != "json":
        return exports.export(
            entries, Entry, wanted.format, name="audit", now=now, cursor=cursor
        )
    return Entries(entries, found.complete, stamp(query.since), cursor)


def to_query(
    wanted: AuditQuery, names: Sequence[str], now: datetime, *, subjects: bool = False
) -> Query:
    """Return the query with its defaults. Raises BadQuery."""
    cursor = cursors.decode(wanted.cursor, Cursor) if wanted.cursor else None
    since = wanted.since or now - (LONGEST_LOOK_BACK if wanted.id else DAY)
    if cursor is not None:
        since = max(cursor.since, now - LONGEST_LOOK_BACK)
    latest = now + CLOCK_SKEW
    until = min(wanted.until or latest, latest)
    if since < now - LONGEST_LOOK_BACK:
        problem = f"is more than {LONGEST_LOOK_BACK.days} days ago"
        raise BadQuery([Problem("since", problem)])
    if since > latest:
        raise BadQuery([Problem("since", "is in the future")])
    if since > until:
        raise BadQuery([Problem("until", "is before the beginning")])
    return Query(
        since=since,
        until=until,
        subscriptions=choose(names, wanted.subscription),
        disposition=wanted.disposition,
        type=wanted.type,
        category=wanted.category,
        text=wanted.text,
        subjects=subjects,
        id=wanted.id,
        source=wanted.source,
        limit=wanted.limit,
        after=None if cursor is None else cursor.position,
    )


def to_response(entry: AuditEntry, *, shows: bool) -> Entry:
    """Return the entry as an answer has it."""
    members = msgspec.structs.asdict(entry)
    members["event"] = redaction.render(bytes(entry.event), shows=shows)
    members["subject"] = entry.subject if shows else None
    return Entry(**members, redacted=not shows)
