"""The CloudEvents 1.0 envelope: what makes one invalid, on the way in and on the way out.

Rules: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md, and what
Event Grid namespaces add to them (extension names of at most 20 characters, `data`
required).
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

import msgspec

from eventgrid_pull.events import rfc3339

SPEC_VERSION = "1.0"
REQUIRED = ("id", "source", "type", "specversion")
OPTIONAL = ("subject", "dataschema")
ATTRIBUTES = frozenset(
    (*REQUIRED, *OPTIONAL, "time", "datacontenttype", "data", "data_base64")
)
# Attributes that have a member of their own wherever an event is read.
_NAMED = ATTRIBUTES | {"traceparent", "tracestate"}
EXTENSION_NAME = re.compile(r"[a-z0-9]{1,20}\Z")
# Of an event with more bad extension attributes no more are named.
MOST_NAMED = 50
# Of a payload, not of an event: a media type, its subtype `json` or with that suffix.
_JSON_TYPE = re.compile(r"[\w.!#$&^+-]+/([\w.!#$&^+-]+\+)?json\Z", re.ASCII)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong, and where: a JSON path, a header or a setting."""

    path: str
    problem: str


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A delivered event, its data still as raw JSON.

    What is optional may be anything: it does not make the event one that is not read.
    """

    id: str
    source: str
    type: str
    specversion: str
    subject: object = None
    time: object = None
    datacontenttype: object = None
    dataschema: object = None
    traceparent: object = None
    tracestate: object = None
    egpublishedat: object = None
    egpublishedby: object = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: bytes | None = None

    @property
    def json(self) -> bytes | None:
        """Return the payload's JSON, however it is spelled; None when it is no JSON.

        `data` is JSON by itself; what `data_base64` holds is, if its type says so or
        says nothing.
        """
        if self.data_base64 is None:
            return bytes(self.data)
        kind = self.datacontenttype
        if isinstance(kind, str) and not is_json(kind):
            return None
        return self.data_base64.removeprefix(_BYTE_ORDER_MARK)


class _Tolerant(Envelope, frozen=True, forbid_unknown_fields=False):
    """The same, whatever extension attributes come along."""


_plain = msgspec.json.Decoder(Envelope)
_extended = msgspec.json.Decoder(_Tolerant)
_names = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(raw: bytes) -> Envelope:
    """Return the envelope of a delivered event.

    Raises ValueError (which msgspec's errors are) with what is wrong when it is no
    CloudEvent that a strict client could read: a required attribute missing or of
    another type, a bad extension name, both `data` and `data_base64`, or in that what
    is not base64. Attributes that are null are unset.
    """
    try:
        envelope = _plain.decode(raw)
    except msgspec.ValidationError:
        envelope = _extended.decode(raw)
        _check_extension_names(raw)
    if bytes(envelope.data) and envelope.data_base64 is not None:
        raise ValueError("it has both `data` and `data_base64`")
    if envelope.specversion != SPEC_VERSION:
        raise ValueError(f"specversion is not {SPEC_VERSION}")
    return envelope


def _check_extension_names(raw: bytes) -> None:
    for name, value in _names.decode(raw).items():
        if name in ATTRIBUTES or bytes(value) == b"null":
            continue
        if not EXTENSION_NAME.match(name):
            raise ValueError(
                f"extension name {name[:40]!r} is not 1 to 20 of a-z and 0-9"
            )


def extensions(raw: bytes) -> dict[str, object]:
    """Return the extension attributes of a delivered event that are set."""
    return {
        name: msgspec.json.decode(value)
        for name, value in _names.decode(raw).items()
        if name not in _NAMED and bytes(value) != b"null"
    }


def set_members(event: Mapping[str, object]) -> dict[str, object]:
    """Return the event without what is null: unset, but for `data`, which may be null."""
    return {
        name: value
        for name, value in event.items()
        if value is not None or name == "data"
    }


def as_stored(event: Mapping[str, object]) -> dict[str, object]:
    """Return a published event as Event Grid's filters see it: its time in UTC."""
    time = event.get("time")
    if not isinstance(time, str):
        return dict(event)
    return {**event, "time": rfc3339.normalise(time)}


def problems(event: dict[str, object], path: str) -> list[Problem]:
    """Return all that keeps an event's envelope from being published; empty when fine."""
    found = [
        Problem(f"{path}.{name}", "is required and must be a non-empty string")
        for name in REQUIRED
        if not _text(event.get(name))
    ]
    found += [
        Problem(f"{path}.{name}", "must be a non-empty string")
        for name in OPTIONAL
        if name in event and not _text(event[name])
    ]
    if _text(event.get("specversion")) and event["specversion"] != SPEC_VERSION:
        found.append(Problem(f"{path}.specversion", f"must be {SPEC_VERSION!r}"))
    if "time" in event and not _is_time(event["time"]):
        problem = "must be an RFC 3339 time with its zone, as 2026-01-31T12:00:00Z"
        found.append(Problem(f"{path}.time", problem))
    found += _data_problems(event, path)
    found += _extension_problems(event, path)
    return found


def _data_problems(event: dict[str, object], path: str) -> list[Problem]:
    found = []
    if "data_base64" in event:
        problem = "is unsupported: send the JSON object in `data`, where filters see it"
        found.append(Problem(f"{path}.data_base64", problem))
    if not isinstance(event.get("data"), dict):
        found.append(Problem(f"{path}.data", "is required and must be an object"))
    media_type = event.get("datacontenttype", "application/json")
    if not isinstance(media_type, str) or not is_json(media_type):
        problem = "must be a JSON media type, as application/json"
        found.append(Problem(f"{path}.datacontenttype", problem))
    return found


def _extension_problems(event: dict[str, object], path: str) -> list[Problem]:
    found: list[Problem] = []
    for name, value in event.items():
        if name in ATTRIBUTES:
            continue
        if len(found) >= MOST_NAMED:
            problem = "has more extension attributes; fix these first"
            return [*found, Problem(path, problem)]
        where = f"{path}.{name[:40]}"
        if not EXTENSION_NAME.match(name):
            problem = "extension names are 1 to 20 of a-z and 0-9"
            found.append(Problem(where, problem))
        if not _is_extension_value(value):
            problem = "extension values are strings, booleans or 32-bit integers"
            found.append(Problem(where, problem))
    return found


def essence(media_type: str) -> str:
    """Return a media type without its parameters, in lower case."""
    return media_type.partition(";")[0].strip().lower()


def is_json(media_type: str) -> bool:
    """Return whether payloads of this media type are JSON."""
    return _JSON_TYPE.match(essence(media_type)) is not None


def header_value(text: str) -> str:
    """Decode the value of a `ce-` header: its quotes first, then percent signs.

    As section 3.1.3.2 of the HTTP binding says. Raises ValueError for what would have
    to be guessed: bytes that are not UTF-8, and a quote or a percent sign of its own.
    """
    try:
        text.encode()
        if '"' in text:
            text = _unquote(text)
        if _BARE_PERCENT.search(text):
            raise ValueError("has a % without two hexadecimal digits; write it as %25")
        return unquote(text, errors="strict")
    except UnicodeError:
        raise ValueError("is not UTF-8 once its percent signs are decoded") from None


def _unquote(text: str) -> str:
    if '"' in _QUOTED.sub("", text):
        raise ValueError('has a " that is not closed; write it as %22')
    return _QUOTED.sub(lambda quoted: re.sub(r"(?s)\\(.)", r"\1", quoted[1]), text)


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_extension_value(value: object) -> bool:
    if isinstance(value, int):
        return -(2**31) <= value < 2**31
    return isinstance(value, str)


def _is_time(value: object) -> bool:
    return isinstance(value, str) and rfc3339.is_valid(value)
