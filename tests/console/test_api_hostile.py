"""Whatever is sent to the API, the answer is one that its description promises."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from console import openapi
from console.routes import ROUTES, Route
from eventgrid_pull.events.cloudevents import essence
from tests import hostile
from tests.calling import Answer, Api
from tests.dead_letters import InMemoryDeadLetters
from tests.make import NOW, an_event

DOCUMENT: dict[str, Any] = json.loads(openapi.encode())
COMPONENTS = DOCUMENT["components"]
SCHEMAS = COMPONENTS["schemas"]
# The state is one that grows, as it does in a host; each example is a request.
REQUESTS = settings(
    max_examples=40,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@pytest.fixture
async def api(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """The API with something in it."""
    api = Api(monkeypatch, PAYLOADS="on-request")
    letters = InMemoryDeadLetters()
    api.runtime.dead_letters = letters
    letters.put(hostile.DEAD_LETTER, json.dumps([{"event": an_event()}]).encode(), NOW)
    assert (await api.call("POST", "events/samples")).status == 202
    assert (await api.call("POST", "pull")).status == 200
    yield api
    await api.runtime.close()


def operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][f"/{route.path}"][route.method.lower()]
    return found


def promised(route: Route, status: int) -> dict[str, Any]:
    """The content types of an answer with that status, as they are described."""
    responses = operation(route)["responses"]
    found = responses.get(str(status)) or responses[f"{status // 100}XX"]
    if "$ref" in found:
        found = COMPONENTS["responses"][found["$ref"].rpartition("/")[2]]
    content: dict[str, Any] = found["content"]
    return content


def check(route: Route, answer: Answer) -> None:
    """The answer is one that the description has, to the letter."""
    assert answer.status not in (500, 501)
    content = promised(route, answer.status)
    kind = essence(answer.content_type)
    assert kind in content
    if kind.endswith("json") and kind != "application/x-ndjson":
        schema = content[kind]["schema"] | {"components": COMPONENTS}
        OAS31Validator(schema).validate(answer.json())


def requests(
    route: Route,
) -> st.SearchStrategy[tuple[dict[str, str], bytes, dict[str, str]]]:
    """Query, body and headers for a route."""
    described = operation(route)
    queries = hostile.queries(described.get("parameters", []), SCHEMAS)
    content = described.get("requestBody", {}).get("content", {})
    bodies = [hostile.bodies(media["schema"], SCHEMAS) for media in content.values()]
    return st.tuples(
        queries, st.one_of(bodies or [st.just(b""), st.binary()]), hostile.headers()
    )


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.function)
@REQUESTS
@given(data=st.data())
async def test_every_answer_is_as_described(
    api: Api, route: Route, data: st.DataObject
) -> None:
    """No fault, and nothing that a script made from the description could not read."""
    params, body, headers = data.draw(requests(route))

    answer = await api.call(
        route.method, route.path, body, headers=headers, params=params
    )

    check(route, answer)
