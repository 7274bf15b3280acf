"""Which CloudEvents content mode a publish request is in, and its events."""

import base64
import re
import string
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from eventgrid_emulator.errors import bad_request, unsupported
from eventgrid_emulator.events import cloudevents
from eventgrid_emulator.events.cloudevents import Published

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
_ATTRIBUTE_NAME = re.compile(r"[a-z0-9]{1,20}")
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";]*)', re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def media_type(content_type: str) -> str:
    """Return type and subtype in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Return whether payloads of this media type are JSON."""
    return kind.endswith(("/json", "+json"))


def read_request(
    content_type: str | None, headers: Iterable[tuple[str, str]], body: bytes
) -> list[Published]:
    """Return the events of a publish request, in whichever mode it came."""
    if content_type is None or not content_type.strip():
        raise bad_request("CONTENT-TYPE is not provided")
    kind = media_type(content_type)
    if is_json(kind) or kind.startswith("text/"):
        _check_charset(content_type)
    if kind == STRUCTURED:
        return cloudevents.read_structured(body)
    if kind == BATCHED:
        return cloudevents.read_batch(body)
    attributes = _attributes(headers)
    if not attributes:
        raise bad_request(
            f"Content type '{content_type}' needs `ce-*` headers (binary mode);"
            f" otherwise send {STRUCTURED} or {BATCHED}"
        )
    return [_read_binary(content_type, attributes, body)]


def _check_charset(content_type: str) -> None:
    """Raise a 415 for text in another charset than UTF-8, which would be misread."""
    match = _CHARSET.search(content_type)
    charset = match[1].strip().lower() if match else ""
    if charset not in ("", "utf-8", "utf8", "us-ascii", "ascii"):
        raise unsupported(f"Charset '{charset[:40]}' is not supported; send UTF-8")


def _attributes(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for name, value in headers:
        header = name.lower()
        if not header.startswith("ce-"):
            continue
        if header[3:] in attributes:
            raise bad_request(f"The header `{header}` is repeated")
        try:
            attributes[header[3:]] = decode_header(value)
        except ValueError as problem:
            raise bad_request(f"The header `{header}` {problem}") from None
    return attributes


def decode_header(text: str) -> str:
    """Remove quotes, then percent-encoding: section 3.1.3.2 of the HTTP binding.

    Raises ValueError, with the reason, for an ambiguous value.
    """
    plain = _QUOTED.sub(_unquote, text)
    if _QUOTED.sub("", text).count('"'):
        raise ValueError("has an unclosed quote")
    for part in plain.split("%")[1:]:
        if not (len(part) > 1 and set(part[:2]) <= set(string.hexdigits)):
            raise ValueError("has a % that encodes nothing; a % itself is %25")
    try:
        return unquote_to_bytes(plain).decode()
    except UnicodeError:
        raise ValueError("is not UTF-8") from None


def _unquote(match: re.Match[str]) -> str:
    return re.sub(r"\\(.)", r"\1", match[0][1:-1], flags=re.DOTALL)


def _read_binary(
    content_type: str, attributes: Mapping[str, str], body: bytes
) -> Published:
    for name in attributes:
        if name in ("data", "data_base64", "datacontenttype"):
            raise bad_request(f"The header `ce-{name}` must not be sent in binary mode")
        if not _ATTRIBUTE_NAME.fullmatch(name):
            raise bad_request(
                f"`{name}` is not an attribute name: use up to 20 of a-z and 0-9"
            )
    if not body:
        raise bad_request("'data' attribute is required")
    event: dict[str, Any] = {**attributes, "datacontenttype": content_type}
    return cloudevents.accept(event | _payload(content_type, body))


def _payload(content_type: str, body: bytes) -> dict[str, Any]:
    kind = media_type(content_type)
    if is_json(kind):
        return {"data": cloudevents.parse(body)}
    if kind.startswith("text/"):
        try:
            return {"data": body.decode()}
        except UnicodeDecodeError:
            raise bad_request("A text payload must be UTF-8") from None
    return {"data_base64": base64.b64encode(body).decode()}
