"""An event as a handler gets it, readable or not, and the delivery that brought it."""

from collections.abc import Callable
from datetime import datetime

import msgspec


class Event[T](msgspec.Struct, frozen=True, gc=False):
    """One delivered event, its data as the handler's type says.

    `time` is what the publisher claims, None where it cannot be held as a moment.
    `extensions` are the attributes that CloudEvents does not name, with their values as
    JSON has them. `delivery_count` is 1 the first time. `raw` is the event's JSON, byte
    for byte as it was delivered.
    """

    id: str
    source: str
    type: str
    data: T
    subject: str | None = None
    time: datetime | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    extensions: dict[str, object] = {}
    delivery_count: int = 1
    raw: bytes = b""


class MalformedEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was delivered and is not what the handler's type promises.

    `reason` names the place and the rule, never a value: it is logged. The attributes are
    empty where the event has none that can be read.
    """

    reason: str
    id: str = ""
    source: str = ""
    type: str = ""
    subject: str | None = None
    time: datetime | None = None
    traceparent: str | None = None
    extensions: dict[str, object] = {}
    delivery_count: int = 1
    raw: bytes = b""


# What decoding raises: msgspec's errors are ValueErrors, and so are bad UTF-8's.
UNREADABLE = (ValueError, RecursionError)
LF, CR = b"\n\r"  # as numbers: they are found ten times as fast

type AnyEvent = Event[object] | MalformedEvent
# Bytes and delivery count in, an event out; it never raises.
type Decode = Callable[[bytes, int], AnyEvent]


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One event on loan, with the lock token that settles it."""

    lock_token: str
    event: AnyEvent

    @property
    def delivery_count(self) -> int:
        """Return how often the event was handed out; the first time it is 1."""
        return self.event.delivery_count

    @property
    def raw(self) -> bytes:
        """Return the event's JSON as it was delivered."""
        return self.event.raw

    @property
    def short_token(self) -> str:
        """Return enough of the lock token to recognise it, too little to settle with."""
        token = self.lock_token
        return token if len(token) <= 12 else f"{token[:4]}…{token[-6:]}"

    @property
    def json(self) -> bytes:
        """Return the event's JSON as it came.

        What no reader of JSON could read (not UTF-8, or nested too deep) becomes a JSON
        string.
        """
        raw = self.event.raw
        if isinstance(self.event, MalformedEvent) and not _is_readable(raw):
            return msgspec.json.encode(raw.decode(errors="replace"))
        return raw

    @property
    def line(self) -> bytes:
        """Return the same on one line: line breaks can only stand between its tokens."""
        raw = self.json
        if LF in raw or CR in raw:
            raw = raw.replace(b"\n", b" ").replace(b"\r", b" ")
        return raw


def _is_readable(raw: bytes) -> bool:
    try:
        raw.decode()
        _any.decode(raw)
    except UNREADABLE:
        return False
    return True


_any = msgspec.json.Decoder(list[msgspec.Raw] | dict[str, msgspec.Raw] | str | None)
