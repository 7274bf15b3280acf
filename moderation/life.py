"""One event's life: what the audit log and the actions say of it, found piece by piece.

An event whose time is known is looked for from there on, until every event subscription
that takes it is done with it. Otherwise the newest comes first; and as soon as anything
is found, our stamp in the event says how far back there may be more. An event without one
may be a week older than what was found of it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from moderation import actions, audit, events, publishstamp
from moderation.actions import Action
from moderation.appendlog import CLOCK_SKEW, stamp_of
from moderation.audit import SLOW_SECONDS, AuditEntry, AuditLog, decoded
from moderation.details import details, time_of
from moderation.paging import MOMENT, DeliveryKey, Windows
from moderation.publishstamp import LONGEST_LIFE

LONGEST_LOOK_BACK = timedelta(days=31)
# A piece of time in which there is more is the last one of an answer.
MOST_STEPS = 1000
MOST_BYTES = 16 * 1024 * 1024
TERMINAL = ("acknowledge", "reject")

type Span = tuple[datetime, datetime]


class Doing(Action, frozen=True, kw_only=True):
    """What somebody did by hand to the event; of a peek, at which delivery."""

    delivery_count: int | None = None


class Search(msgspec.Struct, kw_only=True):
    """How far a search has come: what it goes on with.

    `ahead` is searched first, from its beginning on; then `behind`, from its end back.
    `since` and `until`: what was searched. `expected` event subscriptions take the
    event (None: not known yet); those that are `done` have settled it for good. `time`
    is when it was published, its publisher's claim where `is_claim` says so; `is_noted`
    says that its publication was found.
    """

    event_id: str
    ahead: Span | None
    behind: Span | None
    since: datetime
    until: datetime
    expected: list[str] | None = None
    done: list[str] = []
    time: datetime | None = None
    is_claim: bool = False
    is_noted: bool = False

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to search."""
        return self.ahead is None and self.behind is None


class Lived(msgspec.Struct):
    """What was found, oldest first: deliveries, and doings by hand."""

    entries: list[AuditEntry]
    doings: list[Doing]

    @property
    def event(self) -> bytes | None:
        """The event's JSON, from its first delivery."""
        return bytes(self.entries[0].event) if self.entries else None


def begun(event_id: str, at: datetime | None, now: datetime) -> Search:
    """A search from `at` on, a time near the event's own, or from the id's time.

    From the newest backwards when neither is known.
    """
    floor, end = now - LONGEST_LOOK_BACK, now + CLOCK_SKEW
    known = [one for one in (at, time_of(event_id)) if one and floor < one <= end]
    start = min(known, default=end)
    if known:
        start = max(start - CLOCK_SKEW, floor)
    return Search(
        event_id=event_id,
        ahead=(start, end) if known else None,
        behind=(floor, start - MOMENT if known else end),
        since=start,
        until=start,
    )


async def lived(
    log: AuditLog,
    names: Sequence[str],
    search: Search,
    *,
    expects: Callable[[bytes], list[str]],
    time_left: Callable[[], float],
) -> Lived:
    """What is found until no time is left, or it is a lot; `search` says how far.

    `expects` says which event subscriptions take an event. Raises StoreUnavailable.
    """
    quest = _Quest(log, names, search, expects)
    was_ahead = search.ahead is not None

    def left() -> float:
        return 0.0 if quest.is_full() else time_left()

    await quest.go_ahead(left)
    if search.ahead is None and not (was_ahead and left() <= 0):
        await quest.go_behind(left)
    return quest.found()


class _Quest:
    """A search at work."""

    def __init__(
        self,
        log: AuditLog,
        names: Sequence[str],
        search: Search,
        expects: Callable[[bytes], list[str]],
    ) -> None:
        self._log, self._search = log, search
        self._needles = [
            *((name, audit.needle(search.event_id)) for name in names),
            *((actions.LOG, one) for one in actions.needles(search.event_id)),
        ]
        self._expects = expects
        self._entries: dict[DeliveryKey, AuditEntry] = {}
        self._doings: dict[bytes, Doing] = {}
        self._bytes = 0

    def is_full(self) -> bool:
        """Whether it is enough for one answer: some publishers know only one id."""
        count = len(self._entries) + len(self._doings)
        return count >= MOST_STEPS or self._bytes >= MOST_BYTES

    async def go_ahead(self, time_left: Callable[[], float]) -> None:
        """To the end, or until all that take the event are done with it."""
        search = self._search
        if search.ahead is None:
            return
        pieces = Windows(*search.ahead, forwards=True)
        for since, until in pieces:
            await self._look(since, until, pieces, time_left)
            search.until = until
            search.ahead = (until + MOMENT, pieces.until)
            if self._all_done():
                break
            if time_left() <= 0 and until < pieces.until:
                return
        search.ahead = None

    async def go_behind(self, time_left: Callable[[], float]) -> None:
        """Back to the oldest that there may be."""
        search = self._search
        if search.behind is None:
            return
        pieces = Windows(*search.behind, forwards=False)
        for since, until in pieces:
            await self._look(since, until, pieces, time_left)
            search.since = since
            floor, _ = search.behind  # what was found may have raised it
            pieces.since, search.behind = floor, (floor, since - MOMENT)
            if time_left() <= 0 and floor < since:
                return
        search.behind = None

    async def _look(
        self,
        since: datetime,
        until: datetime,
        pieces: Windows,
        time_left: Callable[[], float],
    ) -> None:
        began = time_left()
        for line in await self._log.holding(self._needles, since, until):
            self._take(line)
        if began - time_left() > SLOW_SECONDS:
            pieces.slow()

    def _take(self, line: bytes) -> None:
        event_id = self._search.event_id
        entry = decoded(line)
        doing = _doing(line) if entry is None else None
        if entry is not None and entry.id == event_id:
            self._meet(entry)
            self._entries[entry.delivery_key] = entry
            self._bytes += len(line)
        elif doing is not None and event_id in doing.ids:
            self._doings[line] = doing
            self._bytes += len(line)
            self._search.is_noted |= doing.action == "publish"

    def _meet(self, entry: AuditEntry) -> None:
        """An entry says who else takes the event, and when its life began."""
        search = self._search
        raw = bytes(entry.event)
        if search.expected is None:
            search.expected = self._expects(raw)
            at = datetime.fromisoformat(entry.at)
            stamp = events.read(raw).stamp
            published = publishstamp.believed(stamp, at, LONGEST_LIFE)
            search.is_claim = published is None
            search.time = published or details(raw).time
            self._bound(at, published)
        if entry.disposition in TERMINAL and entry.subscription not in search.done:
            search.done = [*search.done, entry.subscription]

    def _bound(self, at: datetime, published: datetime | None) -> None:
        """Nothing is found of an event before it was published, as far as we know it.

        What its publisher says of that is no bound: it may be wrong.
        """
        if self._search.behind is not None:
            floor, end = self._search.behind
            oldest = published - CLOCK_SKEW if published else at - LONGEST_LIFE
            self._search.behind = max(oldest, floor), end

    def _all_done(self) -> bool:
        expected = self._search.expected
        return expected is not None and set(expected) <= set(self._search.done)

    def found(self) -> Lived:
        """What was found, oldest first."""
        entries = sorted(self._entries.values(), key=lambda one: one.at)
        doings = sorted(self._doings.items(), key=lambda one: stamp_of(one[0]))
        return Lived(entries, [doing for _, doing in doings])


def _doing(line: bytes) -> Doing | None:
    try:
        return _decoder.decode(line)
    except (ValueError, RecursionError):
        return None


_decoder = msgspec.json.Decoder(Doing)
