"""The emulator stores CloudEvents as the table says that all readers take them."""

import json
from typing import Any

import pytest

from eventgrid_emulator import rfc3339
from eventgrid_emulator.cloudevents import read_structured
from eventgrid_emulator.errors import Refusal
from eventgrid_emulator.operations.content_modes import read_request
from tests.cloudevents import EVENTS, HEADERS, TIMES, named, text_of

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

    with pytest.raises(Refusal, match="twice"):
        read_request("application/json", headers, b"{}")
