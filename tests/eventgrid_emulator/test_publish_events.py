"""What is published: validated, and rewritten as the service does."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventgrid_emulator.cloudevents import read_batch, read_structured
from eventgrid_emulator.errors import Refusal
from eventgrid_emulator.operations.content_modes import read_request

EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}


def test_keys_inside_data_are_sorted_and_data_comes_last() -> None:
    """At every depth; an absent attribute stays absent and a null one goes."""
    text = (
        '{"data":{"b":{"z":1,"y":2},"a":[{"d":1,"c":2}]},"subject":null,'
        '"type":"t","id":"1","source":"/s","specversion":"1.0"}'
    )

    [event] = read_structured(text.encode())

    assert event.body.endswith(b'"data":{"a":[{"c":2,"d":1}],"b":{"y":2,"z":1}}}')
    assert "subject" not in json.loads(event.body)


def test_a_null_data_is_kept() -> None:
    """`data` is there, and it is null."""
    [event] = read_structured(json.dumps(EVENT | {"data": None}).encode())
    assert json.loads(event.body)["data"] is None


def test_deeply_nested_json_is_refused_not_crashed_on() -> None:
    """A thousand brackets are no reason for a 500."""
    deep = b"[" * 100_000 + b"]" * 100_000
    body = json.dumps(EVENT).encode()[:-1] + b',"data":' + deep + b"}"
    with pytest.raises(Refusal, match="JSON"):
        read_structured(body)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(JSON)
def test_any_json_data_arrives_with_its_value(data: Any) -> None:
    """Rewriting changes the bytes, never the meaning."""
    [event] = read_batch(json.dumps([EVENT | {"data": data}]).encode())
    assert json.loads(event.body) == EVENT | {"data": data}


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    """In each content mode a body is events or a refusal."""
    binary = [("ce-id", "1"), ("ce-source", "%ff"), ("ce-type", "t")]
    for kind in (
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/json",
        "text/plain",
        "image/png",
    ):
        with contextlib.suppress(Refusal):
            read_request(kind, [*binary, ("ce-specversion", "1.0")], body)
