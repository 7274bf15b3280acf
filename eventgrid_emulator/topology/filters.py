"""Filters of an event subscription: all 19 operators, as pure predicates.

Between filters it is "and", between the values of one filter "or". Text is compared
without regard to case. The rules for arrays, missing keys and values of another type, and
their sources, are in RULES.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MISSING = object()

type Operand = Sequence[Any]
type Test = Callable[[Any, Any], bool]

TESTS: dict[str, Test] = {
    "NumberIn": lambda value, wanted: value == wanted,
    "NumberLessThan": lambda value, limit: value < limit,
    "NumberGreaterThan": lambda value, limit: value > limit,
    "NumberLessThanOrEquals": lambda value, limit: value <= limit,
    "NumberGreaterThanOrEquals": lambda value, limit: value >= limit,
    "NumberInRange": lambda value, bounds: bounds[0] <= value <= bounds[1],
    "StringIn": lambda text, wanted: text == wanted,
    "StringContains": lambda text, part: part in text,
    "StringBeginsWith": lambda text, start: text.startswith(start),
    "StringEndsWith": lambda text, end: text.endswith(end),
}
NEGATIVES = {
    "NumberNotIn": "NumberIn",
    "NumberNotInRange": "NumberInRange",
    "StringNotIn": "StringIn",
    "StringNotContains": "StringContains",
    "StringNotBeginsWith": "StringBeginsWith",
    "StringNotEndsWith": "StringEndsWith",
}
MATCH_WHEN_MISSING = frozenset({"NumberNotIn", "NumberNotInRange", "StringNotIn"})
PRESENCE = frozenset({"IsNullOrUndefined", "IsNotNull"})
SINGLE_VALUE = frozenset(
    {
        "NumberLessThan",
        "NumberGreaterThan",
        "NumberLessThanOrEquals",
        "NumberGreaterThanOrEquals",
        "BoolEquals",
    }
)
OPERATORS = SINGLE_VALUE | PRESENCE | TESTS.keys() | NEGATIVES.keys()


@dataclass(frozen=True, slots=True)
class Filter:
    """One clause: an operator, a key and the values it compares with."""

    operator: str
    key: str
    values: Operand = ()

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Return whether the event satisfies this clause."""
        return self.judge(resolve(event, self.key))

    def judge(self, value: Any) -> bool:
        """Return whether this value, found under the key or missing, satisfies the clause."""
        absent = value is MISSING or value is None
        if self.operator in PRESENCE:
            return absent == (self.operator == "IsNullOrUndefined")
        items = [] if absent else self._comparable(value)
        if not items:
            return self.operator in MATCH_WHEN_MISSING
        if self.operator == "BoolEquals":
            return self.values[0] in items
        positive = NEGATIVES.get(self.operator)
        test = TESTS[positive or self.operator]
        hit = any(test(item, wanted) for item in items for wanted in self._wanted())
        return hit if positive is None else not hit

    def document(self) -> dict[str, Any]:
        """Return the clause as a topology declares it."""
        declared: dict[str, Any] = {"operatorType": self.operator, "key": self.key}
        if self.operator in SINGLE_VALUE:
            declared["value"] = self.values[0]
        elif self.operator not in PRESENCE:
            declared["values"] = list(self.values)
        return declared

    def _comparable(self, value: Any) -> list[Any]:
        items = value if isinstance(value, list) else [value]
        if self.operator == "BoolEquals":
            return [item for item in items if isinstance(item, bool)]
        if self.operator.startswith("Number"):
            return [item for item in items if is_number(item)]
        return [item.lower() for item in items if isinstance(item, str)]

    def _wanted(self) -> Operand:
        if self.operator.startswith("String"):
            return [text.lower() for text in self.values]
        return self.values


@dataclass(frozen=True, slots=True)
class Filters:
    """All filters of an event subscription; no event types means every type."""

    event_types: tuple[str, ...] | None = None
    clauses: tuple[Filter, ...] = ()

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Return whether the event subscription receives this event."""
        return self.matches_type(event.get("type")) and all(
            clause.matches(event) for clause in self.clauses
        )

    def document(self) -> dict[str, Any]:
        """Return them as `filtersConfiguration` of a topology."""
        types = self.event_types
        return {
            "includedEventTypes": None if types is None else list(types),
            "filters": [clause.document() for clause in self.clauses],
        }

    def matches_type(self, event_type: Any) -> bool:
        """Return whether the type is one of the included ones, whatever its case."""
        if self.event_types is None:
            return True
        kind = event_type.lower() if isinstance(event_type, str) else None
        return any(kind == included.lower() for included in self.event_types)


def resolve(event: Mapping[str, Any], key: str) -> Any:
    """Return the value of an attribute or of a `data.a.b` path, or MISSING."""
    if key in event:
        return event[key]
    value: Any = event
    for name in key.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


def is_number(value: Any) -> bool:
    """Return whether this is a JSON number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)
