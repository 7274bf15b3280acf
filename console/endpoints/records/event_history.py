"""One event's life over HTTP: every step of it, over all event subscriptions."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Annotated

import msgspec

from console import cursors, redaction
from console.endpoints.records import event_history_steps
from console.endpoints.records.event_history_steps import (
    KnownEvent,
    Step,
    dead_letter_steps,
)
from console.validation import ApiRequest, Moment
from eventgrid_pull.blob.append_log import Stamp, stamp
from eventgrid_pull.events import traceparent
from eventgrid_pull.outcomes import Verb
from moderation.audit import event_history, history_search
from moderation.audit.entry import AuditEntry
from moderation.audit.event_history import History
from moderation.audit.history_search import Progress, Search, Span
from moderation.audit.windows import LONGEST, SHORTEST
from moderation.dead_letters import find
from moderation.dead_letters.listing import Listed
from moderation.dead_letters.store import DeadLetterStore
from moderation.filters import explanation
from moderation.runtime import Runtime
from moderation.topology import Topology

SEARCH_SECONDS = 5.0
LETTER_SECONDS = 2.0


class LifeQuery(msgspec.Struct, frozen=True):
    """Which event, and a time near its own; a UUID of version 7 has that in itself.

    An event is `source` and `id`: an id alone may be that of several. Nothing before
    `since` is looked for. `cursor` goes on with a search that took too long.
    """

    id: Annotated[str, msgspec.Meta(min_length=1)]
    source: str | None = None
    at: Moment | None = None
    since: Moment | None = None
    cursor: str | None = None
    reveal: bool = False


class Searched(msgspec.Struct, frozen=True):
    """The time that was looked through so far."""

    since: Stamp
    until: Stamp


class Life(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is known of one event, oldest first; or which events have the id.

    `events` are those that were met. Once there are several, only these are listed, and
    `source` is null: ask for one of them. With a `cursor` there may be more: what it
    answers are further events and steps. `expected` are the event subscriptions that
    take the event, empty while it is not found, and `waiting` those of them that have
    not acknowledged or rejected it. `complete`: all of its life was found, or of an id
    that is none of a UUID every event that has it.
    """

    id: str
    source: str | None
    events: Sequence[KnownEvent]
    event: msgspec.Raw | None
    redacted: bool
    trace_id: str | None
    expected: Sequence[str]
    waiting: Sequence[str]
    steps: Sequence[Step]
    complete: bool
    searched: Searched
    cursor: str | None


async def life(request: ApiRequest[LifeQuery, None]) -> Life:
    """Return the life of one event over all event subscriptions."""
    runtime, query = request.runtime, request.query
    kept = timedelta(days=runtime.topology.event_retention_in_days)
    search = _search(query, runtime.topology.names, runtime.clock(), kept)
    ends = monotonic() + SEARCH_SECONDS
    history = await event_history.find(
        runtime.audit,
        runtime.topology.names,
        search,
        expects=lambda raw: find_takers(runtime.topology, raw),
        time_left=lambda: ends - monotonic(),
    )
    event, shows = history.event, redaction.shows(runtime.settings, reveal=query.reveal)
    if event is not None:
        await redaction.note(request, query.reveal, [search.key])
    takers = [] if search.several else search.expected or []
    return Life(
        id=query.id,
        source=None if search.several else search.source,
        events=sorted(
            map(event_history_steps.describe, history.met.items()),
            key=lambda event: event.at,
        ),
        event=None if event is None else redaction.render(event, shows=shows),
        redacted=event is not None and not shows,
        trace_id=_trace_id(history),
        expected=takers,
        waiting=[name for name in takers if name not in search.done],
        steps=[] if search.several else await _steps(runtime, search, history),
        complete=search.is_over,
        searched=Searched(stamp(search.since), stamp(search.until)),
        cursor=_cursor(search),
    )


def find_takers(declared: Topology, raw: bytes) -> list[str]:
    """Return the names of the event subscriptions that take the event."""
    try:
        event = json.loads(raw, parse_int=float)  # numbers of any size
    except (ValueError, RecursionError):
        event = None
    event = event if isinstance(event, dict) else {}
    return [
        subscription.name
        for subscription in declared.event_subscriptions
        if explanation.takes(subscription.filters_configuration, event)
    ]


def _trace_id(history: History) -> str | None:
    traces = (traceparent.trace_id(entry.traceparent) for entry in history.entries)
    return next((trace for trace in traces if trace), None)


async def _steps(runtime: Runtime, search: Search, history: History) -> list[Step]:
    """Return what was found as steps, oldest first, with those of its dead letters."""
    steps = [
        *event_history_steps.publish_steps(search, history),
        *map(event_history_steps.delivery_step, history.entries),
        *event_history_steps.manual_steps(history),
        *await _letters(runtime.dead_letters, search, history),
    ]
    return sorted(steps, key=lambda step: step.at)


async def _letters(
    store: DeadLetterStore, search: Search, history: History
) -> list[Step]:
    """Return the steps in its dead letters: where it lies, and what was tried there.

    That is looked for where it was rejected, or released and not seen again.
    """
    ends = monotonic() + LETTER_SECONDS
    last = {
        entry.subscription: entry for entry in history.entries if entry.redrive is None
    }
    ended = (Verb.REJECT, Verb.RELEASE) if search.is_over else (Verb.REJECT,)
    wanted = [entry for entry in last.values() if entry.disposition in ended]

    async def near(entry: AuditEntry) -> Listed | None:
        name, at = entry.subscription, datetime.fromisoformat(entry.at)
        return await find.of_event(
            store, name, search.key, at, lambda: ends - monotonic()
        )

    letters = await asyncio.gather(*map(near, wanted))
    return [
        step
        for entry, listed in zip(wanted, letters, strict=True)
        if listed is not None
        for step in dead_letter_steps(entry, listed, history.entries)
    ]


def _search(
    query: LifeQuery, names: Sequence[str], now: datetime, lifetime: timedelta
) -> Search:
    """Return a new search, or the one that the cursor goes on with. Raises BadQuery."""
    search = history_search.begin(
        query.id,
        query.at,
        now,
        source=query.source,
        since=query.since,
        lifetime=lifetime,
    )
    if query.cursor is None:
        return search
    (oldest, newest), chosen = search.whole, search.source
    progress = cursors.decode(query.cursor, Progress)
    for field in Progress.__struct_fields__:
        setattr(search, field, getattr(progress, field))
    search.ahead = _span(search.ahead, oldest, newest)
    search.behind = _span(search.behind, oldest, newest)
    if search.is_chosen:
        search.source, search.several = chosen, False
    if search.expected is not None:
        search.expected = [name for name in names if name in search.expected]
    search.piece = min(max(search.piece, SHORTEST), LONGEST)
    return search


def _span(span: Span | None, oldest: datetime, newest: datetime) -> Span | None:
    if span is None:
        return None
    return max(span[0], oldest), min(span[1], newest)


def _cursor(search: Search) -> str | None:
    if search.is_over:
        return None
    return cursors.encode(msgspec.convert(search, Progress, from_attributes=True))
