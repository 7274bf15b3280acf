"""A request's body and headers in, valid CloudEvents out, or every problem there is."""

import os
from collections.abc import Mapping
from datetime import datetime
from itertools import starmap
from uuid import UUID

import msgspec

from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.events import cloudevents, struct_problems
from eventgrid_pull.events.cloudevents import Problem
from moderation import events
from moderation.events import Moderation
from moderation.publishing import request_body
from moderation.publishing.request_body import BadRequest

SOURCE = "/services/content-moderation"
MAX_EVENTS = 1_000
MAX_BODY_BYTES = 32 * 1024 * 1024
# An empty list of two bytes takes eighty in memory; no thousand events have so many.
MAX_BRACKETS = 2_000_000

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
PLAIN = "application/json"
# Not a content type: attributes in headers, the payload's own content type.
BINARY = "binary"
_NOT_SENT = ("ce-data", "ce-data_base64", "ce-datacontenttype")

EMPTY = "the body is empty; an event or a list of events is expected"
SAMPLES = "POST /api/events/samples publishes the five sample events"

type Json = dict[str, object]


class ParsedEvents(msgspec.Struct, frozen=True):
    """The CloudEvents of a request; with `problems`, none of them may be published.

    What is no JSON object is not among the events, only among the problems.
    """

    events: list[Json]
    problems: list[Problem]


def events_in(body: bytes, headers: Mapping[str, str], now: datetime) -> list[Json]:
    """Return the CloudEvents that a request carries, each of them valid.

    Takes structured, batched and binary CloudEvents, and plain moderation results.
    `headers` has lower-case names. Raises BadRequest.
    """
    parsed = read(body, headers, now)
    if problems := parsed.problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems):,} problems"
        raise BadRequest(400, f"{count}; nothing was published", problems)
    return parsed.events


def read(body: bytes, headers: Mapping[str, str], now: datetime) -> ParsedEvents:
    """Return them with their problems, to see where such events would go.

    Raises BadRequest for what carries no events at all.
    """
    if not body:
        raise request_body.missing(headers, EMPTY, SAMPLES)
    if len(body) > MAX_BODY_BYTES:
        detail = f"the body has more than {MAX_BODY_BYTES:,} bytes; send it in parts"
        raise BadRequest(413, detail)
    if body.count(b"{") + body.count(b"[") > MAX_BRACKETS:
        detail = f"the body has more than {MAX_BRACKETS:,} objects and lists"
        raise BadRequest(413, f"{detail}; send it in parts")
    request_body.check_encoding(headers)
    mode = _mode(headers)
    content = request_body.parse(body)
    if mode == BINARY:
        return _check([_binary_attributes(headers) | {"data": content}], ["$"])
    _check_form(content, mode)
    if mode == BATCHED or isinstance(content, list):
        members, paths = _members(content)
    else:
        members, paths = [content], ["$"]
    if mode == PLAIN:
        return _wrap_all(members, paths, now)
    return _check(members, paths)


def _mode(headers: Mapping[str, str]) -> str:
    """Return the content type when it says how events are carried; or BINARY."""
    media_type = cloudevents.essence(headers.get("content-type", ""))
    if media_type in (STRUCTURED, BATCHED):
        return media_type
    if any(name.startswith("ce-") for name in headers):
        if cloudevents.is_json(media_type):
            return BINARY
        raise BadRequest(415, f"an event with ce- headers must carry {PLAIN}")
    if media_type == PLAIN:
        return media_type
    named = f"unsupported content type {media_type[:80]!r}"
    supported = f"{PLAIN}, {STRUCTURED} or {BATCHED}"
    detail = f"{named if media_type else 'no content type'}; send {supported}"
    raise BadRequest(415, detail)


def _binary_attributes(headers: Mapping[str, str]) -> Json:
    """Read the attributes of a binary-mode event from its headers."""
    attributes: Json = {"datacontenttype": headers["content-type"]}
    problems = []
    for name, value in headers.items():
        if name in _NOT_SENT:
            problem = "must not be sent: the body is the data, Content-Type its type"
            problems.append(Problem(name, problem))
        elif name.startswith("ce-"):
            try:
                attributes[name[3:]] = cloudevents.header_value(value)
            except ValueError as error:
                problems.append(Problem(name, str(error)))
    if problems:
        raise BadRequest(400, "headers that cannot be read", problems)
    return attributes


def _check_form(content: object, mode: str) -> None:
    """Raise BadRequest for events of one form that are sent as those of another."""
    if mode == STRUCTURED and isinstance(content, list):
        raise _other_form("$", f"is a list: send several events as {BATCHED}")
    members = content if isinstance(content, list) else [content]
    for index, member in enumerate(members):
        if isinstance(member, dict) and (meant := _form_of(member, mode)):
            path = f"$[{index}]" if isinstance(content, list) else "$"
            raise _other_form(path, meant)


def _form_of(member: Json, mode: str) -> str | None:
    """Say what an object is, if it is no such event as the content type promises."""
    is_cloudevent = "specversion" in member
    if mode == PLAIN and is_cloudevent and "contentId" not in member:
        return f"is a CloudEvent: send it as {STRUCTURED}, several as {BATCHED}"
    if mode != PLAIN and not is_cloudevent and "contentId" in member:
        return f"is a moderation result, not a CloudEvent: send it as {PLAIN}"
    if not is_cloudevent and "eventType" in member and "dataVersion" in member:
        return f"is of the Event Grid schema: send a CloudEvent, as {STRUCTURED}"
    return None


def _other_form(path: str, meant: str) -> BadRequest:
    what = "the body" if path == "$" else path
    return BadRequest(415, f"{what} {meant}", [Problem(path, meant)])


def _members(content: object) -> tuple[list[object], list[str]]:
    """Return the members of a list, and the JSON path of each. Raises BadRequest."""
    if not isinstance(content, list):
        raise BadRequest(400, f"the body must be a list with {BATCHED}")
    if not content:
        raise BadRequest(400, "the list is empty; send 1 to 1,000 events")
    if len(content) > MAX_EVENTS:
        many = f"{len(content):,} events in one request"
        raise BadRequest(413, f"{many}; at most {MAX_EVENTS:,} are allowed")
    return content, [f"$[{index}]" for index in range(len(content))]


def _check(members: list[object], paths: list[str]) -> ParsedEvents:
    """Check CloudEvents as they came."""
    problems: list[Problem] = []
    checked: list[Json] = []
    for event, path in zip(members, paths, strict=True):
        if not isinstance(event, dict):
            problems.append(Problem(path, "must be an object: a CloudEvent"))
            continue
        event = cloudevents.set_members(event)
        problems += cloudevents.problems(event, path)
        if events.PROBE_MARK in event:
            problem = "marks probes of inspect: leave it out"
            problems.append(Problem(f"{path}.{events.PROBE_MARK}", problem))
        problems += _payload_problems(event.get("type"), event.get("data"), path)
        checked.append(event)
    return ParsedEvents(checked, problems)


def _payload_problems(name: object, data: object, path: str) -> list[Problem]:
    if not isinstance(name, str) or not isinstance(data, dict):
        return []  # said of the envelope
    payload = events.TYPES.get(name)
    if payload is None:
        known = ", ".join(events.TYPES)
        return [Problem(f"{path}.type", f"is not one of {known}")]
    return _misfits(payload, data, f"{path}.data")


def _misfits(payload: type[Moderation], data: Json, path: str) -> list[Problem]:
    return [*starmap(Problem, struct_problems.problems(payload, data, path))]


def _wrap_all(members: list[object], paths: list[str], now: datetime) -> ParsedEvents:
    """Wrap plain moderation results, each into a CloudEvent."""
    problems: list[Problem] = []
    wrapped: list[Json] = []
    for result, path in zip(members, paths, strict=True):
        if not isinstance(result, dict):
            problems.append(Problem(path, "must be an object: a moderation result"))
            continue
        name, payload = _type_of(result)
        if payload is None:
            known = ", ".join(payload.__name__ for payload in events.TYPES.values())
            problems.append(Problem(f"{path}.type", f"is not one of {known}"))
        else:
            problems += _misfits(payload, result, path)
        wrapped.append(wrap(name, result, now))
    return ParsedEvents(wrapped, problems)


def _type_of(result: Json) -> tuple[str, type[Moderation] | None]:
    """Return the event type of a plain result: as it says, or as its content implies."""
    given = result.get("type")
    if given is None and "escalationReason" in result:
        given = events.ReviewEscalated.__name__
    elif given is None:
        safe = str(result.get("category")).lower() == events.SAFE
        given = (events.ContentApproved if safe else events.ContentFlagged).__name__
    name = str(given)
    if not name.startswith(events.PREFIX):
        name = events.PREFIX + name
    return name, events.TYPES.get(name)


def wrap(name: str, result: Json, now: datetime) -> Json:
    """Wrap a moderation result into a CloudEvent of that type, with a new id."""
    at = stamp(now)
    data = {key: value for key, value in result.items() if key != "type"}
    data.setdefault("timestamp", at)
    kind, content_id = data.get("contentType"), data.get("contentId")
    return {
        "specversion": "1.0",
        "id": uuid7(now),
        "source": SOURCE,
        "type": name,
        "subject": f"/content/{kind}s/{content_id}",
        "time": at,
        "datacontenttype": "application/json",
        "data": data,
    }


def uuid7(now: datetime) -> str:
    """Return a UUID of version 7 (RFC 9562): ids sort by the time they begin with."""
    milliseconds = int(now.timestamp() * 1000)
    random = int.from_bytes(os.urandom(10)) & ~(0xF << 76) & ~(0x3 << 62)
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62 | random))
