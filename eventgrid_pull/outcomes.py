"""What becomes of an event: acknowledged, released or rejected, and when it comes back."""

from enum import IntEnum, StrEnum
from typing import ClassVar, Literal

import msgspec


class Verb(StrEnum):
    """A disposition by its name, as the recorder, the log and Event Grid spell it."""

    ACKNOWLEDGE = "acknowledge"
    RELEASE = "release"
    REJECT = "reject"


class ReleaseDelay(IntEnum):
    """The only delays Event Grid accepts, in seconds (`releaseDelayInSeconds`)."""

    NONE = 0
    TEN_SECONDS = 10
    ONE_MINUTE = 60
    TEN_MINUTES = 600
    ONE_HOUR = 3600


# The same, as they may be written.
type Seconds = Literal[0, 10, 60, 600, 3600]


class Acknowledge(msgspec.Struct, frozen=True):
    """Done: Event Grid forgets the event. The recorder gets the note as it is."""

    VERB: ClassVar = Verb.ACKNOWLEDGE

    note: object = None
    reason: str | None = None


class Release(msgspec.Struct, frozen=True):
    """Not now: Event Grid delivers the event again after the delay.

    Without a delay it grows with the delivery count: 10 s, 1 min, 10 min, then 1 h.
    """

    VERB: ClassVar = Verb.RELEASE

    reason: str
    delay: ReleaseDelay | Seconds | None = None


class Reject(msgspec.Struct, frozen=True):
    """Never: Event Grid moves the event to the dead-letter location."""

    VERB: ClassVar = Verb.REJECT

    reason: str
    note: object = None


type Disposition = Acknowledge | Release | Reject
# The same for `isinstance`: to make the union anew would cost more than to ask.
DISPOSITIONS = (Acknowledge, Release, Reject)


class InvalidDisposition(TypeError):
    """A handler returned something else; the message has its type, and no value."""


def release_for(error: Exception) -> Release:
    """Return what becomes of an event whose handler raised this."""
    cause = error.__cause__
    if type(error) is RuntimeError and isinstance(cause, StopIteration):
        error = cause  # which neither a coroutine nor a future passes on as it is
    return Release(f"the handler failed: {type(error).__name__}")


class Settled(msgspec.Struct, frozen=True):
    """The lock tokens that Event Grid settled, and why it did not settle the others."""

    succeeded: frozenset[str]
    failed: dict[str, str] = {}


BACKOFF = (
    ReleaseDelay.TEN_SECONDS,
    ReleaseDelay.ONE_MINUTE,
    ReleaseDelay.TEN_MINUTES,
    ReleaseDelay.ONE_HOUR,
)


def resolve_disposition(
    disposition: Disposition, delivery_count: int, *, limit: int
) -> Disposition:
    """Return the disposition as it is carried out, on delivery 1 up to `limit`.

    A release gets its delay; on the last permitted delivery it becomes a reject with
    the reason, because Event Grid would give the event up then without saying why.
    """
    match disposition:
        case Release(reason=reason) if delivery_count >= limit:
            return Reject(f"gave up after {delivery_count} deliveries: {reason}")
        case Release(reason=reason, delay=None):
            step = min(max(delivery_count, 1), len(BACKOFF))
            return Release(reason, BACKOFF[step - 1])
        case _:
            return disposition
