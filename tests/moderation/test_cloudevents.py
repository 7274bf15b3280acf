"""The app publishes and reads CloudEvents as the table says that all readers do."""

from datetime import datetime
from typing import Any

import pytest

from eventgrid_pull.event import Event, MalformedEvent
from eventgrid_pull.events import cloudevents, rfc3339
from moderation import events
from moderation.publishing import publish_request
from moderation.publishing.request_body import BadRequest
from tests.cloudevents import EVENTS, HEADERS, TIMES, named, text_of
from tests.make import NOW, an_event

STRUCTURED = {"content-type": "application/cloudevents+json"}


@pytest.mark.parametrize("case", EVENTS, ids=named)
def test_an_event_is_published_or_refused_with_the_path_of_its_fault(
    case: dict[str, Any],
) -> None:
    """What no consumer should have to bear is not published; everything else is."""
    found = publish_request.read(text_of(case), STRUCTURED, NOW)

    paths = [problem.path for problem in found.problems]
    assert case["publish"] is True or case["publish"] in paths
    assert case["publish"] is not True or not paths


@pytest.mark.parametrize("case", EVENTS, ids=named)
def test_an_event_is_read_whatever_its_publisher_made_of_it(
    case: dict[str, Any],
) -> None:
    """
    Equal events are read alike however they are spelled; a malformed one says why.
    """
    event = events.read(text_of(case))

    if case["read"] != "malformed":
        assert isinstance(event, Event)
        assert type(event.data).__name__ == case["read"]
    else:
        assert isinstance(event, MalformedEvent)
        assert case.get("said", "") in event.reason


def test_what_is_null_is_not_published() -> None:
    """Unset attributes stay unset; a payload's own nulls are the payload's."""
    body = b'{"id":"1","subject":null,"Odd":null,"data_base64":null,"data":{"a":null}}'

    [event] = publish_request.read(body, STRUCTURED, NOW).events

    assert event == {"id": "1", "data": {"a": None}}


@pytest.mark.parametrize("case", TIMES, ids=named)
def test_a_time_is_valid_as_rfc_3339_says(case: dict[str, Any]) -> None:
    """A publisher is told about a time that others could not read."""
    found = cloudevents.problems(an_event(time=case["time"]), "$")

    assert [problem.path for problem in found] == [] if case["valid"] else ["$.time"]
    assert rfc3339.normalise(case["time"]) == case["stored"]


@pytest.mark.parametrize("extra", [{}, {"comexample": "x"}], ids=["known", "extended"])
@pytest.mark.parametrize("case", TIMES, ids=named)
def test_an_event_loses_a_time_that_cannot_be_held_and_nothing_else(
    case: dict[str, Any], extra: dict[str, Any]
) -> None:
    """
    An optional attribute does not cost the event, and its moment can be computed with.
    """
    event = events.read(
        text_of({"changes": {"time": case["time"], **extra}, "what": ""})
    )

    held = case["moment"] and datetime.fromisoformat(case["moment"])
    assert event.time == held
    assert not isinstance(event, MalformedEvent)


@pytest.mark.parametrize("case", HEADERS, ids=named)
def test_an_attribute_in_a_header_is_decoded_or_refused(case: dict[str, Any]) -> None:
    """Nothing is published that is not what its publisher wrote."""
    headers = {
        "content-type": "application/json",
        "ce-id": "1",
        "ce-subject": case["value"],
    }

    if case["attribute"] is not None:
        [event] = publish_request.read(b"{}", headers, NOW).events
        assert event["subject"] == case["attribute"]
        return
    with pytest.raises(BadRequest) as caught:
        publish_request.read(b"{}", headers, NOW)
    assert caught.value.status == 400
    assert [problem.path for problem in caught.value.problems] == ["ce-subject"]


@pytest.mark.parametrize("name", ["ce-data", "ce-data_base64", "ce-datacontenttype"])
def test_what_the_body_says_is_not_said_by_a_header(name: str) -> None:
    """Of two places that disagree one would be lost without a word."""
    headers = {"content-type": "application/json", "ce-id": "1", name: "x"}

    with pytest.raises(BadRequest) as caught:
        publish_request.read(b"{}", headers, NOW)

    assert [problem.path for problem in caught.value.problems] == [name]


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "text/json", "application/x+json"]
)
def test_the_content_type_of_a_binary_event_is_that_of_its_data(kind: str) -> None:
    """As Event Grid delivers it."""
    [event] = publish_request.read(
        b"{}", {"content-type": kind, "ce-id": "1"}, NOW
    ).events

    assert event["datacontenttype"] == kind
