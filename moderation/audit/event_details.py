"""What an event's payload says that readers filter and show, and when an id was made."""

from datetime import UTC, datetime

from moderation.events import Moderation, Payload

# Category, severity, confidence and model.
type Judgement = tuple[str | None, str | None, float | None, str | None]


def judgement(payload: Payload) -> Judgement:
    """Return what the payload says, if it is that of a moderation event."""
    if not isinstance(payload, Moderation):
        return None, None, None, None
    model = f"{payload.model_name} {payload.model_version}"
    return payload.category, payload.severity, payload.confidence, model


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
