"""Being registered with a function app, which copies the list of functions once."""

from collections.abc import Callable, Iterator
from typing import Any


class PullInvalid(Exception):
    """Declarations are wrong as code; the message lists all that is."""


class Builders(list[Any]):
    """A Blueprint's functions; being gone through is being registered."""

    def __init__(self, registered: Callable[[], None]) -> None:
        super().__init__()
        self._registered = registered

    def __iter__(self) -> Iterator[Any]:
        """Say that it is registered, then go through it."""
        self._registered()
        return super().__iter__()
