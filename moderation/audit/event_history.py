"""One event's life: what the audit log and the actions say of it, found piece by piece.

An event whose time is known is looked for from there on, until every event subscription
that takes it is done with it. Otherwise the newest comes first; and as soon as our stamp in
it, or its first deliveries, are found, nothing older can be. An id without a source may be
that of several events: then only these are listed, and all of the time is searched.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter

import msgspec

from eventgrid_pull import AnyEvent
from eventgrid_pull.outcomes import Verb
from eventgrid_pull.publishing import publish_stamp
from moderation import events
from moderation.audit import actions
from moderation.audit.actions import ManualAction
from moderation.audit.entry import AuditEntry, DeliveryKey, decode, needle
from moderation.audit.history_search import Search, Span, in_utc
from moderation.audit.log import SLOW_SECONDS, AuditLog
from moderation.audit.windows import LONGEST, MOMENT, SHORTEST, Windows
from moderation.event_key import EventKey

# A piece of time in which there is more is the last one of an answer.
MOST_STEPS = 1000
MOST_BYTES = 16 * 1024 * 1024
# Anyone may claim anything; no identity is longer.
MOST_CLAIMS, LONGEST_CLAIM = 10, 100
TERMINAL = (Verb.ACKNOWLEDGE, Verb.REJECT)


class History(msgspec.Struct):
    """What was found, oldest first: deliveries, and actions by hand.

    `met` are the events with the id, each with its first entry or action here.
    """

    entries: list[AuditEntry]
    actions: list[ManualAction]
    met: dict[EventKey, AuditEntry | ManualAction]

    @property
    def event(self) -> bytes | None:
        """Return the event's JSON, from its first delivery."""
        return bytes(self.entries[0].event) if self.entries else None


async def find(
    log: AuditLog,
    names: Sequence[str],
    search: Search,
    *,
    expects: Callable[[bytes], list[str]],
    time_left: Callable[[], float],
) -> History:
    """Search until no time is left, or a lot is found. Raises StoreUnavailable."""
    lookup = _Lookup(log, names, search, expects, time_left)
    await lookup.run()
    return lookup.found()


class _Lookup:
    """A search at work."""

    def __init__(
        self,
        log: AuditLog,
        names: Sequence[str],
        search: Search,
        expects: Callable[[bytes], list[str]],
        time_left: Callable[[], float],
    ) -> None:
        self._log, self._search, self._clock_left = log, search, time_left
        self._needles = [
            *((name, needle(search.event_id)) for name in names),
            *((actions.LOG, part) for part in actions.needles(search.event_id)),
        ]
        self._expects = expects
        self._entries: dict[DeliveryKey, AuditEntry] = {}
        self._actions: dict[object, ManualAction] = {}
        self._met: dict[EventKey, AuditEntry | ManualAction] = {}
        self._bytes = 0

    def _time_left(self) -> float:
        """Return 0 when it is enough for one answer: some publishers know only one id."""
        count = len(self._entries) + len(self._actions) + len(self._met)
        is_full = count >= MOST_STEPS or self._bytes >= MOST_BYTES
        return 0.0 if is_full else self._clock_left()

    async def run(self) -> None:
        """Search until it is over or no time is left; at least one piece of time."""
        search, has_begun = self._search, False
        while not search.is_over and (self._time_left() > 0 or not has_begun):
            has_begun = True
            if search.ahead is not None:
                await self._go_ahead(search.ahead)
            elif search.behind is not None:
                await self._go_behind(search.behind)

    async def _go_ahead(self, span: Span) -> None:
        """Search to the end, or until all that take the event are done with it."""
        search, pieces = self._search, Windows(*span, forwards=True)
        for since, until in pieces:
            if await self._look(since, until, pieces):
                return
            search.until = until
            search.ahead = (until + MOMENT, pieces.until)
            if search.may_end and not search.several and search.all_are(search.done):
                break
            if self._time_left() <= 0 and until < pieces.until:
                return
        search.ahead = None

    async def _go_behind(self, span: Span) -> None:
        """Search back to the oldest that there may be."""
        search, end = self._search, span[1]
        pieces = Windows(
            search.next_floor(end), end, forwards=False, length=search.piece
        )
        for since, until in pieces:
            if await self._look(since, until, pieces):
                return
            search.since, end = since, since - MOMENT
            nothing = not self._met and not self._actions
            search.piece = min(pieces.length * 4, LONGEST) if nothing else SHORTEST
            pieces.since = search.next_floor(end)
            search.behind = (pieces.since, end)
            if self._time_left() <= 0 and search.floor() < since:
                return
        if search.floor() > end:
            search.behind = None

    async def _look(self, since: datetime, until: datetime, pieces: Windows) -> bool:
        """Look at a piece of time; True when it shows that there are several events.

        Then all of the time is to be looked at, from the newest back.
        """
        search, began = self._search, self._clock_left()
        knew = search.several
        for line in await self._log.search(self._needles, since, until):
            self._read_line(line)
        if began - self._clock_left() > SLOW_SECONDS:
            pieces.slow()
        if knew or not search.several:
            return False
        search.ahead, search.behind = None, search.whole
        search.since = search.until = search.whole[1]
        return True

    def _read_line(self, line: bytes) -> None:
        search = self._search
        entry = decode(line)
        if entry is not None:
            if entry.id == search.event_id and self._is_wanted(entry.key, entry):
                self._bytes += len(line)
                self._add_entry(entry)
            return
        action = actions.decode(line)
        keys = set() if action is None else action.keys_of(search.event_id)
        if action is None or keys == set():
            return
        if keys is None or sum(self._is_wanted(key, action) for key in keys):
            self._bytes += len(line)
            self._add_action(line, action)

    def _is_wanted(self, key: EventKey, found: AuditEntry | ManualAction) -> bool:
        """Return whether this is the event, or one of those, that are looked for."""
        search = self._search
        if search.is_chosen and key.source != search.source:
            return False
        if search.source is None:
            search.source = key.source
        search.several |= key.source != search.source
        met = self._met.get(key)
        if met is None or _order(found) < _order(met):
            self._met[key] = found
        return True

    def _add_entry(self, entry: AuditEntry) -> None:
        """Learn from an entry who else takes the event, and when its life began."""
        search, at = self._search, datetime.fromisoformat(entry.at)
        if search.several:
            return
        self._entries[entry.delivery_key] = entry
        search.first = min(at, search.first or at)
        event = events.read(bytes(entry.event))
        if search.expected is None:
            search.expected = self._expects(bytes(entry.event))
        if search.published is None:  # a redrive is too late to believe a stamp
            self._learn_publication(event, at)
        claim = event.extensions.get(publish_stamp.PUBLISHER)
        if claim and len(search.claims) < MOST_CLAIMS:
            search.claims = _with(search.claims, str(claim)[:LONGEST_CLAIM])
        if entry.redrive is None:
            search.last = max(at, search.last or at)
        search.seen = _with(search.seen, entry.subscription)
        if entry.delivery_count == 1:
            search.begun = _with(search.begun, entry.subscription)
        if entry.disposition in TERMINAL:
            search.done = _with(search.done, entry.subscription)

    def _learn_publication(self, event: AnyEvent, at: datetime) -> None:
        """Learn when it was published: by our stamp, or else as its publisher claims."""
        search = self._search
        search.published = publish_stamp.believed(
            event.extensions.get(publish_stamp.ATTRIBUTE), at, search.lifetime
        )
        search.is_claim = search.published is None
        search.time = search.published or in_utc(event.time)

    def _add_action(self, line: bytes, action: ManualAction) -> None:
        search = self._search
        if search.several:
            return
        self._actions.setdefault(action.fold_key(line), action)
        if action.action == "publish":
            at = datetime.fromisoformat(action.stamped or action.at)
            search.noted = min(at, search.noted or at)
            if action.identity is not None:
                search.noted_by = _with(search.noted_by, action.identity)
        if action.delivery_count == 1 and action.subscription is not None:
            search.begun = _with(search.begun, action.subscription)

    def found(self) -> History:
        """Return what was found, oldest first; of several events only which these are."""
        if self._search.several:
            return History([], [], self._met)
        entries = sorted(self._entries.values(), key=attrgetter("at"))
        acts = sorted(self._actions.values(), key=attrgetter("at"))
        return History(entries, acts, self._met)


def _with(names: list[str], name: str) -> list[str]:
    return names if name in names else [*names, name]


def _order(found: AuditEntry | ManualAction) -> tuple[bool, str]:
    """Sort entries first, because they say more; the oldest first."""
    return isinstance(found, ManualAction), found.at
