"""What Event Grid lends us, and the three ways to give it back."""

from enum import IntEnum, StrEnum
from typing import ClassVar

import msgspec

from moderation.events import Event, MalformedEvent


class Verb(StrEnum):
    """A disposition by its name, as the audit log, the API and Event Grid spell it."""

    ACKNOWLEDGE = "acknowledge"
    RELEASE = "release"
    REJECT = "reject"


class Verdict(StrEnum):
    """What becomes of the content."""

    QUARANTINED = "quarantined"
    SENT_TO_REVIEW = "sent-to-review"
    APPROVED = "approved"
    RECORDED = "recorded"
    SETTLED_BY_HAND = "settled-by-hand"  # whoever did it knows; see the entry's `by`


class ReleaseDelay(IntEnum):
    """The only delays Event Grid accepts, in seconds (`releaseDelayInSeconds`)."""

    NONE = 0
    TEN_SECONDS = 10
    ONE_MINUTE = 60
    TEN_MINUTES = 600
    ONE_HOUR = 3600


class Acknowledge(msgspec.Struct, frozen=True):
    """Done: Event Grid forgets the event."""

    VERB: ClassVar = Verb.ACKNOWLEDGE

    verdict: Verdict
    reason: str | None = None


class Release(msgspec.Struct, frozen=True):
    """Not now: Event Grid delivers the event again after the delay.

    Without a delay it grows with the delivery count: 10 s, 1 min, 10 min, then 1 h.
    """

    VERB: ClassVar = Verb.RELEASE

    reason: str
    delay: ReleaseDelay | None = None


class Reject(msgspec.Struct, frozen=True):
    """Never: Event Grid moves the event to the dead-letter location."""

    VERB: ClassVar = Verb.REJECT

    reason: str


type Disposition = Acknowledge | Release | Reject


LF, CR = b"\n\r"  # as numbers: they are found ten times as fast


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One event on loan, with the lock token that settles it.

    `delivery_count` is 1 the first time. `raw` is the event's JSON as it came.
    """

    lock_token: str
    delivery_count: int
    raw: bytes
    event: Event

    @property
    def short_token(self) -> str:
        """Enough of the lock token to recognise it, too little to settle with."""
        token = self.lock_token
        return token if len(token) <= 12 else f"{token[:4]}…{token[-6:]}"

    @property
    def json(self) -> bytes:
        """The event's JSON as it came.

        What no reader of JSON could read (not UTF-8, or nested too deep) becomes a JSON
        string.
        """
        raw = self.raw
        if isinstance(self.event.payload, MalformedEvent) and not _is_readable(raw):
            return msgspec.json.encode(raw.decode(errors="replace"))
        return raw

    @property
    def line(self) -> bytes:
        """The same on one line: line breaks can only stand between its tokens."""
        raw = self.json
        if LF in raw or CR in raw:
            raw = raw.replace(b"\n", b" ").replace(b"\r", b" ")
        return raw


def _is_readable(raw: bytes) -> bool:
    try:
        raw.decode()
        _any.decode(raw)
    except (ValueError, RecursionError):
        return False
    return True


_any = msgspec.json.Decoder(list[msgspec.Raw] | dict[str, msgspec.Raw] | str | None)


BACKOFF = (
    ReleaseDelay.TEN_SECONDS,
    ReleaseDelay.ONE_MINUTE,
    ReleaseDelay.TEN_MINUTES,
    ReleaseDelay.ONE_HOUR,
)


def settled_on(
    disposition: Disposition, delivery_count: int, *, limit: int
) -> Disposition:
    """The disposition as it is carried out, on delivery 1 up to `limit`.

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
