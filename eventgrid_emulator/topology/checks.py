"""Checks of a topology file; each problem names its place."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

REMARKS = {"$schema", "description"}


class TopologyError(Exception):
    """The topology cannot be used; the text says where and why."""


class Part:
    """One object of the file, whose keys are read; what is wrong is noted with its place.

    A key that is null is as good as missing. An unknown key is wrong, because a misspelt
    limit would silently not hold.
    """

    def __init__(
        self,
        value: Mapping[str, Any],
        where: str,
        known: Sequence[str],
        problems: list[str],
    ) -> None:
        self.where = where
        self._problems = problems
        for key in sorted(value.keys() - {*known, *REMARKS}):
            self.wrong(f"unknown key `{key}`; known are {', '.join(known)}")
        self._found = {key: found for key, found in value.items() if found is not None}

    def wrong(self, problem: str) -> None:
        """Note a problem."""
        self._problems.append(f"{self.where}: {problem}" if self.where else problem)

    def get(self, key: str) -> Any:
        """Return what is there; None for null and for nothing."""
        return self._found.get(key)

    def integer(self, key: str, low: int, high: int, default: int) -> int:
        """Return a whole number within bounds; its default where it is missing, or wrong."""
        value = self._found.get(key, default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and value in range(low, high + 1):  # 5.0 is 5
            return int(value)
        self.wrong(
            f"`{key}` is {value!r}; it must be a whole number from {low} to {high}"
        )
        return default

    def text(
        self, key: str, pattern: re.Pattern[str], allowed: str, default: str = ""
    ) -> str:
        """Return the text; its default where it is missing, or wrong."""
        value = self._found.get(key, default)
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        self.wrong(f"`{key}` is {self._found.get(key)!r}; it must be {allowed}")
        return default

    def items(self, key: str) -> list[Any]:
        """Return the list; an empty one where it is missing, or wrong."""
        value = self._found.get(key, [])
        if isinstance(value, list):
            return value
        self.wrong(f"`{key}` must be a list")
        return []
