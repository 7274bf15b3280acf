"""Reading a delivered event never fails, and says what it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventgrid_pull.event import AnyEvent, Event, MalformedEvent
from eventgrid_pull.events import struct_problems
from moderation import events
from moderation.events import ContentApproved, ContentFlagged, ReviewEscalated
from tests.make import APPROVED, ESCALATED, FLAGGED, a_result, an_event


def read(event: Any) -> AnyEvent:
    return events.read(json.dumps(event).encode())


@pytest.mark.parametrize(
    ("type_", "extra", "payload"),
    [
        (FLAGGED, {}, ContentFlagged),
        (APPROVED, {}, ContentApproved),
        (ESCALATED, {"escalationReason": "unsure"}, ReviewEscalated),
        ("com.contoso.ai.SomethingNew", {}, bytes),
    ],
)
def test_an_event_is_read_as_its_type_says(
    type_: str, extra: dict[str, Any], payload: type
) -> None:
    """The event type decides which payload a handler sees."""
    event = read(an_event(a_result(**extra), type=type_))

    assert isinstance(event, Event)
    assert isinstance(event.data, payload)
    assert (event.id, event.type) == ("event-1", type_)
    assert events.content_id(event) == "doc-1"


def test_extension_attributes_and_extra_payload_keys_do_no_harm() -> None:
    """Producers may add to an event without breaking its consumers."""
    event = read(an_event(a_result(extra=[1]), comexample="x", traceparent="00-1-2-3"))

    assert isinstance(event, Event)
    assert isinstance(event.data, ContentFlagged)
    assert event.traceparent == "00-1-2-3"


@pytest.mark.parametrize("name", ["eventtype", "payload"])
@pytest.mark.parametrize("value", ["com.contoso.ai.ContentFlagged", "x", 3])
def test_an_extension_attribute_never_changes_what_an_event_is(
    name: str, value: object
) -> None:
    """Whatever producers call their attributes, `type` and `data` say what it is."""
    plain = read(an_event(a_result(), type=APPROVED))

    event = read(an_event(a_result(), type=APPROVED, **{name: value}))

    assert isinstance(event, Event)
    assert isinstance(plain, Event)
    assert (event.type, event.data) == (APPROVED, plain.data)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (3, "object"),
        ({}, "missing required field `id`"),
        (an_event(id=7), "`str`"),
        (an_event(Upper="x"), "extension name 'Upper'"),
        (an_event({}), "$.data.contentId is required"),
        (an_event(a_result(confidence=1.01)), "confidence"),
        (an_event(a_result(confidence="0.5")), "confidence"),
        (an_event(a_result(severity="dire")), "severity"),
        (an_event(a_result(contentId="")), "contentId"),
        (an_event(type=ESCALATED), "escalationReason"),
        (an_event() | {"data": "text"}, "object"),
    ],
)
def test_what_cannot_be_read_says_why(event: Any, reason: str) -> None:
    """A poisonous event becomes a value with a reason, not an exception."""
    found = read(event)

    assert isinstance(found, MalformedEvent)
    assert reason in found.reason


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"id":"\xff"}', b"[" * 100_000, b"\x00", b'{"id": NaN}']
)
def test_bytes_that_are_not_json_are_malformed(raw: bytes) -> None:
    """Nothing that comes over the wire can stop a batch."""
    assert isinstance(events.read(raw), MalformedEvent)


def test_a_malformed_event_keeps_what_can_be_known_of_it() -> None:
    """Its id, source and type are on record, so that it can be found."""
    event = read(an_event(specversion="0.3"))

    assert (event.id, event.source, event.type) == ("event-1", "/tests", FLAGGED)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)
results = st.fixed_dictionaries(
    {},
    optional={
        key: json_values | st.just(value)
        for key, value in a_result(timestamp="2026-11-23T10:29:59Z").items()
    },
)


@given(results)
def test_listing_problems_and_reading_agree(result: dict[str, Any]) -> None:
    """What the API accepts, the consumer can read; what it refuses, it could not."""
    listed = struct_problems.problems(ContentFlagged, result, "$")
    found = read(an_event(result))

    assert isinstance(found, Event) == (not listed)


@given(st.binary(max_size=200))
def test_reading_never_raises(raw: bytes) -> None:
    """Whatever the bytes are, there is an event to decide about."""
    assert isinstance(events.read(raw), Event | MalformedEvent)


def test_every_problem_is_listed_with_its_path() -> None:
    """One look at the answer is enough to mend the request."""
    found = struct_problems.problems(
        ReviewEscalated, a_result(confidence=2, contentId="", severity=None), "$[3]"
    )

    assert [(problem.path, problem.problem) for problem in found] == [
        ("$[3].contentId", "must be a string of 1 to 256 characters"),
        ("$[3].confidence", "must be a number from 0 to 1"),
        ("$[3].severity", "is required: one of none, low, medium, high"),
        ("$[3].escalationReason", "is required: a string of 1 to 4096 characters"),
    ]


def test_a_reason_never_holds_what_was_in_the_data() -> None:
    """Reasons are logged; the content is private."""
    event = read(an_event(a_result(severity="PRIVATE text", confidence="PRIVATE")))

    assert isinstance(event, MalformedEvent)
    assert "severity" in event.reason
    assert "PRIVATE" not in event.reason
