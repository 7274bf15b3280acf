"""Dead letters over HTTP: those of a day, and one with all that was tried with it."""

from collections.abc import Sequence
from datetime import date, datetime
from time import monotonic
from typing import Annotated

import msgspec

from console import cursors, exports, redaction
from console.endpoints.dead_letters import dead_letter_view
from console.endpoints.dead_letters.dead_letter_view import DeadLetterView
from console.exports import Format
from console.http import Reply
from console.validation import ApiRequest, BadQuery, choose
from eventgrid_pull.events.cloudevents import Problem
from moderation.dead_letters import days, listing
from moderation.dead_letters.listing import Listed, Mark, Wanted
from moderation.event_key import EventKey, key_of
from moderation.runtime import Runtime

LIST_SECONDS = 10.0


class DeadLettersQuery(msgspec.Struct, frozen=True):
    """Which dead letters: by default the newest 50 of today (UTC).

    `archived`: those that were redriven to the end.
    """

    subscription: str | None = None
    day: date | None = None
    archived: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    cursor: str | None = None
    format: Format = "json"
    reveal: bool = False


class DeadLetterQuery(msgspec.Struct, frozen=True):
    """Which dead letter: the name of its blob, and its position in it from 0."""

    name: str
    index: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    reveal: bool = False


class DeadLetters(msgspec.Struct, frozen=True, rename="camel"):
    """Dead letters of a day, newest hour first; `days` of the last 31 that have any.

    `days` is on the first page only. `complete`: the day has no more after these.
    """

    day: str
    dead_letters: Sequence[DeadLetterView]
    complete: bool
    cursor: str | None
    days: Sequence[str] | None


async def dead_letters(
    request: ApiRequest[DeadLettersQuery, None],
) -> DeadLetters | Reply:
    """Return the dead letters of one day, and which days have any."""
    runtime, query, now = request.runtime, request.query, request.runtime.clock()
    wanted = _parse_query(query, runtime.topology.names, now)
    ends = monotonic() + LIST_SECONDS
    found = await listing.page(runtime.dead_letters, wanted, lambda: ends - monotonic())
    await redaction.note(request, query.reveal, _keys(found.listed))
    letters = await dead_letter_view.render(runtime, found.listed, reveal=query.reveal)
    mark = found.mark()
    cursor = None if mark is None else cursors.encode(mark)
    if query.format != "json":
        return exports.export(
            letters,
            DeadLetterView,
            query.format,
            name="dead-letters",
            now=now,
            cursor=cursor,
        )
    days = None if query.cursor else await _days(runtime, wanted, now)
    return DeadLetters(wanted.day.isoformat(), letters, found.complete, cursor, days)


async def dead_letter(request: ApiRequest[DeadLetterQuery, None]) -> DeadLetterView:
    """Return one dead letter, with its event and what was tried with it."""
    store, query = request.runtime.dead_letters, request.query
    found = await listing.of_blob(store, query.name, archived=False)
    if not found:
        found = await listing.of_blob(store, query.name, archived=True)
    if query.index >= len(found):
        where = "index" if found else "name"
        raise BadQuery([Problem(where, "there is no such dead letter")])
    listed = found[query.index]
    await redaction.note(request, query.reveal, _keys([listed]))
    [letter] = await dead_letter_view.render(
        request.runtime, [listed], reveal=query.reveal
    )
    return letter


def _parse_query(
    query: DeadLettersQuery, names: Sequence[str], now: datetime
) -> Wanted:
    mark = cursors.decode(query.cursor, Mark) if query.cursor else None
    if query.subscription is not None:
        choose(names, query.subscription)
    return Wanted(
        day=query.day or now.date(),
        subscription=query.subscription,
        archived=query.archived,
        limit=query.limit,
        after=mark,
    )


async def _days(runtime: Runtime, wanted: Wanted, now: datetime) -> list[str]:
    found = await days.find_days(
        runtime.dead_letters,
        now,
        subscription=wanted.subscription,
        archived=wanted.archived,
    )
    return [day.isoformat() for day in found]


def _keys(listed: Sequence[Listed]) -> list[EventKey]:
    """Return the events; the blob and the place in it of one that has no id."""
    return [
        key_of(event)
        if (event := dead_letter.letter.event) and event.id
        else EventKey("", f"{dead_letter.name}#{dead_letter.letter.index}")
        for dead_letter in listed
    ]
