"""An event's data is shown to those who ask for it, where the settings allow that."""

import json

import pytest

from console import redaction
from moderation.settings import Settings

ENVIRON = {
    "EVENTGRID_ENDPOINT": "https://ns.westeurope-1.eventgrid.azure.net",
    "AUDIT_STORAGE_ACCOUNT_URL": "https://account.blob.core.windows.net",
}


def settings(payloads: str) -> Settings:
    return Settings.from_environ({**ENVIRON, "PAYLOADS": payloads}, topic="topic")


def test_what_is_private_is_replaced_by_its_size() -> None:
    """Attributes that route an event stay readable; what it is about does not."""
    event = {"id": "1", "type": "t", "subject": "/content/7", "data": {"a": "secret"}}

    shown = json.loads(bytes(redaction.redact(json.dumps(event).encode())))

    assert (shown["id"], shown["type"]) == ("1", "t")
    assert shown["data"] == {"redacted": True, "bytes": len('{"a": "secret"}')}
    assert shown["subject"] == {"redacted": True, "bytes": len('"/content/7"')}


@pytest.mark.parametrize("name", ["Data", "DATA_BASE64", "Subject", "content"])
def test_no_other_spelling_shows_what_is_private(name: str) -> None:
    """Dead letters come in any case, and attributes of an envelope are no objects."""
    event = {"id": "1", name: {"a": "secret"}, "more": ["secret"]}

    shown = bytes(redaction.redact(json.dumps(event).encode()))

    assert b"secret" not in shown
    assert json.loads(shown)[name] == {"redacted": True, "bytes": 15}


@pytest.mark.parametrize("name", ["Data", "SUBJECT", "dAtA_base64"])
def test_what_is_private_is_so_in_whatever_case_its_name_is_written(name: str) -> None:
    """Text under such a name is no attribute that routes an event."""
    shown = json.loads(bytes(redaction.redact(json.dumps({name: "secret"}).encode())))

    assert shown == {name: {"redacted": True, "bytes": len('"secret"')}}


@pytest.mark.parametrize("event", [b'"text"', b"\xff\xfe", b"[" * 5000, b"", b"{"])
def test_of_what_is_no_event_nothing_is_shown(event: bytes) -> None:
    """A malformed event may hold anything anywhere."""
    shown = json.loads(bytes(redaction.redact(event)))

    assert shown == {"redacted": True, "bytes": len(event)}


@pytest.mark.parametrize(
    ("payloads", "reveal", "shows", "is_noted"),
    [
        ("shown", False, True, False),
        ("shown", True, True, False),
        ("on-request", False, False, False),
        ("on-request", True, True, True),
        ("never", False, False, False),
        ("never", True, False, False),
    ],
)
def test_the_setting_decides_what_is_shown(
    payloads: str, reveal: bool, shows: bool, is_noted: bool
) -> None:
    """Only what others are not shown is noted."""
    chosen = settings(payloads)

    assert redaction.shows(chosen, reveal=reveal) is shows
    assert redaction.is_revealed(chosen, reveal=reveal) is is_noted
