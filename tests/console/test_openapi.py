"""The API's description is OpenAPI 3.1, and says what the app takes and answers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from console import exports, openapi, openapi_events
from console.endpoint_table import ENDPOINTS
from console.routes import ROUTES, Route
from console.validation import signature
from eventgrid_pull.events.cloudevents import essence
from tests.calling import Api

DOCUMENT: dict[str, Any] = json.loads(openapi.encode())


def operation(path: str, method: str = "get") -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


def parameters(path: str) -> dict[str, dict[str, Any]]:
    return {parameter["name"]: parameter for parameter in operation(path)["parameters"]}


def inside(content: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document."""
    if isinstance(content, dict):
        yield content
        content = list(content.values())
    if isinstance(content, list):
        for item in content:
            yield from inside(item)


def test_it_is_openapi() -> None:
    """Tools that read such documents can read this one."""
    validate(DOCUMENT, cls=OpenAPIV31SpecValidator)


def test_schemas_have_names_of_one_word() -> None:
    """
    Two types of one name would be told apart by their modules, in generated clients, too.
    """
    assert [name for name in DOCUMENT["components"]["schemas"] if "." in name] == []


async def test_it_is_served_to_anyone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what there is, and nothing of what is in it."""
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")

    answer = await Api(monkeypatch).call(
        "GET", "openapi.json", headers={"sec-fetch-site": "cross-site"}
    )

    assert (answer.status, answer.content_type) == (200, "application/json")
    assert answer.json() == DOCUMENT
    assert answer.headers["ETag"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.function)
def test_every_route_is_described(route: Route) -> None:
    """With its role, a summary, a good answer and the ways in which it can go wrong."""
    found = operation(f"/{route.path}", route.method.lower())

    assert (found["operationId"], found["x-role"]) == (route.function, route.role)
    assert found["security"] == [{"key": []}, {"user": []}]
    assert found["summary"]
    assert not found["summary"].endswith(".")
    assert {"401", "4XX", "5XX"} < set(found["responses"])
    (good,) = (response for response in found["responses"] if response.startswith("2"))
    assert "schema" in found["responses"][good]["content"]["application/json"]


@pytest.mark.parametrize("function", ENDPOINTS)
def test_what_an_endpoint_takes_is_described(function: str) -> None:
    """Each value of its query, and its body where it has one."""
    route = next(route for route in ROUTES if route.function == function)
    takes = signature(ENDPOINTS[function])
    found = operation(f"/{route.path}", route.method.lower())

    assert ("parameters" in found) == ("description" in found)
    assert ("parameters" in found) == (takes.query is not None)
    assert ("requestBody" in found) == (takes.body is not None)


def test_a_query_is_described_with_its_limits_and_defaults() -> None:
    """As the app checks them."""
    limit = parameters("/audit")["limit"]["schema"]
    disposition = parameters("/audit")["disposition"]["schema"]

    assert limit == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
    assert disposition["enum"] == ["acknowledge", "reject", "release"]


def test_files_are_described_where_they_can_be_asked_for() -> None:
    """With the content types that they come in."""
    content = operation("/audit")["responses"]["200"]["content"]

    files = {essence(content_type) for content_type in exports.CONTENT_TYPES.values()}
    assert set(content) == files | {"application/json"}


def test_a_body_is_described_as_strictly_as_it_is_read() -> None:
    """Names that are not known are refused."""
    for function, call in ENDPOINTS.items():
        body = signature(call).body
        if body is None or body is bytes:
            continue
        route = next(route for route in ROUTES if route.function == function)
        content = operation(f"/{route.path}", "post")["requestBody"]["content"]
        name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        schema = DOCUMENT["components"]["schemas"][name]
        assert schema["additionalProperties"] is False


def test_events_are_described_in_each_way_they_can_be_sent() -> None:
    """Plain results, and CloudEvents alone or in a batch."""
    content = operation("/events", "post")["requestBody"]["content"]

    assert set(content) == {
        "application/json",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
    }


def test_an_audit_entry_is_described_whole() -> None:
    """All of its members are in every answer, null where nothing is known."""
    entry = DOCUMENT["components"]["schemas"]["Entry"]

    assert set(entry["required"]) == set(entry["properties"])
    assert {"source", "subject", "category", "model"} < set(entry["required"])
    assert not any("default" in member for member in entry["properties"].values())


def test_no_schema_takes_the_name_of_another() -> None:
    """Those of events are made by hand, beside the generated ones."""
    schemas = DOCUMENT["components"]["schemas"]

    assert set(schemas[openapi_events.EVENT]["required"]) >= {"specversion", "data"}
    assert "contentId" in schemas[openapi_events.RESULT]["required"]
    references = {schema["$ref"] for schema in inside(DOCUMENT) if "$ref" in schema}
    for reference in references:
        _, _, kind, name = reference.split("/")
        assert name in DOCUMENT["components"][kind]
