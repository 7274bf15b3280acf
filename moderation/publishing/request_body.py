"""The JSON in the body of a request, or what about the transport keeps it from us.

A matter of transport (no length, packed, another charset, a byte order mark) is reported
as one, not as a fault of what was sent.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec

from eventgrid_pull.events.cloudevents import Problem, essence, is_json

# No event or question needs more, and the next reader's stack may bear less.
MOST_NESTED = 500

_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";]*)', re.IGNORECASE)
_UTF_8 = ("", "utf-8", "utf8", "us-ascii", "ascii")
_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")

CHUNKED = "the Functions host drops a body that is sent in chunks, without a length"
SEND_A_LENGTH = (
    "send it with a Content-Length: curl --data-binary @file; .NET: StringContent, or "
    "LoadIntoBufferAsync on the content, instead of PostAsJsonAsync; Node.js: fetch with "
    "a string instead of a stream, of req.write or of the CloudEvents SDK's "
    "httpTransport; in a gateway: buffer requests. docs/api.md shows each"
)


class BadRequest(Exception):
    """The request is invalid, and nothing was done; `problems` lists what is wrong.

    `status` is 400, 411 (no length), 413 (too large) or 415 (not in a form that is
    supported), `next` what to do where it is not to fix what was sent.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        problems: Sequence[Problem] = (),
        next: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.problems = list(problems)
        self.next = next


def missing(headers: Mapping[str, str], detail: str, next: str | None) -> BadRequest:
    """Return what to say of a request without a body: the host may have dropped it."""
    if "transfer-encoding" in headers:
        return BadRequest(411, CHUNKED, next=SEND_A_LENGTH)
    return BadRequest(400, detail, next=next)


def check_encoding(headers: Mapping[str, str]) -> None:
    """Raise BadRequest (415) for a body that is packed, or not in UTF-8."""
    packed = headers.get("content-encoding", "").strip().lower()
    if packed not in ("", "identity"):
        detail = f"unsupported content encoding {packed[:40]!r}; send the body unpacked"
        raise BadRequest(415, detail)
    found = _CHARSET.search(headers.get("content-type", ""))
    charset = found[1].strip().lower() if found else ""
    if charset not in _UTF_8:
        raise BadRequest(415, f"unsupported charset {charset[:40]!r}; send UTF-8")


def parse(body: bytes) -> object:
    """Read JSON in UTF-8; a byte order mark before it is ignored. Raises BadRequest."""
    if body.startswith(_WIDE_MARKS) or b"\0" in body[:2]:
        raise BadRequest(415, "the body is in UTF-16 or UTF-32; send UTF-8")
    try:
        content = msgspec.json.decode(body.removeprefix(_MARK))
    except ValueError as error:
        raise BadRequest(400, f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise _too_deep() from error
    if _is_deeper(content, MOST_NESTED):
        raise _too_deep()
    return content


def parse_object(body: bytes, headers: Mapping[str, str]) -> dict[str, object]:
    """Read one JSON object. Raises BadRequest.

    The content type is only looked at when the body is none: curl sends another by
    itself.
    """
    check_encoding(headers)
    try:
        content = parse(body)
    except BadRequest as error:
        kind = essence(headers.get("content-type", ""))
        if error.status != 400 or not kind or is_json(kind):
            raise
        detail = f"unsupported content type {kind[:80]!r}; send application/json"
        raise BadRequest(415, detail) from error
    if not isinstance(content, dict):
        raise BadRequest(400, "the body is not a JSON object")
    return content


def _too_deep() -> BadRequest:
    return BadRequest(400, f"the body is nested more than {MOST_NESTED} deep")


def _is_deeper(content: object, limit: int) -> bool:
    """Tell whether lists and objects are nested more than so many deep."""
    level = [content]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True
