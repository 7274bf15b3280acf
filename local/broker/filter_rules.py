"""Reading `filtersConfiguration`: the shape of every filter and the service's limits."""

from collections.abc import Mapping
from typing import Any

from local.broker.filters import (
    OPERATORS,
    PRESENCE,
    SINGLE_VALUE,
    Filter,
    Filters,
    is_number,
)
from local.broker.problems import TopologyError, check_keys

MAX_FILTERS = 25
MAX_VALUES = 25
MAX_TEXT = 512


def read_filters(configuration: Any, where: str) -> Filters:
    """The filters of an event subscription; a problem names it and the filter."""
    if configuration is None:
        return Filters()
    if not isinstance(configuration, dict):
        raise TopologyError(f"{where}: `filtersConfiguration` must be an object")
    check_keys(configuration, {"includedEventTypes", "filters"}, where)
    listed = configuration.get("filters") or []
    if not isinstance(listed, list) or len(listed) > MAX_FILTERS:
        raise TopologyError(
            f"{where}: `filters` must be a list of at most {MAX_FILTERS}"
        )
    clauses = tuple(
        _clause(item, f"{where}, filter {place}")
        for place, item in enumerate(listed, start=1)
    )
    values = sum(len(clause.values) for clause in clauses)
    if values > MAX_VALUES:
        raise TopologyError(
            f"{where}: its filters have {values} values; at most {MAX_VALUES} are allowed"
        )
    return Filters(
        _event_types(configuration.get("includedEventTypes"), where), clauses
    )


def _event_types(value: Any, where: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TopologyError(
            f"{where}: `includedEventTypes` must be null or a list of text"
        )
    return tuple(value) or None


def _clause(item: Any, where: str) -> Filter:
    if not isinstance(item, dict):
        raise TopologyError(f"{where}: a filter is an object")
    check_keys(item, {"operatorType", "key", "value", "values"}, where)
    operator, key = item.get("operatorType"), item.get("key")
    if not isinstance(operator, str) or operator not in OPERATORS:
        raise TopologyError(
            f"{where}: unknown operatorType {operator!r}; known are {', '.join(sorted(OPERATORS))}"
        )
    where = f"{where} ({operator})"
    if not isinstance(key, str) or not key:
        raise TopologyError(f"{where}: `key` must name an attribute or a data.… path")
    return Filter(operator, key, tuple(_operand(operator, item, where)))


def _operand(operator: str, item: Mapping[str, Any], where: str) -> list[Any]:
    if operator in PRESENCE:
        if "value" in item or "values" in item:
            raise TopologyError(f"{where}: takes neither `value` nor `values`")
        return []
    if operator in SINGLE_VALUE:
        if "values" in item or "value" not in item:
            raise TopologyError(f"{where}: takes one `value`")
        values = [item["value"]]
    else:
        listed = item.get("values")
        values = listed if isinstance(listed, list) else []
        if "value" in item or not values:
            raise TopologyError(f"{where}: takes a list of `values` that is not empty")
    for value in values:
        _check_value(operator, value, where)
    return values


def _check_value(operator: str, value: Any, where: str) -> None:
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
        raise TopologyError(f"{where}: {str(value)[:60]!r} is not {wanted}")


def _is_range(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(is_number(bound) for bound in value)
        and value[0] <= value[1]
    )
