"""Cursors: where a list goes on, as text that means nothing to whoever sends it back."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from moderation.cloudevents import Problem
from moderation.console.asked import BadQuery

LONGEST = 4096
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A moment in a cursor: microseconds since 1970, up to the year 2300.
MOST_MICROS = 330 * 365 * 86_400 * 1_000_000
Micros = Annotated[int, msgspec.Meta(ge=0, le=MOST_MICROS)]


def micros(moment: datetime) -> int:
    """A moment as a cursor has it; one before 1970 as 1970."""
    return max((moment - EPOCH) // timedelta(microseconds=1), 0)


def moment(count: int) -> datetime:
    """The moment that a cursor has."""
    return EPOCH + timedelta(microseconds=count)


def written(state: msgspec.Struct) -> str:
    """A cursor: letters, digits, `-` and `_`, so that it needs no escapes in a URL."""
    raw = msgspec.msgpack.encode(state)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read[State: msgspec.Struct](cursor: str, of: type[State]) -> State:
    """What a cursor says. Raises BadQuery for one that is none of ours."""
    try:
        if len(cursor) > LONGEST:
            raise ValueError("too long")
        padded = cursor + "=" * (-len(cursor) % 4)
        raw = base64.b64decode(padded.encode(), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(raw, type=of)
    except (ValueError, RecursionError, binascii.Error) as error:
        problem = Problem("cursor", "is not one that an answer gave")
        raise BadQuery([problem]) from error
