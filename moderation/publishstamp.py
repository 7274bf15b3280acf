"""When we published an event, by our own clock: an extension attribute that travels with it.

Event Grid says nothing of when it took an event. An event's `time` is its publisher's
to choose, so it measures nothing; this attribute is set by every publish of ours over
whatever stood there. Who publishes past us may set it, too: it is believed only where
the event could have been waiting since then (docs/decisions/0016).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from moderation.appendlog import CLOCK_SKEW, stamp

ATTRIBUTE = "egpublishedat"
# No event waits longer: Event Grid keeps none for more than a week.
LONGEST_LIFE = timedelta(days=7)
LENGTH = len("2026-01-31T12:00:00.000000Z")

type Json = dict[str, object]


def stamped(events: Sequence[Mapping[str, object]], now: datetime) -> list[Json]:
    """Return the events with our stamp, whatever they had in its place."""
    at = stamp(now)
    return [{**event, ATTRIBUTE: at} for event in events]


def believed(
    claim: object, *, delivered: datetime, lives: timedelta
) -> datetime | None:
    """Return the moment of a stamp; None where it is none of ours.

    The event was delivered at `delivered`, and `lives` that long at most.
    """
    if not isinstance(claim, str) or len(claim) != LENGTH or not claim.endswith("Z"):
        return None
    try:
        at = datetime.fromisoformat(claim)
    except ValueError:
        return None
    return at if is_possible(at, delivered=delivered, lives=lives) else None


def is_possible(at: datetime, *, delivered: datetime, lives: timedelta) -> bool:
    """Tell whether an event that was delivered then can be from that moment."""
    return -CLOCK_SKEW <= delivered - at <= lives + CLOCK_SKEW
