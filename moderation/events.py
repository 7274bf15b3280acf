"""The moderation events, typed: a delivered event in, one of five payloads out."""

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, field

from eventgrid_pull import cloudevents, publish_stamp, rfc3339
from eventgrid_pull.cloudevents import Envelope, Problem
from moderation.event_key import EventKey

PREFIX = "com.contoso.ai."
FLAGGED: Final = "com.contoso.ai.ContentFlagged"
APPROVED: Final = "com.contoso.ai.ContentApproved"
ESCALATED: Final = "com.contoso.ai.ReviewEscalated"


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


class UnknownContent(Struct, frozen=True, kw_only=True):
    """An event of a type that this app has not heard of."""

    content_id: str | None = None


class MalformedEvent(Struct, frozen=True, kw_only=True):
    """Not a CloudEvent, or not the payload that its type promises; why, in words."""

    reason: str
    content_id: str | None = None


type Payload = (
    ContentFlagged | ContentApproved | ReviewEscalated | UnknownContent | MalformedEvent
)

TYPES: dict[str, type[Moderation]] = {
    FLAGGED: ContentFlagged,
    APPROVED: ContentApproved,
    ESCALATED: ReviewEscalated,
}


class Event(Struct, frozen=True, gc=False, kw_only=True):
    """One event as a handler sees it: attributes of the envelope, and the payload.

    `id`, `source` and `type` are empty for a malformed event that has none. `time` is
    what the publisher claims, and None too when that cannot be read as a moment in UTC.
    `stamp` is what stands where we put when we published it.
    """

    id: str
    type: str
    source: str = ""
    subject: str | None = None
    time: datetime | None = None
    traceparent: str | None = None
    stamp: object = field(default=None, name=publish_stamp.ATTRIBUTE)
    payload: Payload

    @property
    def key(self) -> EventKey:
        """What tells it from all other events."""
        return EventKey(self.source, self.id)


class _Known(Event, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A delivered event of a type we know, read in one go: envelope and payload."""

    source: str
    specversion: Literal["1.0"]
    time: Moment | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    tracestate: str | None = None


# JSON's `type` chooses the class, so the field of that name goes by another in JSON,
# where it may be an extension attribute: one that says the same, or it is not read here.
_TYPE = "eventtype"


class _Flagged(_Known, frozen=True, kw_only=True, tag_field="type", tag=FLAGGED):
    type: Literal["com.contoso.ai.ContentFlagged"] = field(default=FLAGGED, name=_TYPE)
    payload: ContentFlagged = field(name="data")


class _Approved(_Known, frozen=True, kw_only=True, tag_field="type", tag=APPROVED):
    type: Literal["com.contoso.ai.ContentApproved"] = field(
        default=APPROVED, name=_TYPE
    )
    payload: ContentApproved = field(name="data")


class _Escalated(_Known, frozen=True, kw_only=True, tag_field="type", tag=ESCALATED):
    type: Literal["com.contoso.ai.ReviewEscalated"] = field(
        default=ESCALATED, name=_TYPE
    )
    payload: ReviewEscalated = field(name="data")


class _Hints(Struct, frozen=True):
    """What can still be said about an event that is not one."""

    id: object = None
    source: object = None
    type: object = None


class _ContentHint(Struct, frozen=True, rename="camel"):
    content_id: object = None


_known: msgspec.json.Decoder[Event] = msgspec.json.Decoder(
    _Flagged | _Approved | _Escalated
)
_decoders = {name: msgspec.json.Decoder(payload) for name, payload in TYPES.items()}
_hints = msgspec.json.Decoder(_Hints)
_content_hint = msgspec.json.Decoder(_ContentHint)
_object = msgspec.json.Decoder(dict[str, object])
_fields = cache(msgspec.structs.fields)  # half of what checking an event costs


def read(raw: bytes) -> Event:
    """The event in a delivery. Never raises: what cannot be read is MalformedEvent."""
    try:
        if not raw.isascii():
            raw.decode()
        event = _known.decode(raw)
    except (ValueError, RecursionError):
        return _read_carefully(raw)
    if (time := event.time) is None or 1 < time.year < 9999:
        return event
    return _read_carefully(raw)  # it may have a time that is none in UTC


def _read_carefully(raw: bytes) -> Event:
    """The same step by step: for other types, extensions, and what is wrong."""
    try:
        raw.decode()
        envelope = cloudevents.read(raw)
    except (ValueError, RecursionError) as error:
        return _malformed(raw, f"not a CloudEvent: {error}")
    return Event(
        id=envelope.id,
        type=envelope.type,
        source=envelope.source,
        subject=_text(envelope.subject),
        time=rfc3339.held(envelope.time),
        traceparent=_text(envelope.traceparent),
        stamp=envelope.egpublishedat,
        payload=_payload(envelope),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _payload(envelope: Envelope) -> Payload:
    data = envelope.json
    decoder = _decoders.get(envelope.type)
    if decoder is None:
        return UnknownContent(content_id=_content_id(data or b""))
    if data is None:
        reason = "its `datacontenttype` says that `data_base64` is not JSON"
        return MalformedEvent(reason=f"not the payload of {envelope.type}: {reason}")
    try:
        data.decode()
        return decoder.decode(data)  # type: ignore[return-value]
    except (ValueError, RecursionError):
        return _read_members(TYPES[envelope.type], envelope.type, data)


def _read_members(payload: type[Moderation], name: str, data: bytes) -> Payload:
    """Read what the decoder would not: with a time that cannot be held, or malformed.

    The reason says where and what; not the values, because reasons are logged.
    """
    try:
        data.decode()
        members = _object.decode(data)
        found = problems(payload, members, "$.data")
        if not found:
            return msgspec.convert(members | {"timestamp": None}, payload)  # type: ignore[return-value]
        wrong = "; ".join(f"{problem.path} {problem.problem}" for problem in found)
    except (ValueError, RecursionError):
        wrong = "data is not a JSON object"
    reason = f"not the payload of {name}: {wrong}"
    return MalformedEvent(reason=reason, content_id=_content_id(data))


def _malformed(raw: bytes, reason: str) -> Event:
    try:
        hints = _hints.decode(raw)
    except (ValueError, RecursionError):
        hints = _Hints()
    return Event(
        id=_text(hints.id) or "",
        source=_text(hints.source) or "",
        type=_text(hints.type) or "",
        payload=MalformedEvent(reason=reason),
    )


def _content_id(data: bytes) -> str | None:
    try:
        return _text(_content_hint.decode(data).content_id)
    except (ValueError, RecursionError):
        return None


def problems(
    payload: type[Moderation], data: dict[str, object], path: str
) -> list[Problem]:
    """Everything in `data` that is not as the payload's type says; empty when fine."""
    found = []
    for one in _fields(payload):
        where = f"{path}.{one.encode_name}"
        if one.encode_name in data:
            if not _fits(data[one.encode_name], one.type):
                found.append(Problem(where, f"must be {_description(one.type)}"))
        elif one.required:
            found.append(Problem(where, f"is required: {_description(one.type)}"))
    return found


def _fits(value: object, wanted: object) -> bool:
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError:
        # One that is valid, but that no `datetime` holds, is no fault of the event's.
        is_time = wanted == Moment | None and isinstance(value, str)
        return is_time and rfc3339.is_valid(str(value))
    return True


def _description(wanted: object) -> str:
    wanted = getattr(wanted, "__value__", wanted)
    if get_origin(wanted) is Annotated:
        return str(get_args(wanted)[1].description)
    return _description(get_args(wanted)[0])
