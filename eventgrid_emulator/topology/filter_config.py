"""Reading `filtersConfiguration`: the shape of every filter and the service's limits."""

import re
from collections.abc import Iterator
from typing import Any

from eventgrid_emulator.topology.checks import Part
from eventgrid_emulator.topology.filters import (
    OPERATORS,
    PRESENCE,
    SINGLE_VALUE,
    Filter,
    Filters,
    is_number,
)

MAX_FILTERS = 25
MAX_VALUES = 25
MAX_TEXT = 512
ATTRIBUTE = re.compile(r"[a-z0-9]{1,20}")
# Names of the schema before CloudEvents, and the attribute that people mean.
BEFORE_CLOUDEVENTS = {
    "eventid": "id",
    "eventtype": "type",
    "eventtime": "time",
    "eventtypeversion": "dataschema",
}


def read_filters(configuration: Any, where: str, problems: list[str]) -> Filters:
    """Return the filters of an event subscription; a problem names it and the filter."""
    if configuration is None:
        return Filters()
    if not isinstance(configuration, dict):
        problems.append(f"{where}: `filtersConfiguration` must be an object")
        return Filters()
    part = Part(configuration, where, ("includedEventTypes", "filters"), problems)
    listed = part.items("filters")
    if len(listed) > MAX_FILTERS:
        part.wrong(f"`filters` are {len(listed)}; at most {MAX_FILTERS} are allowed")
    clauses = tuple(
        _clause(item, f"{where}, filter {number}", problems)
        for number, item in enumerate(listed, start=1)
    )
    values = sum(len(clause.values) for clause in clauses)
    if values > MAX_VALUES:
        part.wrong(
            f"its filters have {values} values; at most {MAX_VALUES} are allowed"
        )
    types = part.items("includedEventTypes")
    if not all(isinstance(item, str) for item in types):
        part.wrong("`includedEventTypes` must be a list of text")
    return Filters(tuple(types) or None, clauses)


def warnings(filters: Filters) -> Iterator[str]:
    """Yield a warning for each type and key that no event has, as far as is known."""
    for name in filters.event_types or ():
        if name.lower() == "all" or "*" in name or name != name.strip() or not name:
            yield (
                f"no event's type is {name!r}, which includedEventTypes has; for every "
                "type, leave includedEventTypes out"
            )
    for key in (clause.key for clause in filters.clauses):
        first, dot, rest = key.partition(".")
        if meant := BEFORE_CLOUDEVENTS.get(key.lower()):
            yield f"no CloudEvent has the filter key {key!r}: write {meant}"
        elif first == "data" if dot else ATTRIBUTE.fullmatch(key):
            continue
        else:
            meant = f"{first.lower()}{dot}{rest}".strip()
            yield (
                f"no event has the filter key {key!r}: names of attributes are lower-case "
                "letters and digits, at most 20, and what is in the data begins with "
                f"data. (perhaps {meant})"
            )


def _clause(item: Any, where: str, problems: list[str]) -> Filter:
    if not isinstance(item, dict):
        problems.append(f"{where}: a filter is an object")
        return Filter("IsNotNull", "id")
    part = Part(item, where, ("operatorType", "key", "value", "values"), problems)
    operator, key = part.get("operatorType"), part.get("key")
    if not isinstance(key, str) or not key:
        part.wrong("`key` must name an attribute or a data.… path")
    if not isinstance(operator, str) or operator not in OPERATORS:
        known = ", ".join(sorted(OPERATORS))
        part.wrong(f"unknown operatorType {operator!r}; known are {known}")
        return Filter("IsNotNull", str(key))
    part.where = f"{where} ({operator})"
    return Filter(operator, str(key), tuple(_operand(operator, part)))


def _operand(operator: str, part: Part) -> list[Any]:
    value, values = part.get("value"), part.get("values")
    if operator in PRESENCE:
        if value is not None or values is not None:
            part.wrong("takes neither `value` nor `values`")
        return []
    if operator in SINGLE_VALUE:
        if values is not None or value is None:
            part.wrong("takes one `value`")
            return []
        values = [value]
    elif value is not None or not isinstance(values, list) or not values:
        part.wrong("takes a list of `values` that is not empty")
        return []
    for operand in values:
        _check_value(operator, operand, part)
    return list(values)


def _check_value(operator: str, value: Any, part: Part) -> None:
    if operator == "BoolEquals":
        fits, wanted = isinstance(value, bool), "true or false"
    elif operator.endswith("InRange"):
        fits, wanted = _is_range(value), "a pair of numbers, the lower first"
    elif operator.startswith("Number"):
        fits, wanted = is_number(value), "a number"
    else:
        fits = isinstance(value, str) and len(value) <= MAX_TEXT
        wanted = f"text of at most {MAX_TEXT} characters"
    if not fits:
        part.wrong(f"{str(value)[:60]!r} is not {wanted}")


def _is_range(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(is_number(bound) for bound in value)
        and value[0] <= value[1]
    )
