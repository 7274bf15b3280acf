"""The moderation events, typed. A new event type is a Struct and its line in `TYPES`."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from eventgrid_pull import AnyEvent, Event
from eventgrid_pull.events import cloudevents, event_decoder

PREFIX = "com.contoso.ai."
# The category, in any case, of content that nothing was found in.
SAFE = "safe"
# The extension attribute that marks a probe of inspect; see `inspection.recognition`.
PROBE_MARK = "moderationprobe"


class Severity(StrEnum):
    """How bad the model thinks the content is."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


type Text = Annotated[
    str,
    Meta(min_length=1, max_length=256, description="a string of 1 to 256 characters"),
]
type LongText = Annotated[
    str,
    Meta(min_length=1, max_length=4096, description="a string of 1 to 4096 characters"),
]
type Confidence = Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")]
type Level = Annotated[Severity, Meta(description="one of none, low, medium, high")]
type Flag = Annotated[bool, Meta(description="true or false")]
type Moment = Annotated[
    datetime,
    Meta(tz=True, description="an RFC 3339 time with its zone"),
]


class Moderation(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """What a moderation model said about one piece of content.

    `confidence` is 0 to 1. Keys of the JSON are in camelCase; others are kept as they
    are and not looked at.
    """

    content_id: Text
    content_type: Text
    model_name: Text
    model_version: Text
    confidence: Confidence
    category: Text
    severity: Level
    review_required: Flag
    timestamp: Moment | None = None


class ContentFlagged(Moderation, frozen=True, kw_only=True):
    """The content breaks a rule."""


class ContentApproved(Moderation, frozen=True, kw_only=True):
    """The content is safe."""


class ReviewEscalated(Moderation, frozen=True, kw_only=True, rename="camel"):
    """A person has to look at the content."""

    escalation_reason: LongText


class Verdict(StrEnum):
    """What becomes of the content."""

    QUARANTINED = "quarantined"
    SENT_TO_REVIEW = "sent-to-review"
    APPROVED = "approved"
    RECORDED = "recorded"
    SETTLED_BY_HAND = "settled-by-hand"  # whoever did it knows; see the entry's `by`


# Every event type, with what its data is: decoding, publishing, the page and the API's
# description follow from it.
TYPES: dict[str, type[Moderation]] = {
    PREFIX + "ContentFlagged": ContentFlagged,
    PREFIX + "ContentApproved": ContentApproved,
    PREFIX + "ReviewEscalated": ReviewEscalated,
}
# The same, and the data of any other type as it came.
ANY_TYPE: dict[str | None, object] = dict(TYPES.items())
ANY_TYPE[None] = bytes

_decode = event_decoder.decoder(bytes, ANY_TYPE)


def read(raw: bytes, delivery_count: int = 1) -> AnyEvent:
    """Return the event in a delivery. Never raises: what cannot be read is malformed."""
    return _decode(raw, delivery_count)


class _ContentHint(Struct, frozen=True, rename="camel"):
    content_id: object = None


_content_hint = msgspec.json.Decoder(_ContentHint)


def content_id(event: AnyEvent) -> str | None:
    """Return the id of the content that an event is about, even of an invalid event."""
    if isinstance(event, Event) and isinstance(event.data, Moderation):
        return event.data.content_id
    try:
        data = cloudevents.read(event.raw).json or b""
        found = _content_hint.decode(data).content_id
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, str) else None
