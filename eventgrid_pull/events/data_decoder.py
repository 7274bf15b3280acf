"""From an event's data to the type that a handler asked for; or what does not fit it."""

import functools
import importlib.util
import itertools
from collections.abc import Callable, Collection, Sequence
from typing import Any, get_args

import msgspec

from eventgrid_pull.events import struct_problems
from eventgrid_pull.events.cloudevents import Envelope

type Decode = Callable[[bytes], object]


class UnsupportedType(TypeError):
    """No decoder can be made for this type; the message says which may be used."""


class DataDecoder:
    """Decodes the data of events to one type. Raises UnsupportedType for some types."""

    def __init__(self, kind: object) -> None:
        self._kind = kind
        self._decode = None if kind is bytes else _decoder(kind)

    def decode(self, envelope: Envelope) -> object:
        """Return the data. Raises ValueError with places and rules, and no value.

        As bytes it is what `data_base64` holds, or the JSON in `data`.
        """
        if self._decode is None:
            base64 = envelope.data_base64
            return bytes(envelope.data) if base64 is None else base64
        data = envelope.json
        if data is None:
            raise ValueError(
                "its `datacontenttype` says that `data_base64` is not JSON"
            )
        try:
            data.decode()
            return self._decode(data)
        except (ValueError, RecursionError) as error:
            return self._by_member(data, error)

    def _by_member(self, data: bytes, error: Exception) -> object:
        """Return what has no fault but a time that cannot be held; else raise all faults."""
        kind = self._kind
        if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
            raise ValueError(_explain(error, kind)) from None
        try:
            data.decode()
            members = _members.decode(data)
        except (ValueError, RecursionError):
            raise ValueError("$.data is not a JSON object") from None
        found = struct_problems.problems(kind, members, "$.data")
        if found:
            raise ValueError("; ".join(" ".join(misfit) for misfit in found))
        try:
            held = struct_problems.without_unheld_times(kind, members)
            return msgspec.convert(held, kind)
        except msgspec.ValidationError:
            raise ValueError(_explain(error, kind)) from None


_members = msgspec.json.Decoder(dict[str, object])


def is_msgspecs(kind: object) -> bool:
    """Return whether msgspec decodes this type within a whole event."""
    return kind is not bytes and _pydantic_adapter(kind) is None


def _decoder(kind: object) -> Decode:
    if (adapter := _pydantic_adapter(kind)) is not None:
        return adapter
    try:
        decoder = msgspec.json.Decoder(kind)
    except TypeError as error:
        hint = "; name each with its event type: types={…}" if get_args(kind) else ""
        raise UnsupportedType(f"{kind!r} cannot be decoded: {error}{hint}") from None
    if (unknown := _unknown_class(msgspec.inspect.type_info(kind), set())) is not None:
        raise UnsupportedType(f"nothing decodes {unknown!r}: make it a dataclass")
    return decoder.decode


def _unknown_class(info: object, seen: set[int]) -> object:
    """Return a class that msgspec does not know, so that no value fits; else None."""
    if isinstance(info, msgspec.inspect.CustomType):
        return None if _may_be_json(info.cls) else info.cls
    if id(info) in seen:
        return None  # a type within itself
    seen.add(id(info))
    parts = info if isinstance(info, tuple) else ()
    if isinstance(info, msgspec.inspect.Type | msgspec.inspect.Field):
        parts = tuple(getattr(info, name, None) for name in info.__struct_fields__)
    found = (_unknown_class(part, seen) for part in parts)
    return next((cls for cls in found if cls is not None), None)


def _may_be_json(cls: type) -> bool:
    """Return whether what JSON has may be of a class, as all is of `object`."""
    try:
        return any(issubclass(kind, cls) for kind in (dict, list, str, int, float))
    except TypeError:
        return False


def _has_model(kind: object) -> bool:
    """Return whether a type is Pydantic's, or made of such."""
    kind = getattr(kind, "__value__", kind)
    return hasattr(kind, "__pydantic_validator__") or any(
        map(_has_model, get_args(kind))
    )


def _pydantic_adapter(kind: object) -> Decode | None:
    """Return a decoder by Pydantic where a model of it is asked for; else None."""
    if not _has_model(kind):
        return None
    if importlib.util.find_spec("pydantic") is None:
        return None
    from pydantic import TypeAdapter

    model: Any = kind
    validate: Decode = TypeAdapter(model).validate_json
    return validate


def _explain(error: Exception, kind: object) -> str:
    """Return place and rule of what does not fit, and no value: reasons are logged."""
    errors = getattr(error, "errors", None)
    if callable(errors):  # Pydantic's
        found = errors(include_url=False, include_context=False, include_input=False)
        known = _member_names(kind)
        faults = (
            f"$.data{_place(fault['loc'], known)} {fault['type']}" for fault in found
        )
        return "; ".join(itertools.islice(faults, 10))
    if isinstance(error, msgspec.ValidationError):
        place, rule = struct_problems.place_and_rule(error)
        return f"$.data{place} {rule}"
    return "$.data is not JSON that can be read"


def _place(path: Sequence[object], known: Collection[str]) -> str:
    """Return the JSON path; a key that the model does not name is part of the data."""
    steps = (
        f".{step}" if step in known else f"[{step if isinstance(step, int) else '...'}]"
        for step in path
    )
    return "".join(steps)


@functools.cache
def _member_names(kind: object) -> Collection[str]:
    """Return the names that a Pydantic type gives to members of its data."""
    from pydantic import TypeAdapter

    model: Any = kind
    try:
        schema = TypeAdapter(model).json_schema()
    except RuntimeError:  # of a type that JSON Schema does not know
        return ()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", ())}
