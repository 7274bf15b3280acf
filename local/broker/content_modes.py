"""Which CloudEvents content mode a publish request is in, and its events."""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from local.broker import events
from local.broker.errors import bad_request
from local.broker.events import Published

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
_ATTRIBUTE_NAME = re.compile(r"[a-z0-9]{1,20}")


def media_type(content_type: str) -> str:
    """Type and subtype in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Whether payloads of this media type are JSON."""
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def read_request(
    content_type: str | None, headers: Iterable[tuple[str, str]], body: bytes
) -> list[Published]:
    """The events of a publish request, in whichever mode it came."""
    events.check_size(len(body))
    if content_type is None or not content_type.strip():
        raise bad_request("CONTENT-TYPE is not provided")
    match media_type(content_type):
        case "application/cloudevents+json":
            return events.read_structured(body)
        case "application/cloudevents-batch+json":
            return events.read_batch(body)
    attributes = _attributes(headers)
    if not attributes:
        raise bad_request(
            f"Content type '{content_type}' needs `ce-*` headers (binary mode);"
            f" otherwise send {STRUCTURED} or {BATCHED}"
        )
    return [_read_binary(content_type, attributes, body)]


def _attributes(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {
        name.lower()[3:]: unquote(value)
        for name, value in headers
        if name.lower().startswith("ce-")
    }


def _read_binary(
    content_type: str, attributes: Mapping[str, str], body: bytes
) -> Published:
    for name in attributes:
        if name in ("data", "datacontenttype"):
            raise bad_request(f"The header `ce-{name}` must not be sent in binary mode")
        if not _ATTRIBUTE_NAME.fullmatch(name):
            raise bad_request(
                f"`{name}` is not an attribute name: use up to 20 of a-z and 0-9"
            )
    if not body:
        raise bad_request("'data' attribute is required")
    event: dict[str, Any] = {**attributes, "datacontenttype": content_type}
    return events.accept(event | _payload(content_type, body))


def _payload(content_type: str, body: bytes) -> dict[str, Any]:
    kind = media_type(content_type)
    if is_json(kind):
        return {"data": events.parse_data(body)}
    if kind.startswith("text/"):
        try:
            return {"data": body.decode()}
        except UnicodeDecodeError:
            raise bad_request("A text payload must be UTF-8") from None
    return {"data_base64": base64.b64encode(body).decode()}
