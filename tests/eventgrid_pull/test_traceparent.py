"""A trace begins before the queue and goes on behind it."""

import pytest

from eventgrid_pull.events import traceparent
from tests.eventgrid_pull.orders import an_event

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-11111111111111111111111111111111-2222222222222222-00"


def test_events_of_a_request_are_in_its_trace() -> None:
    """The caller finds its trace in the audit log."""
    headers = {"traceparent": GIVEN, "tracestate": "vendor=1"}

    events = traceparent.stamp([an_event(), an_event(id="2")], headers)

    assert {event["traceparent"] for event in events} == {GIVEN}
    assert {event["tracestate"] for event in events} == {"vendor=1"}


def test_an_event_that_has_a_trace_keeps_it() -> None:
    """Its producer began the trace before the request."""
    [event] = traceparent.stamp([an_event(traceparent=OTHER)], {"traceparent": GIVEN})

    assert event["traceparent"] == OTHER


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "nonsense",
        GIVEN.upper(),
        "ff" + GIVEN[2:],
        "00-" + "0" * 32 + GIVEN[35:],
        GIVEN + "\n",
        GIVEN[:-1],
    ],
)
def test_without_a_valid_trace_a_new_one_begins(bad: str) -> None:
    """All events of the request share it."""
    first, second = traceparent.stamp([an_event(), an_event()], {"traceparent": bad})

    assert traceparent.trace_id(str(first["traceparent"])) is not None
    assert first["traceparent"] == second["traceparent"] != bad


def test_the_trace_id_is_the_part_that_names_the_trace() -> None:
    """It is what one searches for."""
    assert traceparent.trace_id(GIVEN) == "0af7651916cd43dd8448eb211c80319c"
    assert traceparent.trace_id("x") is None
    assert traceparent.trace_id(None) is None
