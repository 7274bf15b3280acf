"""What the filters of an event subscription may be, and which of them never match.

The emulator has the same rules; `tests/topology-cases.json` holds both to them.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from moderation.filters.declared import REMARKS, Filters
from moderation.filters.operators import (
    NUMBER,
    OPERATORS,
    PRESENCE,
    TEXT,
    kind_of,
    values_of,
)

MOST_FILTERS = 25
MOST_VALUES = 25
LONGEST_VALUE = 512
KEYS = ("operatorType", "key", "value", "values")
ATTRIBUTE = re.compile(r"[a-z0-9]{1,20}\Z")
# Names of the schema before CloudEvents → the attribute that people mean.
BEFORE_CLOUDEVENTS = {
    "eventid": "id",
    "eventtype": "type",
    "eventtime": "time",
    "eventtypeversion": "dataschema",
}
_ONE_VALUE = re.compile(r"Number(Less|Greater)Than(OrEquals)?|BoolEquals")

type Json = Mapping[str, object]


def filter_problems(declared: list[object]) -> Iterator[tuple[str, str]]:
    """Yield the place and the problem of each filter that Event Grid would refuse."""
    if len(declared) > MOST_FILTERS:
        yield "filters", f"are {len(declared)}; at most {MOST_FILTERS} are allowed"
    values = 0
    for number, clause in enumerate(declared, 1):
        where = f"filter {number}"
        if not isinstance(clause, dict):
            yield where, "must be an object"
            continue
        values += len(values_of(clause))
        yield from ((where, problem) for problem in _clause_problems(clause))
    if values > MOST_VALUES:
        yield "filters", f"have {values} values; at most {MOST_VALUES} are allowed"


def _clause_problems(clause: Json) -> Iterator[str]:
    for unknown in sorted(clause.keys() - {*KEYS, *REMARKS}):
        yield f"has the unknown key `{unknown}`; known are {', '.join(KEYS)}"
    key: object = clause.get("key")
    name: object = clause.get("operatorType")
    if not isinstance(key, str) or not key:
        yield "must have a `key`, which names an attribute or a data.… path"
    if not isinstance(name, str) or not (name in OPERATORS or name in PRESENCE):
        known = ", ".join([*OPERATORS, *PRESENCE])
        yield f"has the unknown operatorType {name!r}; known are {known}"
        return
    yield from (f"({name}) {problem}" for problem in _operand_problems(name, clause))


def _operand_problems(name: str, clause: Json) -> Iterator[str]:
    value, values = clause.get("value"), clause.get("values")
    if name in PRESENCE:
        if value is not None or values is not None:
            yield "takes neither `value` nor `values`"
        return
    if _ONE_VALUE.fullmatch(name):
        if value is None or values is not None:
            yield "takes one `value`"
            return
    elif value is not None or not isinstance(values, list) or not values:
        yield "takes a list of `values` that is not empty"
        return
    fits, wanted = _operand_rule(name)
    for operand in values_of(clause):
        if not fits(operand):
            yield f"has {str(operand)[:60]!r}, which is not {wanted}"


def _operand_rule(name: str) -> tuple[Callable[[object], bool], str]:
    """Return the test of an operator's values, and what passes it."""
    kind = OPERATORS[name].kind
    if name.endswith("InRange"):
        return _is_range, "a pair of numbers, the lower first"
    if kind == TEXT:
        return _is_short_text, f"text of at most {LONGEST_VALUE} characters"
    return lambda value: kind_of(value) == kind, kind


def _is_short_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_VALUE


def _is_range(value: object) -> bool:
    match value:
        case [int() | float() as low, int() | float() as high]:
            numbers = kind_of(low) == kind_of(high) == NUMBER
            return numbers and low <= high
    return False


def warnings(filters: Filters) -> Iterator[str]:
    """Yield what of the filters no event can match, as far as is known of the service."""
    for name in filters.included_event_types or ():
        if name.lower() == "all" or "*" in name or name != name.strip() or not name:
            yield (
                f"includedEventTypes has {name!r}, which no event's type is: name whole "
                "types, or leave includedEventTypes out for every type"
            )
    for clause in filters.filters:
        if warning := _key_warning(str(clause.get("key"))):
            yield warning


def _key_warning(key: str) -> str | None:
    meant = BEFORE_CLOUDEVENTS.get(key.lower())
    if meant:
        return (
            f"filter key {key!r} is a name of the schema before CloudEvents, and no "
            f"event has such an attribute: write {meant}"
        )
    first, dot, rest = key.partition(".")
    if (dot and first == "data") or (not dot and ATTRIBUTE.match(key)):
        return None
    meant = f"{first.strip().lower()}{dot}{rest}".strip()
    return (
        f"filter key {key!r} is found in no event: attributes have names of at most 20 "
        "lower-case letters and digits, and what is in the data begins with data. "
        f"(perhaps {meant})"
    )
