"""The app says of every clause what the service, and the emulator, make of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventgrid_emulator.topology.filter_config import read_filters
from eventgrid_emulator.topology.filters import OPERATORS as OF_THE_EMULATOR
from moderation.filters import operators
from moderation.filters.declared import Filters
from moderation.filters.explanation import MISSING, Clause, judge, resolve, takes
from tests.filter_facts import ABSENT, FACTS, KEYED, KEYS_FOUND, SINGLE


def a_clause(name: str, wanted: list[Any], key: str = "data.x") -> dict[str, object]:
    """A filter as `filtersConfiguration` has it."""
    clause: dict[str, object] = {"operatorType": name, "key": key}
    if name in operators.PRESENCE:
        return clause
    return clause | ({"value": wanted[0]} if name in SINGLE else {"values": wanted})


def an_event_with(value: Any) -> dict[str, object]:
    """An event with that value under `data.x`, or without one."""
    return {"type": "t", "data": {} if value is ABSENT else {"x": value}}


def said(name: str, wanted: list[Any], value: Any) -> Clause:
    """What one filter says of an event with that value."""
    declared = Filters(filters=[a_clause(name, wanted)])
    [clause] = judge(declared, an_event_with(value))
    return clause


@pytest.mark.parametrize(("name", "wanted", "holding", "failing"), FACTS)
def test_a_clause_holds_as_the_facts_say(
    name: str, wanted: list[Any], holding: list[Any], failing: list[Any]
) -> None:
    """Case, arrays, missing keys, nulls and values of another type included."""
    assert [value for value in holding if not said(name, wanted, value).holds] == []
    assert [value for value in failing if said(name, wanted, value).holds] == []


def test_all_nineteen_operators_are_known() -> None:
    """The same ones as in the emulator, and each of them in the table of facts."""
    known = operators.OPERATORS.keys() | operators.PRESENCE.keys()

    assert known == OF_THE_EMULATOR
    assert known == {name for name, *_ in FACTS}
    assert len(known) == 19


@pytest.mark.parametrize(
    ("name", "wanted", "value", "reason"),
    [
        (
            "NumberGreaterThan",
            [0.5],
            0.4,
            "data.x is 0.4, which is not greater than 0.5",
        ),
        ("NumberInRange", [[1, 2]], 1, "data.x is 1, which is within [1,2]"),
        ("StringIn", ["a", "b"], "c", 'data.x is "c", which is not "a" or "b"'),
        ("StringBeginsWith", ["A"], "ab", 'data.x is "ab", which begins with "A"'),
        ("StringNotEndsWith", ["b"], "AB", 'data.x is "AB", which ends with "b"'),
        ("StringContains", ["b"], "a", 'data.x is "a", which does not contain "b"'),
        (
            "StringIn",
            ["b"],
            ["a", "B"],
            'data.x is ["a","B"], of which "B" is "b"',
        ),
        ("StringIn", ["b"], ["a"], 'data.x is ["a"], of which none is "b"'),
        ("NumberIn", [1], "1", 'data.x is "1", not a number: NumberIn does not hold'),
        ("NumberNotIn", [1], ABSENT, "data.x is missing: NumberNotIn holds"),
        ("BoolEquals", [True], None, "data.x is null: BoolEquals does not hold"),
        ("IsNotNull", [], 0, "data.x is there"),
        ("IsNotNull", [], None, "data.x is null"),
    ],
)
def test_a_clause_says_what_was_found_and_what_was_wanted(
    name: str, wanted: list[Any], value: Any, reason: str
) -> None:
    """In one sentence, for whoever wonders where an event went."""
    assert said(name, wanted, value).reason == reason


def test_the_type_is_a_clause_of_its_own() -> None:
    """Types are compared without regard to case, and every clause is judge."""
    declared = Filters(
        included_event_types=["com.Contoso.A"],
        filters=[a_clause("IsNotNull", []), a_clause("StringIn", ["s"], "subject")],
    )
    event = {"type": "com.contoso.a", "subject": "S", "data": {}}

    clauses = judge(declared, event)

    assert [clause.holds for clause in clauses] == [True, False, True]
    assert clauses[0] == Clause(
        "type is one of com.Contoso.A",
        True,
        'type is "com.contoso.a", which is one of them',
    )
    assert not takes(declared, event)
    assert not takes(Filters(included_event_types=["t"]), {})
    assert not takes(Filters(included_event_types=["t"]), {"type": 5})


def test_without_filters_every_event_is_taken() -> None:
    """And the answer says so, rather than nothing."""
    assert judge(Filters(), {}) == [
        Clause("no filter", True, "it takes every event"),
    ]
    assert takes(Filters(included_event_types=[]), {"type": "t"})


def test_what_event_grid_would_refuse_holds_for_nothing() -> None:
    """A mistyped operator, or a value it cannot compare with, is named."""
    event = an_event_with(5)
    unknown = Filters(filters=[a_clause("NumberEquals", [5])])
    mistyped = Filters(filters=[a_clause("NumberLessThan", ["6"])])

    [first], [second] = judge(unknown, event), judge(mistyped, event)

    assert (first.holds, second.holds) == (False, False)
    assert "no operator NumberEquals" in first.reason
    assert "not valid for NumberLessThan" in second.reason


def test_a_long_value_is_shortened() -> None:
    """A sentence stays one."""
    assert len(said("StringIn", ["a"], "b" * 1_000_000).reason) < 200


@pytest.mark.parametrize(("key", "found"), KEYS_FOUND)
def test_a_key_is_an_attribute_or_a_path_into_data(key: str, found: Any) -> None:
    """Names of the older schema stand for the CloudEvents attributes."""
    assert resolve(KEYED, key) == (MISSING if found is ABSENT else found)


KEYS = st.sampled_from(
    [
        "subject",
        "type",
        "ext1",
        "data.x",
        "data.a.b",
        "data",
        "eventType",
        "dataX",
        "id",
    ]
)
TEXT = st.text(max_size=3) | st.sampled_from(["a", "B", "ab", "İ", "ß", "ǆ"])
NUMBERS = st.integers(-3, 3) | st.floats(-3, 3) | st.integers(2**60, 2**70)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(TEXT, SCALARS)
DATA = st.fixed_dictionaries(
    {}, optional={"x": VALUES, "a": st.fixed_dictionaries({}, optional={"b": VALUES})}
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXT,
        "type": SCALARS,
        "subject": SCALARS,
        "ext1": SCALARS,
        "data.x": VALUES,
        "data": DATA | VALUES,
    },
)


@st.composite
def clauses(draw: st.DrawFn) -> dict[str, object]:
    """A filter that Event Grid takes."""
    name = draw(st.sampled_from(sorted(OF_THE_EMULATOR)))
    ranges = st.tuples(NUMBERS, NUMBERS).map(sorted)
    operands: st.SearchStrategy[Any] = TEXT
    if name == "BoolEquals":
        operands = st.booleans()
    elif name.endswith("InRange"):
        operands = ranges
    elif name.startswith("Number"):
        operands = NUMBERS
    wanted = draw(st.lists(operands, min_size=1, max_size=3))
    return a_clause(name, wanted, draw(KEYS))


CONFIGURATIONS = st.fixed_dictionaries(
    {
        "includedEventTypes": st.none() | st.lists(TEXT, max_size=2),
        "filters": st.lists(clauses(), max_size=3),
    }
)


@given(CONFIGURATIONS, EVENTS)
def test_the_app_and_the_emulator_agree_about_every_clause(
    configuration: dict[str, Any], event: dict[str, Any]
) -> None:
    """
    Two implementations that know nothing of each other hold each other to the rules.
    """
    ours = Filters(configuration["includedEventTypes"], configuration["filters"])
    theirs = read_filters(json.loads(json.dumps(configuration)), "sub", [])
    clauses_only = Filters(None, configuration["filters"])

    assert takes(ours, event) == theirs.matches(event)
    assert [clause.holds for clause in judge(clauses_only, event)] == (
        [clause.matches(event) for clause in theirs.clauses] or [True]
    )
