"""What does not fit a Struct, member by member: the place and the rule, never a value."""

import re
import types
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, NamedTuple, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo

from eventgrid_pull.events import rfc3339

type Json = dict[str, object]


class Misfit(NamedTuple):
    """A member that is not as its Struct says: its JSON path, and the rule."""

    path: str
    problem: str


_fields = cache(msgspec.structs.fields)  # half of what checking an event costs


def problems(
    kind: type[msgspec.Struct], data: Mapping[str, object], path: str
) -> list[Misfit]:
    """Return everything in `data` that is not as the Struct says; empty when it fits.

    A rule has the words of the member's `Meta(description=…)`, where it has some.
    """
    if _misfit(data, kind) is None:
        return []  # as nearly all are: looking at each member would cost ten times this
    found = (_problem(member, data, path) for member in _fields(kind))
    return [problem for problem in found if problem is not None]


def _problem(member: FieldInfo, data: Mapping[str, object], path: str) -> Misfit | None:
    where = f"{path}.{member.encode_name}"
    if member.encode_name not in data:
        if not member.required:
            return None
        rule = _description(member.type)
        return Misfit(where, f"is required: {rule}" if rule else "is required")
    value = data[member.encode_name]
    misfit = _misfit(value, member.type)
    if misfit is None or _is_unheld(member, value):
        return None
    place, problem = misfit
    rule = _description(member.type)
    return Misfit(where, f"must be {rule}") if rule else Misfit(where + place, problem)


def without_unheld_times(kind: type[msgspec.Struct], data: Json) -> Json:
    """Return the data without the optional times that are valid, but in no `datetime`.

    A leap second, or a year that UTC has not: they are no fault of the event's.
    """
    unheld = {
        member.encode_name
        for member in _fields(kind)
        if member.encode_name in data and _is_unheld(member, data[member.encode_name])
    }
    return {name: value for name, value in data.items() if name not in unheld}


def _is_unheld(member: FieldInfo, value: object) -> bool:
    return (
        not member.required
        and isinstance(value, str)
        and datetime in _kinds(member.type)
        and _misfit(value, member.type) is not None
        and rfc3339.is_valid(value)
    )


def _misfit(value: object, wanted: object) -> tuple[str, str] | None:
    """Return where in the value and how it is not as wanted; None when it is."""
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        return place_and_rule(error)
    return None


def _kinds(wanted: object) -> Iterator[object]:
    """Yield the types that a value may be of."""
    wanted = getattr(wanted, "__value__", wanted)
    if get_origin(wanted) is Annotated:
        yield from _kinds(get_args(wanted)[0])
    elif get_origin(wanted) in (types.UnionType, Union):
        for kind in get_args(wanted):
            yield from _kinds(kind)
    else:
        yield wanted


def _description(wanted: object) -> str | None:
    """Return the rule in the words of whoever declared it, if there are any."""
    wanted = getattr(wanted, "__value__", wanted)
    if get_origin(wanted) is Annotated:
        return next(
            (
                meta.description
                for meta in get_args(wanted)[1:]
                if isinstance(meta, msgspec.Meta) and meta.description
            ),
            None,
        )
    if get_origin(wanted) in (types.UnionType, Union):
        return next(filter(None, map(_description, get_args(wanted))), None)
    return None


def place_and_rule(error: msgspec.ValidationError) -> tuple[str, str]:
    """Return where it is, from `$` on, and what it says without a value of the data.

    A value is quoted for an enum or tag, and may be in what a type's own
    `__post_init__` raises: nothing of that is kept.
    """
    message = str(error)
    place = _PLACE.search(message)
    where = place[1] if place else ""
    if error.__cause__ is not None:
        return where, "does not pass the check of its type"
    rule = message[: place.start()] if place else message
    return where, _VALUE.sub("value", rule)


_PLACE = re.compile(r" - at (?:`key` in )?`\$([^`]*)`\Z")
# The value comes last, quoted in one way or the other.
_VALUE = re.compile(r"value ['\"0-9-].*", re.DOTALL)
