"""What an endpoint is asked, checked against the types that it declares."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Annotated, Any, get_args

import msgspec

from console.auth import Caller
from console.http import Request
from eventgrid_pull.events.cloudevents import Problem
from moderation.audit import actions
from moderation.audit.actions import LONGEST_ID
from moderation.event_key import EventKey
from moderation.publishing import request_body
from moderation.publishing.request_body import BadRequest
from moderation.runtime import Runtime
from moderation.settings import Invalid

# A body of fields that are checked; the largest valid one needs less.
MOST_BYTES = 1024 * 1024
# The most unknown names that are listed.
MOST_NAMED = 50

# A time in a query: with its zone.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class BadQuery(Invalid):
    """A name or value of the query is invalid."""


class ApiRequest[Query, Body](msgspec.Struct, frozen=True):
    """One request to an endpoint.

    An endpoint declares `ApiRequest[Query, Body]`: `Query` is a Struct of the values that
    its query string may have, `Body` a Struct for a JSON body, `bytes` for one that it
    reads itself; None where it takes none. `signature` reads both from there.
    """

    runtime: Runtime
    http: Request
    caller: Caller
    query: Query
    body: Body

    async def note(
        self,
        verb: str,
        *,
        subscription: str | None = None,
        events: Sequence[EventKey] = (),
        detail: str | None = None,
    ) -> None:
        """Keep that the caller does this, durable when it returns: before it is done.

        `verb` and the rest as in `actions.Action`. Raises StoreUnavailable.
        """
        now = self.runtime.clock()
        action = actions.action(
            verb,
            self.caller.name,
            now,
            subscription=subscription,
            events=[EventKey(*(part[:LONGEST_ID] for part in key)) for key in events],
            detail=detail,
        )
        await self.runtime.actions.note(action, now)


class Nothing(msgspec.Struct, frozen=True):
    """A query without values."""


type Call = Callable[..., Awaitable[object]]


class Signature(msgspec.Struct, frozen=True):
    """What an endpoint takes and answers, as its annotations say."""

    takes_request: bool
    query: type[msgspec.Struct] | None
    body: type[msgspec.Struct] | type[bytes] | None
    answers: Any


@cache
def signature(call: Call) -> Signature:
    """Return the types that an endpoint declares: query, body and answer."""
    declared = inspect.signature(call, eval_str=True)
    kinds = [
        kind for p in declared.parameters.values() for kind in get_args(p.annotation)
    ]
    query, body = (
        None if kind is type(None) else kind for kind in kinds or (None, None)
    )
    return Signature(bool(kinds), query, body, declared.return_annotation)


def parse_request(
    call: Call, runtime: Runtime, request: Request, caller: Caller
) -> Any:
    """Return the request as the endpoint takes it. Raises BadQuery and BadRequest."""
    takes, query = signature(call), None
    if takes.query or request.params:
        query = read_query(request.params, takes.query or Nothing)
    return ApiRequest(runtime, request, caller, query, _body(request, takes.body))


def read_query[T: msgspec.Struct](params: Mapping[str, str], takes: type[T]) -> T:
    """Return the values of a query string. Raises BadQuery with every problem."""
    # `code` is a function key: the host has read it already. Empty is as good as absent.
    given = {name: text for name, text in params.items() if name != "code" and text}
    found, problems = convert(takes, given, strict=False)
    if found is None:
        raise BadQuery(problems)
    return found


def _body(request: Request, takes: type[msgspec.Struct] | type[bytes] | None) -> object:
    if takes is None:
        return None
    body, headers = request.body, request.headers
    if issubclass(takes, bytes):
        return body
    if not body:
        detail = "the body is empty; a JSON object is expected"
        raise request_body.missing(headers, detail, None)
    check_size(body)
    content = request_body.parse_object(body, headers)
    found, problems = convert(takes, content, strict=True, prefix="$.")
    if found is None:
        raise BadRequest(400, "the body is invalid", problems)
    return found


def check_size(body: bytes) -> None:
    """Raise BadRequest for a body that would hold up everything else."""
    if len(body) > MOST_BYTES:
        raise BadRequest(413, f"the body has more than {MOST_BYTES:,} bytes")


def convert[T: msgspec.Struct](
    takes: type[T], given: Mapping[str, Any], *, strict: bool, prefix: str = ""
) -> tuple[T | None, list[Problem]]:
    """Return values as a Struct of that type; or None, and the problems there are.

    Not `strict`: the values are text, as a query string has them.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(takes)}
    unknown = islice((name for name in given if name not in fields), MOST_NAMED)
    problems = [
        Problem(f"{prefix}{name[:80]}", f"is not one of: {', '.join(fields) or 'none'}")
        for name in unknown
    ]
    values = {}
    for name, field in fields.items():
        if name not in given:
            if field.required:
                problems.append(Problem(f"{prefix}{name}", "is required"))
            continue
        value = given[name]
        try:
            values[field.name] = _convert_value(value, field.type, strict=strict)
        except (msgspec.ValidationError, OverflowError) as error:
            _, _, where = str(error).partition(" - at `$")
            path = f"{prefix}{name}{where.removesuffix('`')}"
            problems.append(Problem(path, _requirement(field.type, error)))
    return (None if problems else takes(**values)), problems


def choose(names: Sequence[str], chosen: str | None) -> Sequence[str]:
    """Return the chosen event subscription, or all of them.

    Raises BadQuery for another name.
    """
    if chosen is None:
        return names
    if chosen not in names:
        raise BadQuery([Problem("subscription", f"is not one of: {', '.join(names)}")])
    return [chosen]


def _convert_value(value: Any, to: Any, *, strict: bool) -> Any:
    inner = (part for argument in get_args(to) for part in get_args(argument))
    if not strict and datetime in (to, *get_args(to), *inner):
        value = value.replace(" ", "+")  # one that was not escaped
    found = msgspec.convert(value, to, strict=strict)
    return found.astimezone(UTC) if isinstance(found, datetime) else found


def _requirement(of: Any, error: Exception) -> str:
    """Return what a value of that type must be, as the rest of a sentence."""
    schema = msgspec.json.schema(of)
    parts = (
        schema.get("$defs", {}).get(part.get("$ref", "")[8:], part)
        for part in schema.get("anyOf", [schema])
    )
    wanted = [part for part in parts if part != {"type": "null"}]
    match wanted:
        case [{"enum": values}]:
            return f"is not one of: {', '.join(map(str, values))}"
        case [{"type": "integer", "minimum": least, "maximum": most}]:
            return f"must be a whole number {least} to {most}"
        case [{"type": "boolean"}]:
            return "must be true or false"
        case [{"format": "date-time"}]:
            return "must be a time as 2026-01-31T12:00:00Z"
    said = str(error).partition(" - at `$")[0]
    return f"is invalid: {said[:1].lower()}{said[1:]}"
