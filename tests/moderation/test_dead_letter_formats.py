"""Dead letters are read in every shape that the service's documents show."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventgrid_pull.event import Event
from moderation.dead_letters import blob_paths, formats
from moderation.events import ContentFlagged
from tests.make import an_event

EVENT = an_event()
SAID = {
    "deadletterreason": "Maximum delivery attempts was exceeded.",
    "deliveryattempts": 10,
    "deliveryresult": "Event was not acknowledged nor rejected.",
    "publishutc": "2026-11-23T10:29:59.1234561Z",
    "deliveryattemptutc": "2026-11-23T10:39:59.7654321Z",
}
SHAPES = {
    "A: a list of properties and event": [
        {"deadLetterProperties": SAID, "event": EVENT}
    ],
    "B: one object, with push's properties": {
        "event": EVENT,
        "customDeliveryProperties": {"header": "value"},
        "deadletterProperties": SAID,
    },
    "C: in the event itself": EVENT | {"deadletterproperties": SAID},
    "D: as brokerProperties": {"brokerProperties": SAID, "event": EVENT},
    "B in a list": [{"event": EVENT, "deadletterProperties": SAID}],
    "C in a list": [EVENT | {"deadLetterProperties": SAID}],
    "D in the event itself": EVENT | {"brokerProperties": SAID},
    "other case": {
        "EVENT": EVENT,
        "DEADLETTERPROPERTIES": {name.upper(): value for name, value in SAID.items()},
    },
    "unknown fields": [
        {"deadLetterProperties": SAID | {"more": [1]}, "event": EVENT, "x": {}}
    ],
}


def read(document: Any) -> formats.DeadLetter:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    [letter] = formats.read(content)
    return letter


@pytest.mark.parametrize("document", SHAPES.values(), ids=SHAPES)
def test_every_shape_gives_the_same_dead_letter(document: Any) -> None:
    """Nobody knows which of its documents the service follows."""
    letter = read(document)

    assert json.loads(letter.raw) == EVENT
    assert letter.event is not None
    assert isinstance(letter.event, Event)
    assert isinstance(letter.event.data, ContentFlagged)
    assert letter.unreadable is None
    assert letter.properties == formats.DeadLetterProperties(
        reason="Maximum delivery attempts was exceeded.",
        attempts=10,
        result="Event was not acknowledged nor rejected.",
        published_at=datetime(2026, 11, 23, 10, 29, 59, 123456, UTC),
        last_attempt_at=datetime(2026, 11, 23, 10, 39, 59, 765432, UTC),
    )


def test_a_blob_holds_several_each_with_its_index() -> None:
    """One that cannot be read does not hide the others."""
    content = [{"event": an_event(id="a")}, 5, an_event(id="b"), {"event": "no"}]

    letters = formats.read(json.dumps(content).encode())

    assert [letter.index for letter in letters] == [0, 1, 2, 3]
    assert [letter.event.id if letter.event else None for letter in letters] == [
        *("a", None, "b", None)
    ]
    assert [bool(letter.unreadable) for letter in letters] == [False, True, False, True]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"5",
        b'"text"',
        b"[]",
        b"{}",
        b"[[]]",
        b"\xff\xfe\x00",
        b'{"event": ',
        b'[{"event": {"id": "1"}]',
        b'{"event": "text"}',
        b'{"event": ["list"]}',
        b'{"deadLetterProperties": {}}',
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b"<?xml version='1.0'?>",
    ],
)
def test_garbage_is_one_unreadable_dead_letter(content: bytes) -> None:
    """It is listed as such: it must not disappear because it is odd."""
    letter = read(content)

    assert (letter.index, letter.event) == (0, None)
    assert letter.unreadable


@pytest.mark.parametrize(
    "event",
    [
        b'{"id": "1", "type": 5, "source": "s"}',
        b'{"id": "\xff"}',
        b'{"id": {}}',
        b"{}",
        b'{"id": "1", "source": "s", "type": "t", "specversion": "1.0", "data": '
        + b"[" * 200
        + b"]" * 200
        + b"}",
    ],
)
def test_a_malformed_event_is_read_as_that(event: bytes) -> None:
    """
    It was dead-lettered because it is malformed: its handler decides about it again.
    """
    letter = read(b'[{"event":' + event + b"}]")

    assert letter.raw == event
    assert letter.event is not None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (5, {}),
        ("text", {}),
        ({"deliveryattempts": "7"}, {"attempts": 7}),
        ({"deliveryattempts": 10**30}, {}),
        ({"deliveryattempts": -1}, {}),
        ({"deliveryattempts": "many"}, {}),
        ({"deadletterreason": ["no"], "deliveryresult": None}, {}),
        ({"deadletterreason": "x" * 600}, {"reason": "x" * 500 + "…"}),
        ({"publishutc": "yesterday", "deliveryattemptutc": 7}, {}),
        ({"publishutc": "0001-01-01T00:00:00+14:00"}, {}),
        ({"publishutc": "9999-12-31T23:59:59Z"}, {}),
        (
            {"publishutc": "2026-11-23T10:00:00"},
            {"published_at": datetime(2026, 11, 23, 10, tzinfo=UTC)},
        ),
    ],
)
def test_what_is_said_of_it_is_taken_as_far_as_it_goes(
    said: Any, shown: dict[str, Any]
) -> None:
    """The event can be redriven whatever its properties are."""
    letter = read({"event": EVENT, "deadLetterProperties": said})

    assert letter.event is not None
    assert letter.properties == formats.DeadLetterProperties(**shown)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    """Whoever put the blob back with an editor may have added one."""
    assert read(b"\xef\xbb\xbf" + json.dumps({"event": EVENT}).encode()).event


def test_a_blob_that_is_too_large_is_unreadable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only so much of it is ever in memory."""
    monkeypatch.setattr(formats, "BLOB_BYTES", 100)

    assert "larger" in str(read({"event": EVENT}).unreadable)


@given(st.binary() | st.recursive(st.none(), st.lists).map(lambda x: str(x).encode()))
def test_nothing_that_is_in_a_blob_raises(content: bytes) -> None:
    """A dead letter is the last place where something may be lost."""
    assert formats.read(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*SAID, "event", "deadLetterProperties", "data", "type"]),
            inner,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_document_raises(document: Any) -> None:
    """Whatever stands where something else should."""
    assert formats.read(json.dumps(document).encode())


def test_the_name_says_whose_it_is() -> None:
    """Padded or not."""
    hour = datetime(2026, 9, 3, 2, tzinfo=UTC)
    expected = blob_paths.Place("local", "topic-1", "Sub-Flagged", hour)

    for middle in ("2026/9/3/2", "2026/09/03/02"):
        name = f"local/topic-1/Sub-Flagged/{middle}/480b2295-ab.json"
        assert blob_paths.place(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a.json",
        "archived/local/topic/sub/2026/9/3/2/a.json",
        "archived/topic/sub/2026/9/3/2/a.json",
        "redrives/topic/sub/2026/9/3/2/a.json",
        "local/topic/sub/2026/13/3/2/a.json",
        "local/topic/sub/2026/2/30/2/a.json",
        "local/topic/sub/2026/9/3/24/a.json",
        "local/topic/sub/2026/9/3/2/..",
        "local/topic/sub/2026/9/3/2/../a.json",
        "../topic/sub/2026/9/3/2/a.json",
        "local/topic/sub/2026/9/3/2/a.json\n",
        "local/topic/sub/٢٠٢٦/9/3/2/a.json",
        "local/topic/sub/2026/9/3/2/a?b#c",
        "local//sub/2026/9/3/2/a.json",
        "local/topic/sub/2026/9/3/2/" + "a" * 300,
    ],
)
def test_another_name_is_none_of_a_dead_letter(name: str) -> None:
    """A name comes from outside, and leads nowhere else."""
    assert blob_paths.place(name) is None
