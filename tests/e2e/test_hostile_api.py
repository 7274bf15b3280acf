"""Whatever is sent over the wire, the app has an answer, with either host."""

import http.client
import json

import pytest

from console import openapi
from console.routes import ROUTES, Route
from tests import hostile
from tests.e2e.stacks import Stack

pytestmark = pytest.mark.e2e

PATHS = openapi.document()["paths"]
# No call is one that does anything: a name that no query has is among the values.
QUERIES = (
    *("nothing=1", "nothing=%ff%fe", "%ff=1", "nothing=%ED%A0%80", "nothing=%0d%0aX:1"),
    *(
        "nothing=1&nothing=2",
        "NOTHING=1&nothing=2",
        "nothing=%E2%80%AEevil",
        "nothing&&=&",
    ),
    *(
        "nothing=" + "a" * 7_000,
        "nothing=%",
        "nothing=%zz",
        "nothing=1%2C2",
        "nothing=+",
    ),
)
HEADERS = (
    (b"x-functions-key", b"\xff\xfe"),
    (b"x-ms-client-principal", b"\xff"),
    (b"traceparent", b"00-" + b"\xc3\x28" * 20),
    (b"content-type", b"\xff/\xfe"),
    (b"ce-id", b"%FF%FE"),
    (b"origin", b"\xff\xfe"),
    (b"sec-fetch-site", b"\xff"),
)


def asked(
    stack: Stack,
    route: Route,
    query: str,
    body: bytes | None,
    *headers: tuple[bytes, bytes],
) -> tuple[int, bytes]:
    """Status and body of an answer to a request that is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port("host"), timeout=60)
    try:
        connection.putrequest(route.method, f"/api/{route.path}?{query}")
        given = {name for name, _ in headers}
        if body is not None:
            connection.putheader("content-length", str(len(body)))
            if b"content-type" not in given:
                connection.putheader("content-type", "application/json")
        for name, value in headers:
            connection.putheader(name.decode(), value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.function)
def test_no_query_and_no_header_is_a_fault(stack: Stack, route: Route) -> None:
    """
    What the host lets through is understood, or refused in words.
    """
    said = [asked(stack, route, query, None) for query in QUERIES]
    said += [asked(stack, route, "nothing=1", b"", header) for header in HEADERS]

    for status, body in said:
        assert status != 500
        assert not body or json.loads(body)  # without one it was the host itself


@pytest.mark.parametrize(
    "route",
    [
        route
        for route in ROUTES
        if "requestBody" in PATHS[f"/{route.path}"][route.method.lower()]
    ],
    ids=lambda route: route.function,
)
def test_no_body_is_a_fault(stack: Stack, route: Route) -> None:
    """
    Deep, long, twice named or not even JSON.
    """
    for body in hostile.BODIES:
        status, said = asked(stack, route, "", body)

        assert status < 500, body[:40]
        assert json.loads(said)
