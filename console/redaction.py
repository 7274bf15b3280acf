"""What of an event an answer shows: its data is private until someone asks for it."""

from collections.abc import Sequence

import msgspec

from console.validation import ApiRequest
from moderation.audit.actions import LONGEST_ID
from moderation.event_key import EventKey
from moderation.settings import Settings

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
# The subject holds the content id and whatever else a publisher put there.
PRIVATE = ("data", "data_base64", "subject")
# What was revealed is noted up to so many characters of ids and sources.
NOTED_CHARACTERS = 64 * 1024


def shows(settings: Settings, *, reveal: bool) -> bool:
    """Return whether events are shown whole: always, never, or on request."""
    return settings.payloads == "shown" or (reveal and settings.payloads != "never")


def is_revealed(settings: Settings, *, reveal: bool) -> bool:
    """Return whether the caller is shown what others are not: it is noted then."""
    return reveal and settings.payloads == "on-request"


async def note[Q, B](
    request: ApiRequest[Q, B], reveal: bool, keys: Sequence[EventKey]
) -> None:
    """Put on record who is shown these events; before they are, or not at all.

    Raises StoreUnavailable.
    """
    if not is_revealed(request.runtime.settings, reveal=reveal):
        return
    kept, room = [], NOTED_CHARACTERS
    for key in dict.fromkeys(keys):
        room -= sum(min(len(part), LONGEST_ID) for part in key)
        if room < 0:
            break
        kept.append(key)
    await request.note("reveal", events=kept, detail=f"{len(keys)} events")


def render(event: bytes, *, shows: bool) -> msgspec.Raw:
    """Return the event's JSON for an answer: whole, or without what is private."""
    return msgspec.Raw(event) if shows else redact(event)


def redact(event: bytes) -> msgspec.Raw:
    """Return the JSON with `{"redacted": true, "bytes": n}` for what is private.

    So is an object or a list, whatever its name: no attribute of an envelope is one.
    Nothing is shown of what is no JSON object.
    """
    try:
        members = _members.decode(event)
    except (ValueError, RecursionError):
        return placeholder(event)
    for name, value in members.items():
        if name.lower() in PRIVATE or bytes(value).lstrip().startswith((b"{", b"[")):
            members[name] = placeholder(bytes(value))
    return msgspec.Raw(msgspec.json.encode(members))


def placeholder(what: bytes) -> msgspec.Raw:
    """Return what stands in the place of something private: how long it is."""
    return msgspec.Raw(msgspec.json.encode({"redacted": True, "bytes": len(what)}))
