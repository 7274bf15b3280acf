"""What a publish request holds: validated, and rewritten as the service rewrites it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from eventgrid_emulator.errors import bad_request
from eventgrid_emulator.events import rfc3339

MAX_BODY = 1_048_576
MAX_EVENTS = 1_000

type Attributes = dict[str, Any]

_REQUIRED = ("id", "source", "specversion", "type")
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Published:
    """One valid event: its attributes for the filters, its bytes for the queues."""

    attributes: Attributes
    body: bytes


def read_structured(body: bytes) -> list[Published]:
    """Return the one event of a structured request."""
    return [read_event(parse(body))]


def read_batch(body: bytes) -> list[Published]:
    """Return the events of a batched request; one bad event refuses all."""
    items = parse(body)
    if not isinstance(items, list):
        raise bad_request("A batch must be a JSON array of events")
    if len(items) > MAX_EVENTS:
        raise bad_request(
            f"A publish request holds at most {MAX_EVENTS} events; this one has {len(items)}"
        )
    return [read_event(item) for item in items]


def accept(event: Mapping[str, Any]) -> Published:
    """Return the event as it will be delivered; refuse it for the first missing attribute."""
    for name in _REQUIRED:
        if event.get(name) is None:
            raise bad_request(f"`{name}` attribute is required")
    stored = as_stored(event)
    key = "data_base64" if "data_base64" in stored else "data"
    value = stored.pop(key)
    try:
        head, data = _encode(stored), _encode(value)
    except (UnicodeEncodeError, RecursionError) as problem:
        raise bad_request(f"The event cannot be written as JSON: {problem}") from None
    stored[key] = value
    return Published(stored, b'%b,"%b":%b}' % (head[:-1], key.encode(), data))


def as_stored(event: Mapping[str, Any]) -> Attributes:
    """Return what filters see: no attribute that is null, and the time in UTC."""
    stored = {
        name: value
        for name, value in event.items()
        if value is not None or name == "data"
    }
    time = stored.get("time")
    if isinstance(time, str):
        stored["time"] = rfc3339.normalise(time)
    return stored


def read_event(item: Any) -> Published:
    """Return one event of structured or batched mode, or refuse it."""
    if not isinstance(item, dict):
        raise bad_request("An event must be a JSON object")
    has_data, has_base64 = "data" in item, item.get("data_base64") is not None
    if has_data and has_base64:
        raise bad_request("`data` and `data_base64` must not both be present")
    if not has_data and not has_base64:
        raise bad_request("'data' attribute is required")
    return accept(item)


def refuse_byte_order_mark(body: bytes) -> None:
    """Refuse a byte order mark before JSON."""
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise bad_request("The request body begins with a byte order mark; send none")


def parse(body: bytes) -> Any:
    """Return the JSON of a body, or refuse it as invalid."""
    if not body:
        raise bad_request("The request body is empty")
    refuse_byte_order_mark(body)
    try:
        return _decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError) as problem:
        raise bad_request(f"The request body is not valid JSON: {problem}") from None
