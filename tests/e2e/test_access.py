"""Who may do what, against a real host that asks for keys."""

import http.client

import pytest

from console.routes import READER, ROUTES, Route
from tests.e2e.stacks import Stack
from tools.stack.settings.local_keys import LocalKeys

pytestmark = pytest.mark.e2e


def status(stack: Stack, route: Route, key: str | None) -> int:
    """How a call without a body, or a sensible query, is answered."""
    headers = {"x_functions_key": key} if key else {}
    return stack.call(
        route.method, f"/api/{route.path}?nothing=1", None, **headers
    ).status


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.function)
def test_each_function_is_opened_by_the_keys_that_should(
    guarded: Stack, keys: LocalKeys, route: Route
) -> None:
    """Nothing opens without one, a reader's opens what reads, an operator's all."""
    assert status(guarded, route, None) == 401
    assert status(guarded, route, "wrong") == 401
    assert (status(guarded, route, keys.reader) == 401) == (route.role is not READER)
    assert status(guarded, route, keys.operator) not in (401, 403)


def test_the_page_needs_no_key(guarded: Stack) -> None:
    """It is where the key is asked for."""
    assert guarded.call("GET", "/api/").status == 200
    assert guarded.call("GET", "/api/app.js").status == 200


def test_the_caller_is_told_who_they_are(guarded: Stack, keys: LocalKeys) -> None:
    """By the key's hash, and never by a header about a user."""
    forged = {"x_ms_client_principal": "e30=", "x_ms_client_principal_name": "admin"}

    answer = guarded.call(
        "GET", "/api/me", None, x_functions_key=keys.reader, **forged
    ).json()

    assert answer["name"].startswith("key ")
    assert (answer["kind"], answer["roles"]) == ("key", None)


def test_a_key_of_any_bytes_is_no_fault(guarded: Stack) -> None:
    """What is no UTF-8 is the caller's mistake, whatever header it is in."""
    connection = http.client.HTTPConnection("127.0.0.1", guarded.port("host"))
    connection.putrequest("GET", "/api/me")
    connection.putheader("x-functions-key", b"\xff\xfe")
    connection.endheaders()

    assert connection.getresponse().status == 400
    connection.close()


def test_a_host_that_dies_is_seen_to_be_back(guarded: Stack) -> None:
    """The supervisor asks with a key of its own."""
    assert guarded.kill_and_wait("host") > 0
