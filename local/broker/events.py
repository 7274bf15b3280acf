"""What a publish request holds: validated, and rewritten as the service rewrites it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from local.broker.errors import Code, Refusal, bad_request

MAX_BODY = 1_048_576
MAX_EVENTS = 1_000

type Attributes = dict[str, Any]

_REQUIRED = ("id", "source", "specversion", "type")
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))"
)


@dataclass(frozen=True, slots=True)
class Published:
    """One valid event: its attributes for the filters, its bytes for the queues."""

    attributes: Attributes
    body: bytes


def read_structured(body: bytes) -> list[Published]:
    """The one event of a structured request."""
    return [_read_event(_parse(body))]


def read_batch(body: bytes) -> list[Published]:
    """The events of a batched request; one bad event refuses all."""
    items = _parse(body)
    if not isinstance(items, list):
        raise bad_request("A batch must be a JSON array of events")
    if len(items) > MAX_EVENTS:
        raise bad_request(
            f"A publish request holds at most {MAX_EVENTS} events; this one has {len(items)}"
        )
    return [_read_event(item) for item in items]


def parse_data(body: bytes) -> Any:
    """The JSON payload of a binary-mode request."""
    return _parse(body)


def accept(event: Mapping[str, Any]) -> Published:
    """The event as it will be delivered, or a refusal naming the first missing attribute."""
    for name in _REQUIRED:
        if event.get(name) is None:
            raise bad_request(f"`{name}` attribute is required")
    attributes = {
        name: value
        for name, value in event.items()
        if value is not None and name not in ("data", "data_base64")
    }
    time = attributes.get("time")
    if isinstance(time, str):
        attributes["time"] = normalise_time(time)
    return _rewritten(attributes, event)


def normalise_time(text: str) -> str:
    """The same instant in UTC with `Z` and the digits it came with; odd text stays."""
    match = _TIME.fullmatch(text)
    if match is None:
        return text
    day, clock, fraction, sign, hours, minutes = match.groups()
    try:
        instant = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)
        if sign is not None:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            instant = instant - offset if sign == "+" else instant + offset
    except (ValueError, OverflowError):
        return text
    return f"{instant:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f"{fraction or ''}Z"


def check_size(size: int) -> None:
    """A body over one megabyte (1,048,576 bytes) is refused."""
    if size > MAX_BODY:
        raise too_large()


def too_large() -> Refusal:
    """The refusal of a body over the limit."""
    return Refusal(
        Code.TOO_LARGE, f"The request body is larger than {MAX_BODY} bytes; send less"
    )


def _read_event(item: Any) -> Published:
    if not isinstance(item, dict):
        raise bad_request("An event must be a JSON object")
    has_data, has_base64 = "data" in item, item.get("data_base64") is not None
    if has_data and has_base64:
        raise bad_request("`data` and `data_base64` must not both be present")
    if not has_data and not has_base64:
        raise bad_request("'data' attribute is required")
    return accept(item)


def _rewritten(attributes: Attributes, event: Mapping[str, Any]) -> Published:
    key = "data_base64" if event.get("data_base64") is not None else "data"
    value = event.get(key)
    try:
        head, data = _encode(attributes), _encode(value)
    except (UnicodeEncodeError, RecursionError) as problem:
        raise bad_request(f"The event cannot be written as JSON: {problem}") from None
    attributes[key] = value
    return Published(attributes, b'%b,"%b":%b}' % (head[:-1], key.encode(), data))


def _parse(body: bytes) -> Any:
    try:
        return _decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError) as problem:
        raise bad_request(f"The request body is not valid JSON: {problem}") from None
