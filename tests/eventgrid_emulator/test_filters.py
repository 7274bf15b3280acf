"""All 19 operators, by table and against a plain reference."""

from typing import Any

import pytest

from eventgrid_emulator.topology.filters import (
    MISSING,
    OPERATORS,
    Filter,
    Filters,
    resolve,
)

ABSENT: Any = MISSING


@pytest.mark.parametrize(
    ("operator", "values", "matching", "other"),
    [
        ("NumberIn", [1, 2.5], [1, 1.0, 2.5, [9, 1]], [3, "1", True, [], [3]]),
        ("NumberNotIn", [1, 2], [3, "1", [3, 4], ABSENT, None, []], [1, 2.0, [3, 1]]),
        ("NumberLessThan", [5], [4, 4.999, [9, 4]], [5, 6, "4", ABSENT, None]),
        ("NumberLessThanOrEquals", [5], [5, 4], [5.001, ABSENT]),
        ("NumberGreaterThan", [5], [6, 5.001], [5, "6", ABSENT, True]),
        ("NumberGreaterThanOrEquals", [5], [5, 6, [1, 5]], [4.9, ABSENT]),
        ("NumberInRange", [[1, 2], [5, 6]], [1, 2, 5.5, [9, 6]], [0, 3, 7, ABSENT]),
        ("NumberNotInRange", [[1, 2]], [0, 3, ABSENT, "1"], [1, 1.5, 2, [9, 2]]),
        ("BoolEquals", [True], [True, [False, True]], [False, 1, "true", ABSENT]),
        ("BoolEquals", [False], [False], [True, 0, None, ABSENT]),
        ("StringIn", ["Ab", "c"], ["ab", "AB", "C", ["x", "c"]], ["a", 1, ABSENT, []]),
        ("StringNotIn", ["ab"], ["a", 1, ABSENT, None, ["x"]], ["AB", ["x", "Ab"]]),
        ("StringContains", ["bC"], ["aBcd", ["x", "bc"]], ["b", ABSENT, 1]),
        ("StringNotContains", ["bc"], ["b", ["x"]], ["ABCD", ["x", "bc"], ABSENT, 1]),
        ("StringBeginsWith", ["Ab"], ["abc", "AB"], ["cab", ABSENT]),
        ("StringNotBeginsWith", ["ab"], ["cab"], ["ABC", ABSENT, None, []]),
        ("StringEndsWith", ["Ab"], ["cab"], ["abc", ABSENT]),
        ("StringNotEndsWith", ["ab"], ["abc"], ["CAB", ABSENT]),
        ("IsNullOrUndefined", [], [ABSENT, None], [0, "", False, [], {}]),
        ("IsNotNull", [], [0, "", False, [], {}], [ABSENT, None]),
    ],
)
def test_an_operator_matches_what_the_service_matches(
    operator: str, values: list[Any], matching: list[Any], other: list[Any]
) -> None:
    """Case, arrays, missing keys, nulls and values of another type included."""
    clause = Filter(operator, "data.x", values)

    assert [value for value in matching if not clause.judge(value)] == []
    assert [value for value in other if clause.judge(value)] == []


def test_there_are_nineteen_operators() -> None:
    """As many as the schema of the service lists."""
    assert len(OPERATORS) == 19


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("subject", "s"),
        ("type", "t"),
        ("comexampleextension1", "e"),
        ("data.a.b", 1),
        ("data.a", {"b": 1}),
        ("data.a.c", ABSENT),
        ("data.list.0", ABSENT),
        ("data.A.b", ABSENT),
        ("nothing", ABSENT),
        ("subject.x", ABSENT),
        ("eventtype", ABSENT),
        ("eventid", ABSENT),
        ("Subject", ABSENT),
    ],
)
def test_a_key_is_an_attribute_or_a_path_into_data(key: str, found: Any) -> None:
    """Names of the older schema stand for the CloudEvents attributes."""
    event = {
        "id": "i",
        "type": "t",
        "subject": "s",
        "comexampleextension1": "e",
        "data": {"a": {"b": 1}, "list": [1]},
    }
    assert resolve(event, key) == found


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
