"""Cursors: where a list goes on, as text that means nothing to whoever sends it back."""

import base64
import binascii

import msgspec

from console.validation import BadQuery
from eventgrid_pull.events.cloudevents import Problem

LONGEST = 4096


def encode(state: msgspec.Struct) -> str:
    """Return a cursor of letters, digits, `-` and `_`: a URL needs no escapes for it."""
    raw = msgspec.msgpack.encode(state)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode[State: msgspec.Struct](cursor: str, of: type[State]) -> State:
    """Return what a cursor says. Raises BadQuery for an invalid one."""
    try:
        if len(cursor) > LONGEST:
            raise ValueError("too long")
        padded = cursor + "=" * (-len(cursor) % 4)
        raw = base64.b64decode(padded.encode(), altchars=b"-_", validate=True)
        state = msgspec.msgpack.decode(raw, type=of)
        if msgspec.msgpack.encode(state) != raw:
            raise ValueError("not as it would be written")  # a moment as text, say
        return state
    except (ValueError, RecursionError, binascii.Error) as error:
        problem = Problem("cursor", "is not one that an answer gave")
        raise BadQuery([problem]) from error
