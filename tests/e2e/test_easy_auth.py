"""Signed-in users, against the real stand-in host that was told Easy Auth is on."""

import base64
import json
from collections.abc import Iterator

import pytest

from console.routes import READER, ROUTES, Route
from tests.e2e.stacks import Answer, Stack, running

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def signing_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose app believes that App Service signs users in."""
    folder = tmp_path_factory.mktemp("easy-auth")
    on = {"WEBSITE_AUTH_ENABLED": "True"}
    with running(folder, "--enable-auth", settings=on) as started:
        yield started


def called(stack: Stack, route: Route, *roles: str, **headers: str) -> Answer:
    """The answer to a user with these roles; the query keeps it from doing anything."""
    claims = [{"typ": "roles", "val": role} for role in roles]
    principal = json.dumps({"claims": claims, "role_typ": "roles"}).encode()
    encoded = {"x_ms_client_principal": base64.b64encode(principal).decode()}
    target = f"/api/{route.path}?nothing=1"
    return stack.call(route.method, target, None, **encoded, **headers)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.function)
def test_roles_decide_and_keys_do_not(signing_in: Stack, route: Route) -> None:
    """The host asks for no key, whatever it was told."""
    target = f"/api/{route.path}?nothing=1"
    reads = route.role is READER

    nobody = signing_in.call(route.method, target, None, x_functions_key="key")
    reader = called(signing_in, route, "Moderation.Reader")
    operator = called(signing_in, route, "Moderation.Operator")

    assert (nobody.status, nobody.json()["status"]) == (401, 401)
    assert (reader.status == 403) == (not reads)
    assert operator.status not in (401, 403)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.function)
def test_a_page_of_another_site_gets_nothing_with_the_users_cookie(
    signing_in: Stack, route: Route
) -> None:
    """A browser would send it along, and a key makes it no better."""
    for headers in (
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "x_functions_key": "key"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ):
        answer = called(signing_in, route, "Moderation.Operator", **headers)
        assert answer.status == 403
        assert "another site" in answer.json()["detail"]


def test_the_users_own_page_may_ask(signing_in: Stack) -> None:
    """As browsers say it, and as those do that say less."""
    me = next(route for route in ROUTES if route.function == "me")
    here = {"origin": signing_in.url}

    for headers in (here, here | {"sec_fetch_site": "same-origin"}):
        answer = called(signing_in, me, "Moderation.Reader", **headers)
        assert answer.status == 400  # for its query, which is looked at afterwards
