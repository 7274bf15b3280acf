"""The API's description: OpenAPI 3.1, from the types that check requests and answers."""

import inspect
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT

from console import openapi_events
from console.endpoint_table import ENDPOINTS
from console.endpoints.app import health
from console.endpoints.app.health import Health
from console.http import JSON, PROBLEM, Reply, status_of
from console.routes import ROUTES, Route
from console.schemas import COMPONENT, Json, Schemas
from console.validation import Signature, signature
from eventgrid_pull.events.cloudevents import Problem
from moderation import events

PATH = "openapi.json"
VERSION = "1.0"
ABOUT = (
    "Publishes content moderation events, pulls them from their event subscriptions, "
    "and shows what became of them. Times are ISO 8601 in UTC. Everything that goes "
    "wrong is application/problem+json that says what to do next. A reader's key opens "
    "what has x-role reader, an operator's everything."
)
RESPONSE = "#/components/responses/{name}"
ERRORS = {"401": "Unknown", "4XX": "Refused", "5XX": "Failed"}
KEYS = {
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-functions-key",
        "description": "An access key of the function or its host; never in a URL.",
    },
    "user": {
        "type": "http",
        "scheme": "bearer",
        "description": "With Easy Auth: a token of Entra ID with the app role "
        "Moderation.Reader or Moderation.Operator, or the session of a browser.",
    },
}

# What an endpoint with a `format` answers besides JSON; see `exports`.
FILES = ("application/x-ndjson", "text/csv")
DESCRIBE: dict[str, object] = {
    "operationId": "describe",
    "summary": "This description",
    "security": [],
    "responses": {"200": {"description": "OK", "content": {JSON: {}}}},
}


class ProblemDetails(msgspec.Struct, frozen=True):
    """What went wrong (RFC 9457), where, and what to do next."""

    type: str
    title: str
    status: int
    detail: str
    next: str
    problems: list[Problem]


class Operation(msgspec.Struct, frozen=True):
    """One route with what its endpoint takes and answers."""

    route: Route
    takes: Signature
    summary: str

    @property
    def answer(self) -> Any:
        """Return the type of a good answer; None where the endpoint does not say."""
        declared = self.takes.answers
        either = get_origin(declared) in (Union, UnionType)
        kinds = get_args(declared) if either else (declared,)
        return next((kind for kind in kinds if kind is not Reply), None)

    def fields(self) -> Iterator[msgspec.structs.FieldInfo]:
        """Yield the values that its query may have."""
        if self.takes.query is not None:
            yield from msgspec.structs.fields(self.takes.query)

    def types(self) -> Iterator[Any]:
        """Yield every type that its description needs a schema of."""
        yield from (field.type for field in self.fields())
        yield from (
            kind for kind in (self.takes.body, self.answer) if _has_schema(kind)
        )


@cache
def encode() -> bytes:
    """Return the document as JSON."""
    return msgspec.json.encode(document())


def document() -> Json:
    """Return the whole description of the API."""
    operations = [_operation(route) for route in ROUTES]
    schemas = _schemas(operations)
    components = schemas.components
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Moderation events",
            "version": VERSION,
            "description": ABOUT,
        },
        "servers": [{"url": "/api"}],
        "paths": _paths(operations, schemas),
        "components": {
            "schemas": {**components, **openapi_events.of(components)},
            "responses": _error_responses(schemas.of(ProblemDetails)),
            "securitySchemes": KEYS,
        },
    }


def _schemas(operations: list[Operation]) -> Schemas:
    """Return the schema of each type, bodies and answers as they are sent."""
    wanted = [kind for operation in operations for kind in operation.types()]
    wanted += [ProblemDetails, *events.TYPES.values()]
    schemas = Schemas(wanted)
    for operation in operations:
        if _has_schema(operation.takes.body):
            schemas.forbid_unknown(operation.takes.body)
        if _has_schema(operation.answer):
            schemas.require_all(operation.answer)
    schemas.require_all(ProblemDetails)
    return schemas


def _paths(operations: list[Operation], schemas: Schemas) -> Json:
    paths: dict[str, Json] = {}
    for operation in operations:
        method = operation.route.method.lower()
        path = paths.setdefault(f"/{operation.route.path}", {})
        path[method] = _describe(operation, schemas)
    paths[f"/{PATH}"] = {"get": DESCRIBE}
    return paths


def _error_responses(schema: Json) -> Json:
    content = {PROBLEM: {"schema": schema}}
    return {
        "Unknown": _response(
            "No user is signed in; or, from the host, no key", content
        ),
        "Refused": _response("Not done, with the reason", content),
        "Failed": _response("Not possible now, with the reason", content),
    }


def _operation(route: Route) -> Operation:
    call = ENDPOINTS[route.function]
    return Operation(route, signature(call), (call.__doc__ or "").splitlines()[0])


def _describe(operation: Operation, schemas: Schemas) -> Json:
    route, takes = operation.route, operation.takes
    content: Json = {
        "operationId": route.function,
        "summary": operation.summary.removesuffix("."),
        "x-role": route.role.value,
        "security": [{name: []} for name in KEYS],
        "responses": _responses(operation, schemas),
    }
    if takes.query is not None:
        content["description"] = inspect.cleandoc(takes.query.__doc__ or "")
        content["parameters"] = [
            _parameter(field, schemas) for field in operation.fields()
        ]
    if takes.body is bytes:
        content["requestBody"] = {
            "required": True,
            "content": openapi_events.bodies(COMPONENT),
        }
    elif takes.body is not None:
        body = {"schema": schemas.of(takes.body)}
        content["requestBody"] = {"required": True, "content": {JSON: body}}
    return content


def _parameter(field: msgspec.structs.FieldInfo, schemas: Schemas) -> Json:
    schema = schemas.of_parameter(field.type)
    content: Json = {"name": field.encode_name, "in": "query", "schema": schema}
    if description := schema.pop("description", None):
        content["description"] = description
    if field.default not in (NODEFAULT, None):
        schema["default"] = msgspec.to_builtins(field.default)
    return content | ({"required": True} if field.required else {})


def _responses(operation: Operation, schemas: Schemas) -> Json:
    kind = operation.answer
    good = {JSON: {"schema": schemas.of(kind)}} if _has_schema(kind) else {}
    if any(field.encode_name == "format" for field in operation.fields()):
        good |= {file: {"schema": {"type": "string"}} for file in FILES}
    status = status_of(kind)
    answers: Json = {
        str(status): _response(HTTPStatus(status).phrase, good),
        **{
            status: {"$ref": RESPONSE.format(name=name)}
            for status, name in ERRORS.items()
        },
    }
    if kind is Health:
        answers[str(health.UNWELL)] = _response("Something does not answer", good)
    return answers


def _response(description: str, content: Json) -> Json:
    return {"description": description} | ({"content": content} if content else {})


def _has_schema(kind: Any) -> bool:
    return kind is not None and kind is not bytes
