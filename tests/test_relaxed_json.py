"""Files that people edit are read as `func`, the Functions host and Bicep read them."""

import contextlib
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import eventgrid_emulator.topology.relaxed_json
import functions_host.relaxed_json
import moderation.relaxed_json
from moderation.relaxed_json import decode

TABLE = Path(__file__).with_name("relaxed-json.json")
CASES: list[dict[str, Any]] = json.loads(TABLE.read_text("utf-8"))["cases"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["text"]))
def test_a_file_is_read_as_newtonsoft_reads_it(case: dict[str, Any]) -> None:
    """What a person's editor and `func` take is taken; what they refuse is an error."""
    raw = case["text"].encode("latin-1")

    if "error" in case:
        with pytest.raises(ValueError, match=r"."):
            decode(raw)
    else:
        assert decode(raw) == case["value"]


def test_all_packages_read_with_the_same_words() -> None:
    """They share no code, and must not differ."""
    modules = (
        moderation.relaxed_json,
        eventgrid_emulator.topology.relaxed_json,
        functions_host.relaxed_json,
    )

    assert len({inspect.getsource(module) for module in modules}) == 1


@given(JSON, st.sampled_from([str, lambda text: f"\ufeff{text}"]), st.booleans())
def test_plain_json_means_what_it_always_meant(
    value: Any, marked: Callable[[str], str], is_ascii: bool
) -> None:
    """Nothing within a string is taken for a comment, a comma or a quote."""
    text = marked(json.dumps(value, ensure_ascii=is_ascii))

    assert decode(text.encode("utf-8", "surrogatepass")) == value


@given(
    st.binary(max_size=40) | st.text("{}[]/*,:'\"\\ab1\n", max_size=30).map(str.encode)
)
def test_no_file_breaks_the_reader(raw: bytes) -> None:
    """Anything is a value or a ValueError."""
    with contextlib.suppress(ValueError):
        decode(raw)


def test_a_file_that_is_nested_too_deeply_is_an_error() -> None:
    """It is named, as any other that cannot be read."""
    with pytest.raises(ValueError, match="too deeply"):
        decode(b"[" * 100_000)
