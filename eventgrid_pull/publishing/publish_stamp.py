"""When and by whom we published an event: extension attributes that travel with it.

Event Grid says nothing of when it took an event, nor from whom. An event's `time` is its
publisher's to choose, so it measures nothing; these attributes are set by every publish
of ours over whatever stood there. Who publishes past us may set them, too: the moment is
believed only where the event could have been waiting since then
(docs/decisions/0016), the name is a claim until a line of the log proves it
(docs/decisions/0029).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from eventgrid_pull.blob.append_log import CLOCK_SKEW, stamp

ATTRIBUTE = "egpublishedat"
PUBLISHER = "egpublishedby"
# No event waits longer: Event Grid keeps none for more than a week.
LONGEST_LIFE = timedelta(days=7)
LENGTH = len("2026-01-31T12:00:00.000000Z")

type Json = dict[str, object]


def add_stamps(
    events: Sequence[Mapping[str, object]], now: datetime, by: str | None = None
) -> list[Json]:
    """Return the events with our attributes, whatever they had in their places.

    `by` is who publishes; without it no event says so.
    """
    ours = {ATTRIBUTE: stamp(now), PUBLISHER: by}
    made = [{**event, **ours} for event in events]
    if by is None:
        for event in made:
            del event[PUBLISHER]
    return made


def read(claim: object) -> datetime | None:
    """Return the moment that stands in the place of our stamp, if one does."""
    if not isinstance(claim, str) or len(claim) != LENGTH or claim[-1] != "Z":
        return None
    try:
        return datetime.fromisoformat(claim)
    except ValueError:
        return None


def waited(at: datetime, delivered: datetime, lives: timedelta) -> float | None:
    """Return the milliseconds from a moment to the delivery of an event.

    None where it cannot have waited from then on: it lives for `lives` at most.
    """
    span = delivered - at
    if not -CLOCK_SKEW <= span <= lives + CLOCK_SKEW:
        return None
    return max(0.0, span.total_seconds() * 1000)  # clocks differ


def believed(claim: object, delivered: datetime, lives: timedelta) -> datetime | None:
    """Return the moment of a stamp; None where it cannot be ours."""
    at = read(claim)
    return at if at and waited(at, delivered, lives) is not None else None
