"""One event's life over HTTP: every step of it, over all event subscriptions."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Annotated

import msgspec

from moderation import filters, life, tracing
from moderation.appendlog import CLOCK_SKEW, stamp
from moderation.audit import AuditEntry
from moderation.console import cursors, redaction, steps
from moderation.console.asked import Asked, Moment
from moderation.console.cursors import Micros
from moderation.console.steps import Step
from moderation.deadletters import finding
from moderation.deadletters.listing import Listed
from moderation.deadletters.store import DeadLetterStore
from moderation.life import Lived, Search, Span
from moderation.runtime import Runtime
from moderation.topology import Topology

SEARCH_SECONDS = 5.0
LETTER_SECONDS = 2.0


class LifeQuery(msgspec.Struct, frozen=True):
    """Which event, and a time near its own; a UUID of version 7 has that in itself.

    `cursor` goes on with a search that took too long.
    """

    id: Annotated[str, msgspec.Meta(min_length=1)]
    at: Moment | None = None
    cursor: str | None = None
    reveal: bool = False


class Searched(msgspec.Struct, frozen=True):
    """The time that was looked through so far."""

    since: str
    until: str


class Life(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is known of one event, oldest first.

    With a `cursor` there may be more: what it answers are further steps. `expected` are
    the event subscriptions that take the event; empty while it is not found.
    """

    id: str
    event: msgspec.Raw | None
    redacted: bool
    trace_id: str | None
    expected: Sequence[str]
    steps: Sequence[Step]
    complete: bool
    searched: Searched
    cursor: str | None


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """How far a search has come; see `life.Search`."""

    ahead: tuple[Micros, Micros] | None
    behind: tuple[Micros, Micros] | None
    since: Micros
    until: Micros
    expected: list[str] | None
    done: list[str]
    time: Micros | None
    is_noted: bool
    is_claim: bool = False


async def one_life(asked: Asked[LifeQuery, None]) -> Life:
    """The life of one event over all event subscriptions."""
    runtime, query = asked.runtime, asked.query
    search = _search(query, runtime.topology.names, runtime.clock())
    ends = monotonic() + SEARCH_SECONDS
    found = await life.lived(
        runtime.audit,
        runtime.topology.names,
        search,
        expects=lambda raw: expected(runtime.topology, raw),
        time_left=lambda: ends - monotonic(),
    )
    event, shows = found.event, redaction.shows(runtime.settings, reveal=query.reveal)
    if event is not None:
        await redaction.note(asked, query.reveal, [query.id])
    return Life(
        id=query.id,
        event=None if event is None else redaction.told(event, shows=shows),
        redacted=event is not None and not shows,
        trace_id=_trace_id(found),
        expected=search.expected or [],
        steps=await _steps(runtime, search, found),
        complete=search.is_over,
        searched=Searched(stamp(search.since), stamp(search.until)),
        cursor=None if search.is_over else cursors.written(_cursor(search)),
    )


def expected(declared: Topology, raw: bytes) -> list[str]:
    """The names of the event subscriptions that take the event with this JSON."""
    try:
        event = msgspec.json.decode(raw, type=dict[str, object])
    except (ValueError, RecursionError):
        event = {}
    return [
        one.name
        for one in declared.event_subscriptions
        if filters.takes(one.filters_configuration, event)
    ]


def _trace_id(found: Lived) -> str | None:
    traces = (tracing.trace_id(entry.traceparent) for entry in found.entries)
    return next((one for one in traces if one), None)


async def _steps(runtime: Runtime, search: Search, found: Lived) -> list[Step]:
    """What was found as steps, oldest first, with those of its dead letters."""
    told = [
        *steps.published(search, found),
        *map(steps.delivery, found.entries),
        *steps.by_hand(found),
        *await _letters(runtime.dead_letters, search, found),
    ]
    return sorted(told, key=lambda one: one.at)


async def _letters(store: DeadLetterStore, search: Search, found: Lived) -> list[Step]:
    """Where the event was dead-lettered, and what was tried with it there.

    That is looked for where it was rejected, or released and not seen again.
    """
    ends = monotonic() + LETTER_SECONDS
    last = {one.subscription: one for one in found.entries if one.redrive is None}
    ended = ("reject", "release") if search.is_over else ("reject",)
    wanted = [one for one in last.values() if one.disposition in ended]

    async def near(entry: AuditEntry) -> Listed | None:
        name, at = entry.subscription, datetime.fromisoformat(entry.at)
        return await finding.of_event(
            store, name, search.event_id, at, lambda: ends - monotonic()
        )

    letters = await asyncio.gather(*map(near, wanted))
    return [
        step
        for entry, listed in zip(wanted, letters, strict=True)
        if listed is not None
        for step in steps.letter(entry, listed, found.entries)
    ]


def _search(query: LifeQuery, names: Sequence[str], now: datetime) -> Search:
    """A new search, or the one that the cursor goes on with. Raises BadQuery."""
    search = life.begun(query.id, query.at, now)
    if query.cursor is None:
        return search
    state, newest = cursors.read(query.cursor, Cursor), now + CLOCK_SKEW
    oldest = now - life.LONGEST_LOOK_BACK
    search.ahead = _span(state.ahead, oldest, newest)
    search.behind = _span(state.behind, oldest, newest)
    search.since = cursors.moment(state.since)
    search.until = cursors.moment(state.until)
    if state.expected is not None:
        search.expected = [one for one in names if one in state.expected]
    search.done = [one for one in names if one in state.done]
    search.time = None if state.time is None else cursors.moment(state.time)
    search.is_noted = state.is_noted
    search.is_claim = state.is_claim
    return search


def _span(
    micros: tuple[int, int] | None, oldest: datetime, newest: datetime
) -> Span | None:
    if micros is None:
        return None
    since, until = map(cursors.moment, micros)
    return max(since, oldest), min(until, newest)


def _cursor(search: Search) -> Cursor:
    return Cursor(
        ahead=_micros(search.ahead),
        behind=_micros(search.behind),
        since=cursors.micros(search.since),
        until=cursors.micros(search.until),
        expected=search.expected,
        done=search.done,
        time=_time(search.time),
        is_noted=search.is_noted,
        is_claim=search.is_claim,
    )


def _micros(span: Span | None) -> tuple[int, int] | None:
    return span and (cursors.micros(span[0]), cursors.micros(span[1]))


def _time(time: datetime | None) -> int | None:
    """The event's own time, which may be anything."""
    return None if time is None else min(cursors.micros(time), cursors.MOST_MICROS)
