"""What is published: validated, and rewritten as the service does."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventgrid_emulator.errors import Refusal
from eventgrid_emulator.events import rfc3339
from eventgrid_emulator.events.cloudevents import read_batch, read_structured
from eventgrid_emulator.events.content_modes import read_request
from tests.cloudevents import EVENTS, HEADERS, TIMES, named, text_of

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


BINARY = {"ce-id": "1", "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0"}


@pytest.mark.parametrize("case", EVENTS, ids=named)
def test_an_event_is_stored_or_refused(case: dict[str, Any]) -> None:
    """What is null is unset, but for `data`; the rest is the publisher's."""
    text = text_of(case)
    if not case["store"]:
        with pytest.raises(Refusal):
            read_structured(text)
        return

    [event] = read_structured(text)

    sent = {
        name: rfc3339.normalise(value)
        if name == "time" and isinstance(value, str)
        else value
        for name, value in json.loads(text).items()
        if value is not None or name == "data"
    }
    assert json.loads(event.body) == sent


@pytest.mark.parametrize("case", TIMES, ids=named)
def test_a_time_is_stored_in_utc(case: dict[str, Any]) -> None:
    """With `Z` and the digits it came with; what is not valid stays as it came."""
    assert rfc3339.normalise(case["time"]) == case["stored"]


@pytest.mark.parametrize("case", HEADERS, ids=named)
def test_an_attribute_in_a_header_is_decoded_or_refused(case: dict[str, Any]) -> None:
    """Nothing is stored that is not what its publisher wrote."""
    headers = [*BINARY.items(), ("ce-subject", case["value"])]
    if case["attribute"] is None:
        with pytest.raises(Refusal, match="ce-subject"):
            read_request("application/json", headers, b"{}")
        return

    [event] = read_request("application/json", headers, b"{}")

    assert event.attributes["subject"] == case["attribute"]


def test_a_header_that_is_there_twice_is_refused() -> None:
    """An attribute has one value; which of two is meant, nobody can tell."""
    headers = [*BINARY.items(), ("CE-Subject", "a"), ("ce-subject", "b")]

    with pytest.raises(Refusal, match="repeated"):
        read_request("application/json", headers, b"{}")
