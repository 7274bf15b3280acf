"""How far a search for one event's life has come, and how far back it may have to look."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from eventgrid_pull.blob.append_log import CLOCK_SKEW
from eventgrid_pull.publishing.publish_stamp import LONGEST_LIFE
from moderation.audit.windows import MOMENT, SHORTEST
from moderation.event_key import EventKey

LONGEST_LOOK_BACK = timedelta(days=31)

type Moment = Annotated[datetime, msgspec.Meta(tz=True)]
type Span = tuple[Moment, Moment]


class Progress(msgspec.Struct, kw_only=True, array_like=True):
    """How far a search has come, and what it knows of the event so far.

    Time: `since` to `until` was looked at. `ahead` is next, from its beginning on; then
    `behind`, from its end back, a `piece` in one go.
    Event: its `source` as asked, or that of the only one found; `several` when there are
    more. `may_end`: one whole life may end the search, because no other event is
    expected to have the id.
    Event subscriptions: those `expected` to take it (None: not known yet), those of
    which a delivery was `seen`, or the first one (`begun`), and those `done` for good.
    Moments: `time` when it was published, a claim where `is_claim` says so, `published`
    by our stamp, `noted` in the log, its `first` entry and its `last` delivery.
    Publishers: `claims` of its deliveries, and those `noted_by` the log.
    """

    ahead: Span | None
    behind: Span | None
    since: Moment
    until: Moment
    source: str | None = None
    may_end: bool = True
    several: bool = False
    expected: list[str] | None = None
    done: list[str] = []
    seen: list[str] = []
    begun: list[str] = []
    time: Moment | None = None
    is_claim: bool = False
    published: Moment | None = None
    first: Moment | None = None
    last: Moment | None = None
    noted: Moment | None = None
    piece: timedelta = SHORTEST
    claims: list[str] = []
    noted_by: list[str] = []


class Search(Progress, kw_only=True):
    """A search for one event: `whole` may be looked at; `is_chosen` when asked by source.

    No event waits longer than its `lifetime`.
    """

    event_id: str
    whole: Span
    lifetime: timedelta = LONGEST_LIFE
    is_chosen: bool = False

    @property
    def is_over(self) -> bool:
        """Return whether there is nothing left to search."""
        return self.ahead is None and self.behind is None

    @property
    def key(self) -> EventKey:
        """Return the event that is looked for, as far as it is known."""
        return EventKey(self.source or "", self.event_id)

    def all_are(self, names: Sequence[str]) -> bool:
        """Return whether all that take the event are among these names."""
        return self.expected is not None and set(self.expected) <= set(names)

    def floor(self) -> datetime:
        """Return how far back there may be anything of the event, by our own moments.

        Before its publication or its first deliveries there is nothing; of the time
        that the event says of itself only that we need not stop before it.
        """
        oldest, _ = self.whole
        # Its only entry may be a redrive, weeks after its deliveries.
        moments = (self.last and self.first, self.noted, self.published)
        known = min(filter(None, moments), default=None)
        if known is None or self.several or not self.may_end:
            return oldest
        floor = (self.last or known) - self.lifetime
        has_begun = self.seen and set(self.seen) <= set(self.begun)
        if self.noted or self.published or has_begun:
            floor = max(floor, self._published(known))
        return max(floor, oldest)

    def next_floor(self, end: datetime) -> datetime:
        """Return how far back to look first: not past what the event says, if it does.

        What is found up to there may show that there is nothing further back.
        """
        floor = self.floor()
        likely = self._published(self.first) if self.first else floor
        return likely if floor < likely <= end else floor

    def _published(self, known: datetime) -> datetime:
        return min(self.time or known, known) - CLOCK_SKEW


def begin(
    event_id: str,
    at: datetime | None,
    now: datetime,
    *,
    source: str | None = None,
    since: datetime | None = None,
    lifetime: timedelta = LONGEST_LIFE,
) -> Search:
    """Begin a search from `at` on, a time near the event's own, or from the id's time.

    From the newest backwards when neither is known. Nothing before `since` is sought;
    `lifetime` is how long the topic keeps an event.
    """
    floor, end = now - LONGEST_LOOK_BACK, now + CLOCK_SKEW
    floor = max(floor, since or floor)
    known = [time for time in (at, _time_of(event_id)) if time and floor < time <= end]
    start = min(known, default=end)
    if known:
        start = max(start - CLOCK_SKEW, floor)
    return Search(
        event_id=event_id,
        whole=(floor, end),
        ahead=(start, end) if known else None,
        behind=(floor, start - MOMENT if known else end),
        since=start,
        until=start,
        lifetime=lifetime,
        source=source,
        is_chosen=source is not None,
        may_end=source is not None or at is not None or _is_unique(event_id),
    )


def _is_unique(event_id: str) -> bool:
    """Return whether the id is one that no two publishers make: a UUID."""
    try:
        return str(uuid.UUID(event_id)) == event_id.lower()
    except ValueError:
        return False


def in_utc(time: datetime | None) -> datetime | None:
    """Return an event's own time in UTC; None where UTC has no such time."""
    try:
        return time and time.astimezone(UTC)
    except OverflowError:  # in the first or the last hours of all time
        return None


def _time_of(event_id: str) -> datetime | None:
    """Return when an id was made that is a UUID of version 7 (RFC 9562); else None."""
    try:
        made = uuid.UUID(event_id)
        at = datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if made.version == 7 else None
