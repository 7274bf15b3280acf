"""What an answer tells of an event besides its envelope, and when its id was made."""

from datetime import UTC, datetime

import msgspec

from moderation import events
from moderation.events import Moderation


class Details(msgspec.Struct, frozen=True):
    """What an answer says about an event besides its envelope; None: not known."""

    category: str | None = None
    severity: str | None = None
    confidence: float | None = None
    model: str | None = None
    subject: str | None = None
    time: datetime | None = None


def details(event: bytes) -> Details:
    """What the event's JSON says, if it is an event that can be read. Never raises."""
    found = events.read(event)
    said = found.payload
    time = in_utc(found.time)
    if not isinstance(said, Moderation):
        return Details(subject=found.subject, time=time)
    return Details(
        category=said.category,
        severity=said.severity.value,
        confidence=said.confidence,
        model=f"{said.model_name} {said.model_version}",
        subject=found.subject,
        time=time,
    )


def in_utc(time: datetime | None) -> datetime | None:
    """An event's own time, which may be anything; None where it is none in UTC."""
    try:
        return time and time.astimezone(UTC)
    except OverflowError:  # in the first or the last hours of all time
        return None


def time_of(event_id: str) -> datetime | None:
    """When an id was made that is a UUID of version 7 (RFC 9562); else None."""
    digits = event_id.replace("-", "")
    if len(event_id) != 36 or len(digits) != 32 or digits[12] != "7":
        return None
    try:
        milliseconds = int(digits[:12], 16)
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
