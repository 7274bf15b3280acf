"""What of an event an answer shows: its data is private until someone asks for it."""

import msgspec

from moderation.settings import Settings

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
# The subject holds the content id and whatever else a publisher put there.
PRIVATE = ("data", "data_base64", "subject")


def shows(settings: Settings, *, reveal: bool) -> bool:
    """Whether events are shown whole: always, never, or because it was asked for."""
    return settings.payloads == "shown" or (reveal and settings.payloads != "never")


def is_revealed(settings: Settings, *, reveal: bool) -> bool:
    """Whether the caller is shown what others are not: to be noted, with their name."""
    return reveal and settings.payloads == "on-request"


def redacted(event: bytes) -> msgspec.Raw:
    """The event's JSON, with `{"redacted": true, "bytes": n}` for what is private.

    Of what is no JSON object nothing is shown.
    """
    try:
        members = _members.decode(event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _left_out(event)
    for name in PRIVATE:
        if name in members:
            members[name] = _left_out(bytes(members[name]))
    return msgspec.Raw(msgspec.json.encode(members))


def _left_out(what: bytes) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode({"redacted": True, "bytes": len(what)}))
