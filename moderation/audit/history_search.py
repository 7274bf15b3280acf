"""How far a search for one event's life has come, and how far back it may have to look."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from eventgrid_pull.blob.append_log import CLOCK_SKEW
from eventgrid_pull.publishing.publish_stamp import LONGEST_LIFE
from moderation.event_key import EventKey
from moderation.storage.paging import MOMENT, SHORTEST

LONGEST_LOOK_BACK = timedelta(days=31)

type Span = tuple[datetime, datetime]


class Search(msgspec.Struct, kw_only=True):
    """How far a search has come: what it goes on with.

    `whole` is all the time that may be looked at. `ahead` is searched first, from its
    beginning on; then `behind`, from its end back. `since` and `until`: what was
    searched. No event waits longer than a `lifetime`. `source` is that of the event: as asked (`is_chosen`), or of the only one
    found so far; `several` says that more than one was found. `may_end` allows to end
    as soon as one life is whole: other events with its id are not expected. `expected`
    event subscriptions take the event (None: not known yet); those that are `done` have
    settled it for good; of those that are `seen` a delivery was found, of those that
    are `begun` the first one.
    `time` is when it was published, its publisher's claim where `is_claim` says so;
    `published` is our stamp of that, `noted` when it was noted. `claims` are who
    published it as its deliveries say, `noted_by` who did as the log says. `first` is the oldest
    entry's moment, `last` that of its newest delivery. `piece` is how much is searched next in one
    go, back in time.
    """

    event_id: str
    whole: Span
    ahead: Span | None
    behind: Span | None
    since: datetime
    until: datetime
    lifetime: timedelta = LONGEST_LIFE
    source: str | None = None
    is_chosen: bool = False
    may_end: bool = True
    several: bool = False
    expected: list[str] | None = None
    done: list[str] = []
    seen: list[str] = []
    begun: list[str] = []
    time: datetime | None = None
    is_claim: bool = False
    published: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None
    noted: datetime | None = None
    claims: list[str] = []
    noted_by: list[str] = []
    piece: timedelta = SHORTEST

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
        moments = (self.first, self.noted, self.published)
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
    """Return an event's own time in UTC; None where it is none there."""
    try:
        return time and time.astimezone(UTC)
    except OverflowError:  # in the first or the last hours of all time
        return None


def _time_of(event_id: str) -> datetime | None:
    """Return when an id was made that is a UUID of version 7 (RFC 9562); else None."""
    digits = event_id.replace("-", "")
    if len(event_id) != 36 or len(digits) != 32 or digits[12] != "7":
        return None
    try:
        milliseconds = int(digits[:12], 16)
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
