"""Being registered with a function app, which copies the list of functions once."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class PullInvalid(Exception):
    """Declarations are wrong as code; the message lists all that is."""


class Builders(list[Any]):
    """A Blueprint's functions: an app that iterates over them registers them.

    `on_register` is given the functions that are there already: ours, and the app's.
    """

    def __init__(self, on_register: Callable[[list[Any]], None]) -> None:
        super().__init__()
        self._on_register = on_register

    def __iter__(self) -> Iterator[Any]:
        """Call `on_register`, then iterate."""
        ours = list(super().__iter__())
        self._on_register([*ours, *_functions_of_caller()])
        return iter(ours)


def _functions_of_caller() -> list[Any]:
    """Return the functions of the app whose method iterates over ours."""
    frame = inspect.currentframe()
    caller = frame.f_back.f_back if frame is not None and frame.f_back else None
    app = caller.f_locals.get("self") if caller is not None else None
    found = getattr(app, "_function_builders", None)
    return [] if found is None or isinstance(found, Builders) else list(found)


def decorators_of(handler: object, functions: Iterable[Any]) -> str | None:
    """Return what another decorator made of a handler: azure-functions' name for it.

    `functions` are those known to an app; what the handler's own name stands for now is
    looked at, too.
    """
    space = getattr(handler, "__globals__", {})
    named = space.get(getattr(handler, "__name__", ""))
    found = (
        describe_decorators(builder)
        for builder in [*functions, named]
        if user_function(builder) is handler
    )
    return next(found, None)


def describe_decorators(builder: Any) -> str | None:
    """Return the decorators that made a function of azure-functions; None of others."""
    if user_function(builder) is None:
        return None
    function = builder._function
    parts = [*getattr(function, "_settings", ()), *function.get_bindings()]
    return " and ".join(type(part).__name__ for part in parts) or "a decorator"


def user_function(builder: Any) -> object:
    """Return the function that azure-functions keeps within its own; None of others."""
    get = getattr(getattr(builder, "_function", None), "get_user_function", None)
    return get() if get is not None else None
