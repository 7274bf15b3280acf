"""All 19 operators of Event Grid namespaces: what each looks at, and what it asks."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Operator(NamedTuple):
    """One of the 19: which values it looks at, and what it asks of them.

    `negated`: no value may pass the test, instead of any. `holds_without` says what
    comes of a key that is missing, null, or without a value of that `kind`.
    """

    kind: str
    test: Callable[[Any, Any], bool]
    words: str
    negated: bool = False
    holds_without: bool = False


def _within(value: float, bounds: tuple[float, float]) -> bool:
    lowest, highest = bounds
    return lowest <= value <= highest


NUMBER, TEXT, BOOLEAN = "a number", "text", "true or false"
OPERATORS: dict[str, Operator] = {
    "NumberIn": Operator(NUMBER, operator.eq, "is"),
    "NumberNotIn": Operator(NUMBER, operator.eq, "is", True, True),
    "NumberLessThan": Operator(NUMBER, operator.lt, "is less than"),
    "NumberGreaterThan": Operator(NUMBER, operator.gt, "is greater than"),
    "NumberLessThanOrEquals": Operator(NUMBER, operator.le, "is at most"),
    "NumberGreaterThanOrEquals": Operator(NUMBER, operator.ge, "is at least"),
    "NumberInRange": Operator(NUMBER, _within, "is within"),
    "NumberNotInRange": Operator(NUMBER, _within, "is within", True, True),
    "BoolEquals": Operator(BOOLEAN, operator.eq, "is"),
    "StringIn": Operator(TEXT, operator.eq, "is"),
    "StringNotIn": Operator(TEXT, operator.eq, "is", True, True),
    "StringContains": Operator(TEXT, operator.contains, "contains"),
    "StringNotContains": Operator(TEXT, operator.contains, "contains", True),
    "StringBeginsWith": Operator(TEXT, str.startswith, "begins with"),
    "StringNotBeginsWith": Operator(TEXT, str.startswith, "begins with", True),
    "StringEndsWith": Operator(TEXT, str.endswith, "ends with"),
    "StringNotEndsWith": Operator(TEXT, str.endswith, "ends with", True),
}
PRESENCE = {"IsNullOrUndefined": True, "IsNotNull": False}


def values_of(clause: Mapping[str, object]) -> list[object]:
    """Return what a filter compares with: its values, or its one value."""
    values, value = clause.get("values"), clause.get("value")
    if isinstance(values, list):
        return values
    return [] if value is None else [value]


def kind_of(value: object) -> str | None:
    """Return which of the three kinds of values that operators look at this one is."""
    match value:
        case bool():
            return BOOLEAN
        case int() | float():
            return NUMBER
        case str():
            return TEXT
    return None
