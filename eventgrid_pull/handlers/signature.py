"""What a handler is: what it takes, read from its annotation, and how it is called.

def paid(event: Event[Paid]): ...                     sync: called in a thread
async def paid(event: Event[Paid] | MalformedEvent): ...
async def paid(events: list[Event[Paid]]): ...        gets the batch
"""

import inspect
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, get_args, get_origin

import msgspec

from eventgrid_pull.event import Event, MalformedEvent
from eventgrid_pull.handlers import registration


class Shape(msgspec.Struct, frozen=True):
    """What a handler takes: the type of the data, and one event or a batch of them."""

    data: object
    is_batch: bool
    is_async: bool
    takes_malformed: bool


def shape(handler: Callable[..., Any]) -> tuple[Shape | None, list[str]]:
    """Return what the handler takes, or sentences that say what is wrong with it."""
    if (what := registration.describe_decorators(handler)) is not None:
        return None, [
            f"has another decorator below @pull.subscription ({what}): remove it"
        ]
    if not callable(handler):
        return None, ["is not a function"]
    if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        return None, ["is a generator: return the outcome instead of yielding"]
    parameters = list(inspect.signature(handler).parameters.values())
    first = next((item for item in parameters if item.kind in _POSITIONAL), None)
    if first is None or any(
        _is_needed(item) for item in parameters if item is not first
    ):
        return None, ["takes one parameter, the event: `event: Event[…]`"]
    try:
        annotation = typing.get_type_hints(handler).get(first.name)
    except (NameError, TypeError, AttributeError, SyntaxError) as error:
        return None, [f"has an annotation that cannot be read: {error}"]
    annotation = _meant(annotation)
    if annotation is None:
        return None, [f"needs a type at its parameter: `{first.name}: Event[…]`"]
    is_batch = get_origin(annotation) is list
    kinds = get_args(annotation) if is_batch else (annotation,)
    found = [_data(member) for kind in kinds for member in _members(kind)]
    data = [kind for kind in found if kind is not MalformedEvent]
    if len(data) != 1 or data[0] is None:
        return None, [
            f"takes {name_of(annotation)}: its parameter must be `Event[…]`, or "
            "`list[Event[…]]` for the batch, with `| MalformedEvent` if it wants those"
        ]
    return Shape(
        data=data[0],
        is_batch=is_batch,
        is_async=any(
            map(inspect.iscoroutinefunction, (handler, inspect.unwrap(handler)))
        ),
        takes_malformed=MalformedEvent in found,
    ), []


_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


def _is_needed(parameter: inspect.Parameter) -> bool:
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and parameter.kind not in variadic


def _members(annotation: object) -> tuple[object, ...]:
    """Return the members of a union; of anything else, itself."""
    annotation = _meant(annotation)
    if get_origin(annotation) in (types.UnionType, typing.Union):
        return get_args(annotation)
    return (annotation,)


def _meant(annotation: object) -> object:
    """Return what an alias (`type PaidEvent = Event[Paid]`) stands for."""
    while isinstance(annotation, typing.TypeAliasType):
        annotation = annotation.__value__
    return annotation


def _data(annotation: object) -> object:
    """Return the T of `Event[T]`, MalformedEvent for itself, None for anything else."""
    if annotation is MalformedEvent:
        return MalformedEvent
    if annotation is Event:
        return dict[str, object]
    if get_origin(annotation) is Event:
        [data] = get_args(annotation)
        return _meant(data)
    return None


def name_of(annotation: object) -> str:
    """Return how a type is written, roughly."""
    if get_origin(annotation) is not None:
        return str(annotation)
    return getattr(annotation, "__name__", None) or str(annotation)


def unexpected(data: object, kinds: Iterable[object]) -> list[str]:
    """Return the types that are not among those the handler takes."""
    members = [get_origin(kind) or kind for kind in _members(data)]
    if Any in members or object in members:
        return []
    known = tuple(kind for kind in members if isinstance(kind, type))
    found = ((kind, get_origin(kind) or kind) for kind in kinds)
    return [
        name_of(kind)
        for kind, plain in found
        if plain not in members
        and not (isinstance(plain, type) and issubclass(plain, known))
    ]
