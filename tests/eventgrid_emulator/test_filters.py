"""All 19 operators, by the table that the app is held to, too."""

from typing import Any

import pytest

from eventgrid_emulator.topology.filters import (
    MISSING,
    Filter,
    Filters,
    resolve,
)
from tests.filter_facts import ABSENT, FACTS, KEYED, KEYS_FOUND


@pytest.mark.parametrize(("operator", "values", "matching", "other"), FACTS)
def test_an_operator_matches_what_the_service_matches(
    operator: str, values: list[Any], matching: list[Any], other: list[Any]
) -> None:
    """Case, arrays, missing keys, nulls and values of another type included."""
    clause = Filter(operator, "data.x", values)

    assert [value for value in matching if not judge(clause, value)] == []
    assert [value for value in other if judge(clause, value)] == []


def judge(clause: Filter, value: Any) -> bool:
    """Return whether the clause holds for an event with that value, or without one."""
    return clause.judge(MISSING if value is ABSENT else value)


@pytest.mark.parametrize(("key", "found"), KEYS_FOUND)
def test_a_key_is_an_attribute_or_a_path_into_data(key: str, found: Any) -> None:
    """Names of the older schema stand for the CloudEvents attributes."""
    assert resolve(KEYED, key) == (MISSING if found is ABSENT else found)


@pytest.mark.parametrize("data", ["text", [1], None, 5])
def test_a_path_into_data_that_is_no_object_finds_nothing(data: Any) -> None:
    """Text and base64 payloads cannot be filtered on."""
    assert resolve({"data": data}, "data.a") is MISSING
    assert resolve({"data_base64": "AA=="}, "data.a") is MISSING


def test_all_filters_and_the_type_must_match() -> None:
    """ "And" between filters, and types without regard to case."""
    filters = Filters(
        ("com.Contoso.Flagged",),
        (
            Filter("NumberGreaterThan", "data.n", [1]),
            Filter("NumberLessThan", "data.n", [3]),
        ),
    )
    event = {"type": "com.contoso.flagged", "data": {"n": 2}}

    assert filters.matches(event)
    assert not filters.matches(event | {"type": "com.contoso.other"})
    assert not filters.matches(event | {"type": 5})
    assert not filters.matches(event | {"data": {"n": 3}})
