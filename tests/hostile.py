"""Values for an API: those that its schemas allow, and those that somebody sends anyway."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

type Json = Any
type Schema = Mapping[str, Any]

TEXTS = (
    *(
        "",
        " ",
        "\0",
        "a\0b",
        "\r\n",
        "null",
        "true",
        "-1",
        "0",
        "1e999",
        "NaN",
        "9" * 400,
    ),
    *("\udcff", "\ud800", "é", "\u202eevil", "\ufeff", "<script>alert(1)</script>"),
    *("../../etc/passwd", "%00", "%2e%2e%2f", "' OR 1=1 --", "${jndi:x}", "a" * 70_000),
    *("2026-11-23T10:30:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
    *("2026-02-30", "0000-00-00", "9999-12-31", "2026-11-23T10:30:00+99:99", "P1D"),
    *(
        "[]",
        "{}",
        "AAAA",
        "!!!!",
        "a,b",
        "sub-flagged,sub-approved",
        "\u0663",
        "\uff11",
    ),
)
# What there is in the app that is asked; see `test_api_hostile`.
DEAD_LETTER = "local/moderation-events/sub-flagged/2026/11/23/10/480b2295-ab.json"
KNOWN = ("sub-flagged", "sub-all-events", "event-1", DEAD_LETTER, "2026-11-23", "1")
VALUES: tuple[Json, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**30, -(10**30), 2**63, 1e308, "", [], {}, [[]]),
    *([None], {"": None}, {"a": {"b": []}}, "\0", "\ud800", "x" * 70_000, [0] * 3_000),
    *("2026-11-23T10:30:00Z", "sub-flagged", "nobody", {"$ref": "#"}, {"__proto__": 1}),
)
BODIES = (
    *(
        b"",
        b" ",
        b"\0",
        b"null",
        b"[]",
        b"{}",
        b"0",
        b'""',
        b"{",
        b"[1,",
        b'{"a":',
        b"nul",
    ),
    *(
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'"\\ud800"',
        b'{"\\ud800":1}',
        b'{"a":"\xed\xa0\x80"}',
    ),
    *(b"[" * 50_000, b'{"a":' * 50_000, b"[" * 900 + b"]" * 900, b"9" * 5_000),
    *(b"1e999999", b"[-1e-999999]", b"NaN", b"[Infinity]", b'{"a":1,"a":2}'),
    *(b'{"id":"a","id":7,"specversion":"1.0","specversion":null}', b"{}{}", b"/**/{}"),
    *(b'{"subscription":"sub-flagged","subscription":[]}', b"[{},{},{}]", b"[null]"),
)
TYPES = (
    *(
        "application/json",
        "application/cloudevents+json",
        "APPLICATION/JSON; charset=utf-8",
    ),
    *(
        "application/cloudevents-batch+json",
        "text/plain",
        "",
        "\0",
        "application/json;",
    ),
    *("application/json; charset=utf-16", "multipart/form-data", "a" * 9_000, "é/ü"),
)
ATTRIBUTES = (
    "ce-id",
    "ce-type",
    "ce-source",
    "ce-specversion",
    "ce-time",
    "ce-é",
    "ce-",
)


def texts() -> SearchStrategy[str]:
    """Return what somebody types into a query or a header."""
    return st.sampled_from(TEXTS) | st.text(max_size=30)


def allowed(schema: Schema, components: Schema) -> SearchStrategy[Json]:
    """Return what the schema allows."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return st.deferred(lambda: allowed(components[name], components))
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if "anyOf" in schema:
        return st.one_of([allowed(choice, components) for choice in schema["anyOf"]])
    return _typed(schema, components)


def _typed(schema: Schema, components: Schema) -> SearchStrategy[Json]:
    bounds = schema.get("minimum"), schema.get("maximum")
    match schema.get("type"):
        case "string":
            return _string(schema)
        case "integer":
            return st.integers(*bounds)
        case "number":
            return st.floats(*bounds, allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "array":
            each = allowed(schema.get("items", {}), components)
            return st.lists(each, min_size=schema.get("minItems", 0), max_size=3)
        case "object":
            return _object(schema, components)
    return st.sampled_from(VALUES)


def _string(schema: Schema) -> SearchStrategy[Json]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 40)
    match schema.get("format"):
        case "date-time":
            return st.datetimes().map(lambda one: one.isoformat() + "Z")
        case "date":
            return st.dates().map(lambda one: one.isoformat())
    letters = st.characters(categories=("L", "N", "P", "S"))
    free = st.text(letters, min_size=least, max_size=max(least, min(most, 40)))
    return st.sampled_from(KNOWN) | free


def _object(schema: Schema, components: Schema) -> SearchStrategy[Json]:
    named = {
        name: allowed(member, components)
        for name, member in schema.get("properties", {}).items()
    }
    required = {name: named.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(required, optional=named)


def spoilt(value: Json) -> SearchStrategy[Json]:
    """Return the value with one of its parts replaced, left out, or added."""
    if isinstance(value, dict) and value:
        names = st.sampled_from(sorted(value))
        inner = names.flatmap(
            lambda name: spoilt(value[name]).map(lambda new: value | {name: new})
        )
        less = names.map(lambda name: {k: v for k, v in value.items() if k != name})
        more = st.sampled_from(VALUES).map(lambda new: value | {"other": new})
        return inner | less | more
    if isinstance(value, list) and value:
        first = spoilt(value[0]).map(lambda new: [new, *value[1:]])
        return first | st.just(value * 400) | st.just([])
    return st.sampled_from(VALUES)


def bodies(schema: Schema, components: Schema) -> SearchStrategy[bytes]:
    """Bodies that are allowed, those that nearly are, and those that are no JSON."""
    good = allowed(schema, components)
    return st.one_of(
        good.map(_encoded),
        good.flatmap(spoilt).map(_encoded),
        st.sampled_from(BODIES),
        st.binary(max_size=40),
    )


def _encoded(value: Json) -> bytes:
    return json.dumps(value).encode()


def queries(
    parameters: list[Schema], components: Schema
) -> SearchStrategy[dict[str, str]]:
    """Query strings, as far as the host lets them through: no value is empty."""
    good = {
        parameter["name"]: allowed(parameter["schema"], components).map(_as_text)
        for parameter in parameters
    }
    required = {
        parameter["name"]: good[parameter["name"]]
        for parameter in parameters
        if parameter.get("required")
    }
    bad = dict.fromkeys([*good, "code", "other", "\0", "\udcff", "é" * 200], texts())
    allowed_ones = st.fixed_dictionaries(
        required, optional={k: v for k, v in good.items() if k not in required}
    )
    hostile = st.fixed_dictionaries({}, optional=bad)
    either = allowed_ones | st.builds(lambda a, b: a | b, allowed_ones, hostile)
    return either.map(lambda given: {k: v for k, v in given.items() if v})


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def headers() -> SearchStrategy[dict[str, str]]:
    """Headers that the API looks at."""
    kinds = st.fixed_dictionaries(
        {"content-type": st.sampled_from(TYPES[:4]) | st.sampled_from(TYPES)},
        optional={"transfer-encoding": st.just("chunked"), "traceparent": texts()},
    )
    attributes = st.dictionaries(st.sampled_from(ATTRIBUTES), texts(), max_size=4)
    return kinds | st.builds(lambda a, b: a | b, kinds, attributes)
