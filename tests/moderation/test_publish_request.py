"""A request's body becomes valid CloudEvents, or a list of all that is wrong."""

import json
import uuid
from typing import Any

import pytest

from moderation.publishing import publish_request
from moderation.publishing.publish_request import Json
from moderation.publishing.request_body import BadRequest
from tests.make import APPROVED, ESCALATED, FLAGGED, NOW, a_result, an_event

PLAIN = "application/json"
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"


def read(content: Any, content_type: str = PLAIN, **headers: str) -> list[Json]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return publish_request.events_in(body, {"content-type": content_type} | named, NOW)


def refuse(content: Any, content_type: str = PLAIN, **headers: str) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read(content, content_type, **headers)
    return caught.value


@pytest.mark.parametrize(
    ("content", "content_type", "headers", "path"),
    [
        (an_event(moderationprobe="inspect"), STRUCTURED, {}, "$.moderationprobe"),
        (an_event(moderationprobe=""), STRUCTURED, {}, "$.moderationprobe"),
        (
            [an_event(), an_event(id="2", moderationprobe=False)],
            BATCHED,
            {},
            "$[1].moderationprobe",
        ),
        (
            a_result(),
            PLAIN,
            {
                "ce_specversion": "1.0",
                "ce_id": "1",
                "ce_source": "/tests",
                "ce_type": FLAGGED,
                "ce_moderationprobe": "inspect",
            },
            "$.moderationprobe",
        ),
    ],
)
def test_the_mark_of_a_probe_cannot_be_published(
    content: Any, content_type: str, headers: dict[str, str], path: str
) -> None:
    """It is this app's to set; however an event is sent, the answer names the place."""
    error = refuse(content, content_type, **headers)

    assert (error.status, [problem.path for problem in error.problems]) == (400, [path])


def test_a_mark_that_is_null_is_none() -> None:
    """What is null is unset, as everywhere."""
    [event] = read(an_event() | {"moderationprobe": None}, STRUCTURED)

    assert "moderationprobe" not in event


def test_a_plain_result_is_wrapped_into_a_cloudevent() -> None:
    """A client that knows nothing of CloudEvents can publish."""
    [event] = read(a_result(type="ContentFlagged"))

    assert event["type"] == FLAGGED
    assert event["source"] == "/services/content-moderation"
    assert event["subject"] == "/content/texts/doc-1"
    assert event["specversion"] == "1.0"
    assert event["time"] == "2026-11-23T10:30:00.000000Z"
    assert uuid.UUID(str(event["id"])).version == 7
    assert event["data"] == a_result(timestamp="2026-11-23T10:30:00.000000Z")


def test_a_list_of_results_becomes_as_many_events_with_ids_of_their_own() -> None:
    """Many results go in one request."""
    events = read([a_result(contentId=f"doc-{n}") for n in range(100)])

    assert len({event["id"] for event in events}) == 100
    assert events[99]["subject"] == "/content/texts/doc-99"


@pytest.mark.parametrize(
    ("result", "type_"),
    [
        (a_result(type="ContentApproved"), APPROVED),
        (a_result(type=APPROVED), APPROVED),
        (a_result(), FLAGGED),
        (a_result(category="safe"), APPROVED),
        (a_result(category="Safe"), APPROVED),
        (a_result(escalationReason="unsure"), ESCALATED),
    ],
)
def test_the_type_of_a_plain_result_is_given_or_implied(
    result: dict[str, Any], type_: str
) -> None:
    """Short names, full names and no name at all are understood."""
    assert read(result)[0]["type"] == type_


@pytest.mark.parametrize(
    "content_type",
    [STRUCTURED, f"{STRUCTURED}; charset=utf-8", STRUCTURED.upper()],
)
def test_a_structured_event_is_published_as_it_came(content_type: str) -> None:
    """Its id and time are the producer's, so that publishing again is recognisable."""
    event = an_event(comexample="kept")

    assert read(event, content_type) == [event]


def test_a_batch_of_events_is_published_as_it_came() -> None:
    """The batch mode of the SDKs is taken."""
    batch = [an_event(id="1"), an_event(id="2", time=None)]

    assert read(batch, BATCHED) == batch


def test_an_event_in_headers_is_put_together() -> None:
    """Binary mode: attributes in `ce-` headers, the payload alone in the body."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": "7",
        "ce_source": "/x",
        "ce_type": FLAGGED,
        "ce_subject": "caf%C3%A9%201",
    }

    [event] = read(a_result(), **headers)

    assert event["id"] == "7"
    assert event["subject"] == "café 1"
    assert event["data"] == a_result()


@pytest.mark.parametrize(
    ("content", "content_type", "status", "said"),
    [
        (b"{", PLAIN, 400, "not JSON"),
        (b"\xff", PLAIN, 400, "not JSON"),
        (b"{}", "text/plain", 415, "text/plain"),
        (b"{}", "", 415, "no content type"),
        ([], PLAIN, 400, "empty"),
        ([], BATCHED, 400, "empty"),
        ({}, BATCHED, 400, "must be a list"),
        ([a_result()] * 1001, PLAIN, 413, "1,001 events"),
    ],
)
def test_a_body_that_is_none_is_refused_in_words(
    content: Any, content_type: str, status: int, said: str
) -> None:
    """The answer names what was sent and what would be taken."""
    error = refuse(content, content_type)

    assert error.status == status
    assert said in str(error)


def test_a_body_beyond_the_limit_is_refused_unread() -> None:
    """Our limit is lower than the host's, and says so."""
    assert refuse(b" " * (publish_request.MAX_BODY_BYTES + 1)).status == 413


@pytest.mark.parametrize(
    ("content", "content_type", "path"),
    [
        (a_result(contentId=None), PLAIN, "$.contentId"),
        (a_result(contentId=""), PLAIN, "$.contentId"),
        (a_result(confidence=1.5), PLAIN, "$.confidence"),
        (a_result(confidence=-0.1), PLAIN, "$.confidence"),
        (a_result(type="ContentLost"), PLAIN, "$.type"),
        (a_result(type=5), PLAIN, "$.type"),
        (3, PLAIN, "$"),
        ([a_result(), "x"], PLAIN, "$[1]"),
        ([a_result(), a_result(severity="dire")], PLAIN, "$[1].severity"),
        (an_event(id=""), STRUCTURED, "$.id"),
        (an_event(type="x.y"), STRUCTURED, "$.type"),
        (an_event(comexample=[1]), STRUCTURED, "$.comexample"),
        (an_event(a_result(confidence=2)), STRUCTURED, "$.data.confidence"),
        (
            [an_event(), {"specversion": "1.0", "id": "2", "source": "/", "type": "x"}],
            BATCHED,
            "$[1].data",
        ),
        ([an_event(), 3], BATCHED, "$[1]"),
        ([an_event(), an_event({})], BATCHED, "$[1].data.contentId"),
    ],
)
def test_a_wrong_event_is_refused_with_its_path(
    content: Any, content_type: str, path: str
) -> None:
    """The JSON path leads to what has to be mended."""
    error = refuse(content, content_type)

    assert error.status == 400
    assert path in [problem.path for problem in error.problems]


def test_all_problems_of_all_events_are_listed_at_once() -> None:
    """Nobody has to send a batch five times to find five mistakes."""
    error = refuse([a_result(confidence=9, category=""), a_result(), {}])

    paths = [problem.path for problem in error.problems]
    assert paths[:2] == ["$[0].confidence", "$[0].category"]
    assert len([path for path in paths if path.startswith("$[2]")]) == 8


def test_a_binary_event_must_carry_json() -> None:
    """Moderation payloads are JSON objects."""
    error = refuse(b"x", "image/png", ce_id="1")

    assert error.status == 415
    assert "ce-" in str(error)


def test_ids_made_here_sort_by_time() -> None:
    """UUIDv7: the first 48 bits are the milliseconds."""
    value = uuid.UUID(publish_request.uuid7(NOW))

    assert value.int >> 80 == int(NOW.timestamp() * 1000)
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
