"""The table that both readers of schedules are held to."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

NOW = datetime(2026, 11, 23, 9, 25, 20, tzinfo=UTC)
_TABLE = json.loads(Path(__file__).with_name("schedules.json").read_text("utf-8"))
CASES: list[dict[str, Any]] = [*_TABLE["recorded"], *_TABLE["neighbours"]]


def _field(low: int, high: int, *names: str) -> st.SearchStrategy[str]:
    value = st.one_of(
        st.integers(low, high).map(str), st.sampled_from(names or ("0", "59"))
    )
    item = st.one_of(
        st.just("*"), value, st.tuples(value, value).map(lambda two: "-".join(two))
    )
    step = st.sampled_from(["", "", "/2", "/7", "/90", "/0", "/+3", "/-1"])
    stepped = st.tuples(item, step).map("".join)
    return st.lists(stepped, min_size=1, max_size=3).map(",".join)


FIELDS = (
    _field(0, 59),
    _field(0, 59),
    _field(0, 23),
    _field(1, 31),
    _field(1, 12, "jan", "Feb", "DECEMBER", "j"),
    _field(0, 6, "SUN", "mon", "Saturday", "t"),
)
# What is nearly always a schedule, and what nearly never is.
EXPRESSIONS = st.tuples(*FIELDS).map(" ".join)
SPANS = st.from_regex(
    r"-?(\d{1,2}[.:])?\d{1,2}(:\d{1,2}){0,3}(:?\.\d{1,3})?", fullmatch=True
)
JUMBLE = st.text("0123456789*-,/?L#:. \tJANSUN%@", max_size=16)
EVERYTHING = st.one_of(EXPRESSIONS, SPANS, JUMBLE, st.text(max_size=12))
