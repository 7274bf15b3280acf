"""Whatever is sent over the wire, the app has an answer, with either host."""

import http.client
import json

import pytest

from console.routes import ROUTES, Route
from tests.e2e.stacks import Stack

pytestmark = pytest.mark.e2e

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
    stack: Stack, route: Route, query: str, *headers: tuple[bytes, bytes]
) -> tuple[int, bytes]:
    """Status and body of an answer to a request that is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port("host"), timeout=60)
    try:
        connection.putrequest(route.method, f"/api/{route.path}?{query}")
        for name, value in headers:
            connection.putheader(name.decode(), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.function)
def test_no_query_and_no_header_is_a_fault(stack: Stack, route: Route) -> None:
    """What the host lets through is understood, or refused in words."""
    said = [asked(stack, route, query) for query in QUERIES]
    said += [asked(stack, route, "nothing=1", header) for header in HEADERS]

    for status, body in said:
        assert status != 500
        assert not body or json.loads(body)  # without one it was the host itself
