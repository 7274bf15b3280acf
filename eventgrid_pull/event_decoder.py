"""From an event's bytes to the type that a handler asked for, in one pass where it can.

What a decoder of one's own has to be is `Decode`: it never raises, and what it cannot
read becomes a `MalformedEvent`.
"""

import functools
import importlib.util
import operator
import re
import types
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

import msgspec

from eventgrid_pull import cloudevents, rfc3339
from eventgrid_pull.cloudevents import Envelope
from eventgrid_pull.event import AnyEvent, Decode, Event, MalformedEvent

type DecodeData = Callable[[bytes], object]

# What decoding raises: msgspec's and Pydantic's errors are ValueErrors, as bad UTF-8's.
UNREADABLE = (ValueError, RecursionError)


class UnsupportedType(TypeError):
    """No decoder can be made for this type; the message says which may be used."""


def decoder(
    expected: object,
    named: Mapping[str | None, object] | None = None,
    attributes: Sequence[str] = (),
) -> Decode:
    """Return a decoder for events whose data is `expected`.

    `named` says instead of which type the data of each event type is; its key None takes
    every type that it does not name. `expected` and the values of `named` are msgspec
    Structs, dataclasses, TypedDicts, Pydantic models, `dict`, `bytes`, or whatever else
    msgspec decodes. Events with these extension `attributes`, as text, are read as fast
    as those without any. Raises UnsupportedType for anything else.
    """
    types_of_data: Mapping[str | None, object] = named or {None: expected}
    return _Decoder(types_of_data, attributes).decode


class _Decoder:
    """Decoders for the data of each event type, and one for what is usual, whole."""

    def __init__(
        self, named: Mapping[str | None, object], attributes: Sequence[str]
    ) -> None:
        self._data = {name: _data_decoder(kind) for name, kind in named.items()}
        self._names = sorted(name for name in named if name is not None)
        self._whole = _whole_decoder(named, attributes)

    def decode(self, raw: bytes, delivery_count: int = 1) -> AnyEvent:
        """Return the event, or what is wrong with it. Never raises."""
        if self._whole is not None:
            try:
                if not raw.isascii():
                    raw.decode()
                found = self._whole.decode(raw)
            except UNREADABLE:
                pass
            else:
                if found.time is None or 1 < found.time.year < 9999:
                    event: Event[object] = found.event(raw, delivery_count)
                    return event
        return self._carefully(raw, delivery_count)

    def _carefully(self, raw: bytes, delivery_count: int) -> AnyEvent:
        """Decode step by step: other types, extensions, and what is wrong."""
        try:
            raw.decode()
            envelope = cloudevents.read(raw)
        except UNREADABLE as error:
            return _malformed(raw, delivery_count, f"not a CloudEvent: {error}")
        known = envelope.type if envelope.type in self._data else None
        decode = self._data.get(known)
        if decode is None:
            expected = ", ".join(self._names)
            reason = (
                f"type {envelope.type[:200]!r} is not expected here: {expected} are"
            )
            return _of_envelope(envelope, raw, delivery_count, reason)
        try:
            data = _data_of(envelope, decode)
        except UNREADABLE as error:
            reason = f"not the data of {envelope.type[:200]!r}: {_told(error)}"
            return _of_envelope(envelope, raw, delivery_count, reason)
        return Event(
            id=envelope.id,
            source=envelope.source,
            type=envelope.type,
            data=data,
            subject=_text(envelope.subject),
            time=rfc3339.held(envelope.time),
            datacontenttype=_text(envelope.datacontenttype),
            dataschema=_text(envelope.dataschema),
            traceparent=_text(envelope.traceparent),
            tracestate=_text(envelope.tracestate),
            extensions=cloudevents.extensions(raw),
            delivery_count=delivery_count,
            raw=raw,
        )


class _AsBytes:
    """The data's own bytes: what `data_base64` holds, or the JSON in `data`."""

    def __call__(self, data: bytes) -> bytes:
        return data


def _data_of(envelope: Envelope, decode: DecodeData) -> object:
    if isinstance(decode, _AsBytes):
        if envelope.data_base64 is not None:
            return envelope.data_base64
        return bytes(envelope.data)
    data = envelope.json
    if data is None:
        raise ValueError("its `datacontenttype` says that `data_base64` is not JSON")
    data.decode()
    return decode(data)


def _data_decoder(kind: object) -> DecodeData:
    if kind is bytes:
        return _AsBytes()
    if (adapter := _pydantic_adapter(kind)) is not None:
        return adapter
    try:
        return msgspec.json.Decoder(kind).decode
    except TypeError as error:
        raise UnsupportedType(f"{kind!r} cannot be decoded: {error}") from None


def _pydantic_adapter(kind: object) -> DecodeData | None:
    """Return a decoder by Pydantic where a model of it is asked for; else None."""
    kinds = get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if not any(hasattr(each, "__pydantic_validator__") for each in kinds):
        return None
    if importlib.util.find_spec("pydantic") is None:
        return None
    from pydantic import TypeAdapter

    model: Any = kind
    validate: DecodeData = TypeAdapter(model).validate_json
    return validate


_TEXT = str | None
_TIME = Annotated[datetime, msgspec.Meta(tz=True)] | None


def _whole_decoder(
    named: Mapping[str | None, object], attributes: Sequence[str]
) -> "msgspec.json.Decoder[Any] | None":
    """Return a decoder of whole events; None where data is not msgspec's to decode.

    It reads what is usual: no extension attributes but the named ones, no
    `data_base64`. What it refuses is decoded step by step.
    """
    if any(kind is bytes or _pydantic_adapter(kind) for kind in named.values()):
        return None
    if None in named and len(named) > 1:  # the others are read step by step
        named = {name: kind for name, kind in named.items() if name is not None}
    try:
        made = [_whole(name, kind, attributes) for name, kind in named.items()]
        return msgspec.json.Decoder(functools.reduce(operator.or_, made))
    except TypeError:
        return None  # types that cannot be told apart so


def _whole(name: str | None, kind: object, attributes: Sequence[str]) -> Any:
    """Return a Struct of an event of that type, which makes an `Event` of itself."""
    fields: list[Any] = [
        *(
            ("id", str),
            ("source", str),
            ("specversion", Literal["1.0"]),
            ("data", kind),
        ),
        *(("subject", _TEXT, None), ("time", _TIME, None)),
        *(("datacontenttype", _TEXT, None), ("dataschema", _TEXT, None)),
        *(("traceparent", _TEXT, None), ("tracestate", _TEXT, None)),
        *((attribute, _TEXT, None) for attribute in attributes),
    ]
    if name is None:
        fields.insert(0, ("type", str))

    def event(self: Any, raw: bytes, delivery_count: int) -> Event[object]:
        extensions = {
            attribute: value
            for attribute in attributes
            if (value := getattr(self, attribute)) is not None
        }
        return Event(
            id=self.id,
            source=self.source,
            type=name or self.type,
            data=self.data,
            subject=self.subject,
            time=self.time,
            datacontenttype=self.datacontenttype,
            dataschema=self.dataschema,
            traceparent=self.traceparent,
            tracestate=self.tracestate,
            extensions=extensions,
            delivery_count=delivery_count,
            raw=raw,
        )

    return msgspec.defstruct(
        "Whole",
        fields,
        namespace={"event": event},
        tag_field=name and "type",
        tag=name,
        forbid_unknown_fields=True,
        gc=False,
    )


def _of_envelope(
    envelope: Envelope, raw: bytes, delivery_count: int, reason: str
) -> MalformedEvent:
    return MalformedEvent(
        reason=reason,
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        subject=_text(envelope.subject),
        time=rfc3339.held(envelope.time),
        traceparent=_text(envelope.traceparent),
        extensions=cloudevents.extensions(raw),
        delivery_count=delivery_count,
        raw=raw,
    )


class _Hints(msgspec.Struct, frozen=True):
    """What can still be said about an event that is not one."""

    id: object = None
    source: object = None
    type: object = None


_hints = msgspec.json.Decoder(_Hints)


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


def _told(error: Exception) -> str:
    """Return place and rule of what does not fit, and no value: reasons are logged."""
    errors = getattr(error, "errors", None)
    if callable(errors):  # Pydantic's
        found = errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{_place(each['loc'])} {each['type']}" for each in found[:10])
    if isinstance(error, msgspec.ValidationError):
        return _VALUE.sub("a value", str(error))
    return "not JSON that can be read"


def _place(path: Sequence[object]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "$" + "".join(steps)


# msgspec quotes a value in one message only: that of an enum or tag.
_VALUE = re.compile(r"value '(?:[^'\\]|\\.)*'|value -?[0-9.eE+]+")
