"""What can be wrong with a topology file, said with its place."""

from collections.abc import Mapping
from typing import Any


class TopologyError(Exception):
    """The topology cannot be used; the text says where and why."""


def check_keys(item: Mapping[str, Any], known: set[str], where: str) -> None:
    """An unknown key is refused, because a misspelt limit would silently not hold."""
    unknown = sorted(item.keys() - known - {"$schema", "description"})
    if unknown:
        raise TopologyError(
            f"{where}: unknown key `{unknown[0]}`; known are {', '.join(sorted(known))}"
        )


def integer(
    item: Mapping[str, Any], key: str, bounds: tuple[int, int], default: int, where: str
) -> int:
    """A whole number within bounds, or the default when the key is absent."""
    value = item.get(key, default)
    low, high = bounds
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not low <= value <= high
    ):
        raise TopologyError(
            f"{where}: `{key}` is {value!r}; it must be a whole number from {low} to {high}"
        )
    return value
