"""The moderation events, typed: an event's bytes in, one of four payloads out."""

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, field

from eventgrid_pull import cloudevents, publish_stamp, rfc3339
from eventgrid_pull.cloudevents import Envelope, Problem
from eventgrid_pull.event import AnyEvent, Event, MalformedEvent

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


class Verdict(StrEnum):
    """What becomes of the content."""

    QUARANTINED = "quarantined"
    SENT_TO_REVIEW = "sent-to-review"
    APPROVED = "approved"
    RECORDED = "recorded"
    SETTLED_BY_HAND = "settled-by-hand"  # whoever did it knows; see the entry's `by`


type Payload = ContentFlagged | ContentApproved | ReviewEscalated | UnknownContent
type ModerationEvent = Event[Payload] | MalformedEvent

TYPES: dict[str, type[Moderation]] = {
    FLAGGED: ContentFlagged,
    APPROVED: ContentApproved,
    ESCALATED: ReviewEscalated,
}


class _Known(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """A delivered event of a type we know, read in one go: envelope and payload."""

    id: str
    type: str
    source: str
    specversion: Literal["1.0"]
    data: ContentFlagged | ContentApproved | ReviewEscalated
    subject: str | None = None
    time: Moment | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    stamp: object = field(default=None, name=publish_stamp.ATTRIBUTE)
    publisher: object = field(default=None, name=publish_stamp.PUBLISHER)


# JSON's `type` chooses the class, so the field of that name goes by another in JSON,
# where it may be an extension attribute: one that says the same, or it is not read here.
_TYPE = "eventtype"


class _Flagged(_Known, frozen=True, kw_only=True, tag_field="type", tag=FLAGGED):
    type: Literal["com.contoso.ai.ContentFlagged"] = field(default=FLAGGED, name=_TYPE)
    data: ContentFlagged


class _Approved(_Known, frozen=True, kw_only=True, tag_field="type", tag=APPROVED):
    type: Literal["com.contoso.ai.ContentApproved"] = field(
        default=APPROVED, name=_TYPE
    )
    data: ContentApproved


class _Escalated(_Known, frozen=True, kw_only=True, tag_field="type", tag=ESCALATED):
    type: Literal["com.contoso.ai.ReviewEscalated"] = field(
        default=ESCALATED, name=_TYPE
    )
    data: ReviewEscalated


class _Hints(Struct, frozen=True):
    """What can still be said about an event that is not one."""

    id: object = None
    source: object = None
    type: object = None


class _ContentHint(Struct, frozen=True, rename="camel"):
    content_id: object = None


_known: msgspec.json.Decoder[_Known] = msgspec.json.Decoder(
    _Flagged | _Approved | _Escalated
)
_decoders = {name: msgspec.json.Decoder(payload) for name, payload in TYPES.items()}
_hints = msgspec.json.Decoder(_Hints)
_content_hint = msgspec.json.Decoder(_ContentHint)
_object = msgspec.json.Decoder(dict[str, object])
_fields = cache(msgspec.structs.fields)  # half of what checking an event costs


def read(raw: bytes, delivery_count: int = 1) -> ModerationEvent:
    """Return the event in a delivery. Never raises: what cannot be read is malformed."""
    try:
        if not raw.isascii():
            raw.decode()
        known = _known.decode(raw)
    except (ValueError, RecursionError):
        return _read_carefully(raw, delivery_count)
    if (time := known.time) is not None and not 1 < time.year < 9999:
        return _read_carefully(raw, delivery_count)  # it may have none in UTC
    extensions: dict[str, object] = {}
    if known.stamp is not None:
        extensions[publish_stamp.ATTRIBUTE] = known.stamp
    if known.publisher is not None:
        extensions[publish_stamp.PUBLISHER] = known.publisher
    return Event(  # by position: thirteen names would cost half a microsecond an event
        known.id,
        known.source,
        known.type,
        known.data,
        known.subject,
        time,
        known.datacontenttype,
        known.dataschema,
        known.traceparent,
        known.tracestate,
        extensions,
        delivery_count,
        raw,
    )


def _read_carefully(raw: bytes, delivery_count: int) -> ModerationEvent:
    """Read the same step by step: other types, extensions, and what is wrong."""
    try:
        raw.decode()
        envelope = cloudevents.read(raw)
        extensions = cloudevents.extensions(raw)
    except (ValueError, RecursionError) as error:
        return _malformed(raw, delivery_count, f"not a CloudEvent: {error}")
    payload = _payload(envelope)
    if isinstance(payload, str):
        return MalformedEvent(
            reason=payload,
            id=envelope.id,
            source=envelope.source,
            type=envelope.type,
            subject=_text(envelope.subject),
            time=rfc3339.held(envelope.time),
            traceparent=_text(envelope.traceparent),
            extensions=extensions,
            delivery_count=delivery_count,
            raw=raw,
        )
    return Event(
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        data=payload,
        subject=_text(envelope.subject),
        time=rfc3339.held(envelope.time),
        datacontenttype=_text(envelope.datacontenttype),
        dataschema=_text(envelope.dataschema),
        traceparent=_text(envelope.traceparent),
        tracestate=_text(envelope.tracestate),
        extensions=extensions,
        delivery_count=delivery_count,
        raw=raw,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _payload(envelope: Envelope) -> Payload | str:
    """Return the payload, or why it is not that of its type."""
    data = envelope.json
    decoder = _decoders.get(envelope.type)
    if decoder is None:
        return UnknownContent(content_id=_content_id(data or b""))
    if data is None:
        reason = "its `datacontenttype` says that `data_base64` is not JSON"
        return f"not the payload of {envelope.type}: {reason}"
    try:
        data.decode()
        return decoder.decode(data)  # type: ignore[return-value]
    except (ValueError, RecursionError):
        return _read_members(TYPES[envelope.type], envelope.type, data)


def _read_members(payload: type[Moderation], name: str, data: bytes) -> Payload | str:
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
    return f"not the payload of {name}: {wrong}"


def _malformed(raw: bytes, delivery_count: int, reason: str) -> MalformedEvent:
    try:
        hints = _hints.decode(raw)
    except (ValueError, RecursionError):
        hints = _Hints()
    return MalformedEvent(
        reason=reason,
        id=_text(hints.id) or "",
        source=_text(hints.source) or "",
        type=_text(hints.type) or "",
        delivery_count=delivery_count,
        raw=raw,
    )


def content_id(event: AnyEvent) -> str | None:
    """Return the content that an event is about, also where it is not as it should be."""
    if isinstance(event, Event):
        return getattr(event.data, "content_id", None)
    try:
        return _content_id(cloudevents.read(event.raw).json or b"")
    except (ValueError, RecursionError):
        return None


def _content_id(data: bytes) -> str | None:
    try:
        return _text(_content_hint.decode(data).content_id)
    except (ValueError, RecursionError):
        return None


def problems(
    payload: type[Moderation], data: dict[str, object], path: str
) -> list[Problem]:
    """Everything in `data` that is not as the payload's type says; empty when fine."""
    if _fits(data, payload):
        return []
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
