"""From an event's bytes to the type that a handler asked for, in one pass where it can.

A decoder of your own must be a `Decode`: it never raises, and what it cannot read
becomes a `MalformedEvent`.
"""

import functools
import operator
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from eventgrid_pull.event import (
    UNREADABLE,
    AnyEvent,
    Decode,
    Event,
    MalformedEvent,
)
from eventgrid_pull.events import cloudevents, data_decoder, rfc3339
from eventgrid_pull.events.cloudevents import Envelope
from eventgrid_pull.events.data_decoder import DataDecoder
from eventgrid_pull.publishing import publish_stamp

# Extension attributes that most events have, so they are read at once.
STAMPS = (publish_stamp.ATTRIBUTE, publish_stamp.PUBLISHER)


# Event type → the type of its data; None → that of all others.
type Types = Mapping[str, object] | Mapping[str | None, object]


def decoder(
    expected: object,
    named: Types | None = None,
) -> Decode:
    """Return a decoder for events whose data is `expected`.

    `named` says instead of which type the data of each event type is; its key None takes
    every type that it does not name. `expected` and the values of `named` are msgspec
    Structs, dataclasses, TypedDicts, Pydantic models, `dict`, `bytes`, or whatever else
    msgspec decodes. Raises UnsupportedType for anything else.
    """
    kinds: dict[str | None, object] = {None: expected}
    return _Decoder(dict(named.items()) if named else kinds).decode


class _Decoder:
    """Decoders for the data of each event type, and one for whole events as most are."""

    def __init__(self, named: Mapping[str | None, object]) -> None:
        self._data = {name: DataDecoder(kind) for name, kind in named.items()}
        self._whole = _whole_decoder(named)

    def decode(self, raw: bytes, delivery_count: int = 1) -> AnyEvent:
        """Return the event, or what is wrong with it. Never raises."""
        if self._whole is None:
            return self._decode_by_steps(raw, delivery_count)
        try:
            if not raw.isascii():
                raw.decode()
            whole = self._whole.decode(raw)
        except UNREADABLE:
            return self._decode_by_steps(raw, delivery_count)
        if (time := whole.time) is not None and not 1 < time.year < 9999:
            return self._decode_by_steps(raw, delivery_count)  # it may have none in UTC
        extensions = {}
        for attribute in STAMPS:
            if (value := getattr(whole, attribute)) is not None:
                extensions[attribute] = value
        return Event(  # by position: thirteen names would cost half a microsecond
            whole.id,
            whole.source,
            whole.type,
            whole.data,
            whole.subject,
            time,
            whole.datacontenttype,
            whole.dataschema,
            whole.traceparent,
            whole.tracestate,
            extensions,
            delivery_count,
            raw,
        )

    def _decode_by_steps(self, raw: bytes, delivery_count: int) -> AnyEvent:
        """Decode step by step: other types, extensions, and what is wrong."""
        try:
            raw.decode()
            envelope = cloudevents.read(raw)
            extensions = cloudevents.extensions(raw)
        except UNREADABLE as error:
            return _malformed(raw, delivery_count, f"not a CloudEvent: {error}")
        members: dict[str, Any] = {
            "id": envelope.id,
            "source": envelope.source,
            "type": envelope.type,
            "subject": _text(envelope.subject),
            "time": rfc3339.to_datetime(envelope.time),
            "traceparent": _text(envelope.traceparent),
            "extensions": extensions,
            "delivery_count": delivery_count,
            "raw": raw,
        }
        try:
            data = self._decode_data(envelope)
        except UNREADABLE as error:
            return MalformedEvent(reason=str(error), **members)
        return Event(
            data=data,
            datacontenttype=_text(envelope.datacontenttype),
            dataschema=_text(envelope.dataschema),
            tracestate=_text(envelope.tracestate),
            **members,
        )

    def _decode_data(self, envelope: Envelope) -> object:
        """Return the data. Raises ValueError with place and rule, and no value."""
        known = envelope.type if envelope.type in self._data else None
        decoder = self._data.get(known)
        if decoder is None:
            expected = ", ".join(sorted(name for name in self._data if name))
            raise ValueError(
                f"type {envelope.type[:200]!r} is not expected here: {expected} are"
            )
        try:
            return decoder.decode(envelope)
        except ValueError as error:
            reason = f"not the data of {envelope.type[:200]!r}: {error}"
            raise ValueError(reason) from None


_TEXT = str | None
_TIME = Annotated[datetime, msgspec.Meta(tz=True)] | None


def _whole_decoder(
    named: Mapping[str | None, object],
) -> "msgspec.json.Decoder[Any] | None":
    """Return a decoder of whole events; None where data is not msgspec's to decode.

    It reads most events: those without `data_base64` and extension attributes but ours.
    What it refuses is decoded step by step.
    """
    if None in named and len(named) > 1:  # the others are read step by step
        named = {name: kind for name, kind in named.items() if name is not None}
    if not all(map(data_decoder.is_msgspecs, named.values())):
        return None
    try:
        made = [_whole(name, kind) for name, kind in named.items()]
        return msgspec.json.Decoder(functools.reduce(operator.or_, made))
    except TypeError:
        return None  # their tags do not tell them apart


def _whole(name: str | None, kind: object) -> Any:
    """Return a Struct of a whole event of that type, or of any."""
    fields: list[Any] = [
        *([("type", str)] if name is None else []),
        *(("id", str), ("source", str), ("specversion", Literal["1.0"])),
        ("data", kind),
        *(("subject", _TEXT, None), ("time", _TIME, None)),
        *(("datacontenttype", _TEXT, None), ("dataschema", _TEXT, None)),
        *(("traceparent", _TEXT, None), ("tracestate", _TEXT, None)),
        *((attribute, object, None) for attribute in STAMPS),
    ]
    return msgspec.defstruct(
        "Whole",
        fields,
        namespace={} if name is None else {"type": name},
        tag_field=name and "type",
        tag=name,
        forbid_unknown_fields=True,
        gc=False,
    )


class _Hints(msgspec.Struct, frozen=True):
    """What can still be said about an event that is not one."""

    id: object = None
    source: object = None
    type: object = None


_hints = msgspec.json.Decoder(_Hints)


def safe(decode: Decode) -> Decode:
    """Return a decoder whose every failure is a malformed event.

    What a custom one raises, or a type's `__post_init__` or validator, would strand the
    lock tokens of the whole receive otherwise.
    """

    def decode_safely(raw: bytes, delivery_count: int) -> AnyEvent:
        try:
            event = decode(raw, delivery_count)
        except Exception as error:
            reason = f"the decoder failed: {type(error).__name__}"
            return _malformed(raw, delivery_count, reason)
        if not isinstance(event, (Event, MalformedEvent)):
            reason = f"the decoder returned no event, but {type(event).__name__}"
            return _malformed(raw, delivery_count, reason)
        return event

    return decode_safely


def _malformed(raw: bytes, delivery_count: int, reason: str) -> MalformedEvent:
    try:
        hints = _hints.decode(raw)
    except UNREADABLE:
        hints = _Hints()
    return MalformedEvent(
        reason=reason,
        id=_text(hints.id) or "",
        source=_text(hints.source) or "",
        type=_text(hints.type) or "",
        delivery_count=delivery_count,
        raw=raw,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
