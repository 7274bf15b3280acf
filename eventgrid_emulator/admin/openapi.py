"""The OpenAPI document of what is under `/_local/`: one row for each request."""

from typing import Any, NamedTuple

_NUMBER, _TEXT = {"type": "number"}, {"type": "string"}
_OBJECT, _INTEGER = {"type": "object"}, {"type": "integer"}
_LIST = {"type": "array", "items": _OBJECT}
_PLACE = {"topic": _TEXT, "subscription": _TEXT}


class Row(NamedTuple):
    """One request: what it does, its query parameters, and what its body may hold."""

    method: str
    path: str
    summary: str
    query: dict[str, dict[str, Any]] | None = None
    body: dict[str, dict[str, Any]] | None = None
    content: str = "application/json"


ROWS = (
    Row("GET", "/health", "Tell whether all is well; for other machines, too"),
    Row("GET", "/subscriptions", "Depth and counts of every event subscription"),
    Row(
        "GET",
        "/events",
        "The first 1,000 events that are held, without receiving them; with `id`, what"
        " happened to one event",
        {"id": _TEXT, **_PLACE},
    ),
    Row("GET", "/deadletters", "The newest 1,000 dead letters, oldest first", _PLACE),
    Row(
        "POST",
        "/wait",
        "Wait until nothing is held, or at least `events` are; 408 after `seconds`",
        body={**_PLACE, "events": _INTEGER, "seconds": _NUMBER},
    ),
    Row(
        "POST",
        "/reset",
        "Empty everything, and put topology, faults and clock back; or empty one place",
        body=_PLACE,
    ),
    Row("GET", "/topology", "The topology in force"),
    Row(
        "PUT",
        "/topology",
        "Put another topology in force; with `default=true` a reset goes back to it",
        {"default": _TEXT},
        {"topics": _LIST},
    ),
    Row("GET", "/clock", "The time, and how far ahead of the machine's it is"),
    Row(
        "POST", "/clock", "Move the clock forward by seconds", body={"advance": _NUMBER}
    ),
    Row("GET", "/faults", "The faults that are switched on, with their hits"),
    Row(
        "POST",
        "/faults",
        "Switch faults on, instead of those that were",
        body={"faults": _LIST, "seed": _INTEGER},
    ),
    Row("DELETE", "/faults", "Switch all faults off"),
    Row("POST", "/explain", "Tell who receives an event, and why", body={}),
    Row("GET", "/metrics", "Counters for Prometheus", content="text/plain"),
    Row("GET", "/openapi.json", "This document"),
)


def document(version: str) -> dict[str, Any]:
    """Return the document: OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for row in ROWS:
        paths.setdefault(f"/_local{row.path}", {})[row.method.lower()] = _operation(row)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Event Grid namespace emulator: what tests do to it",
            "version": version,
            "description": "Without a key on this machine; others need the control key.",
        },
        "paths": paths,
    }


def _operation(row: Row) -> dict[str, Any]:
    schema: dict[str, Any] = {} if row.content == "text/plain" else _OBJECT
    operation: dict[str, Any] = {
        "summary": row.summary,
        "operationId": f"{row.method.lower()}{row.path.title().replace('/', '').replace('.', '')}",
        "responses": {
            "200": {
                "description": "Done",
                "content": {row.content: {"schema": schema}},
            },
            "default": {
                "description": "Refused, as the service refuses: error.code, error.message",
                "content": {"application/json": {"schema": _OBJECT}},
            },
        },
    }
    if row.query:
        operation["parameters"] = [
            {"name": name, "in": "query", "schema": schema}
            for name, schema in row.query.items()
        ]
    if row.body is not None:
        sent = {**_OBJECT, "properties": row.body}
        operation["requestBody"] = {"content": {"application/json": {"schema": sent}}}
    return operation
