"""What Event Grid's filters hold for: one table for the app and for the emulator.

Each row: an operator, what it compares with, values that it holds for, and others.
"""

from typing import Any

ABSENT = object()
SINGLE = {
    "NumberLessThan",
    "NumberGreaterThan",
    "NumberLessThanOrEquals",
    "NumberGreaterThanOrEquals",
    "BoolEquals",
}
FACTS: list[tuple[str, list[Any], list[Any], list[Any]]] = [
    ("NumberIn", [1, 2.5], [1, 1.0, 2.5, [9, 1]], [3, "1", True, [], [3], ABSENT]),
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
]
KEYED: dict[str, Any] = {
    "id": "i",
    "type": "t",
    "subject": "s",
    "comexampleextension1": "e",
    "data": {"a": {"b": 1}, "list": [1]},
}
# Where a key leads to in that event; names of the older schema lead nowhere.
KEYS_FOUND: list[tuple[str, Any]] = [
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
]
