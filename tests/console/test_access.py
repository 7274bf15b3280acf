"""Who may call what: keys are the host's to ask for, users are ours to know."""

import base64
import json
from typing import Any

import pytest

from console.routes import READER, ROUTES, Route
from tests.calling import Answer, Api

LONG = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
READS = [route for route in ROUTES if route.role is READER]
OPERATES = [route for route in ROUTES if route.role is not READER]


def id_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def a_principal(*roles: str, role_typ: str = LONG, **claims: str) -> str:
    """The header that Easy Auth sends about a user with these app roles."""
    listed = [{"typ": role_typ, "val": role} for role in roles]
    listed += [{"typ": name, "val": value} for name, value in claims.items()]
    document = {
        "auth_typ": "aad",
        "claims": listed,
        "name_typ": "name",
        "role_typ": role_typ,
    }
    return base64.b64encode(json.dumps(document).encode()).decode()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API as the host serves it where Easy Auth is off."""
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED", raising=False)
    return Api(monkeypatch)


@pytest.fixture
def signing_in(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The same where the platform says that Easy Auth is on."""
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    return api


async def as_user(api: Api, route: Route, *roles: str) -> Answer:
    headers = {"x-ms-client-principal": a_principal(*roles)}
    return await api.call(route.method, route.path, headers=headers)


async def test_a_key_is_named_by_its_hash(api: Api) -> None:
    """The audit log says which key it was, and nobody can use what it says."""
    answer = await api.call("GET", "me", headers={"x-functions-key": "secret"})

    assert answer.json() == {
        "name": "key 2bb80d537b1da3e3",
        "kind": "key",
        "roles": None,
        "payloads": "on-request",
    }


@pytest.mark.parametrize(
    "joined", ["secret,other", "secret, other", "secret,,", " secret"]
)
@pytest.mark.parametrize("way", ["header", "query"])
async def test_the_name_is_of_the_key_that_was_let_in(
    api: Api, joined: str, way: str
) -> None:
    """The host looks at the first one alone; nobody chooses a name by sending more."""
    headers = {"x-functions-key": joined} if way == "header" else {}
    params = {"code": joined} if way == "query" else {}

    answer = await api.call("GET", "me", headers=headers, params=params)

    assert answer.json()["name"] == "key 2bb80d537b1da3e3"


async def test_without_a_key_the_caller_is_anyone(api: Api) -> None:
    """So it is on a laptop, where the host asks for none."""
    answer = await api.call("GET", "me")

    assert (answer.json()["name"], answer.json()["kind"]) == ("anyone", "anyone")


async def test_a_header_about_a_user_is_nothing_where_easy_auth_is_off(
    api: Api,
) -> None:
    """Anyone could send it."""
    forged = a_principal("Moderation.Operator", name="admin@contoso.com")
    headers = {"x-ms-client-principal": forged, "x-ms-client-principal-name": "admin"}

    answer = await api.call("GET", "me", headers=headers)

    assert answer.json()["name"] == "anyone"
    assert answer.json()["roles"] is None


@pytest.mark.parametrize("value", ["", "false", "False", "0", "no"])
async def test_easy_auth_is_on_only_when_the_platform_says_true(
    api: Api, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """Any other word leaves the header unread."""
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", value)

    answer = await api.call("GET", "me", headers={"x-ms-client-principal": "x"})

    assert answer.json()["kind"] == "anyone"


@pytest.mark.parametrize("route", ROUTES, ids=id_of)
async def test_with_easy_auth_nobody_gets_in_without_signing_in(
    signing_in: Api, route: Route
) -> None:
    """A key changes nothing: the host has not looked at it."""
    headers = {"x-functions-key": "secret"}

    answer = await signing_in.call(route.method, route.path, headers=headers)

    assert (answer.status, answer.content_type) == (401, "application/problem+json")
    assert "sign in" in answer.json()["next"]


@pytest.mark.parametrize("route", ROUTES, ids=id_of)
async def test_a_user_without_a_role_may_do_nothing(
    signing_in: Api, route: Route
) -> None:
    """Being in the directory is not enough; the answer says which role is."""
    answer = await as_user(signing_in, route, "Other.Role")

    wanted = "Moderation.Reader" if route.role is READER else "Moderation.Operator"
    assert answer.status == 403
    assert wanted in answer.json()["detail"]
    assert answer.json()["next"]


@pytest.mark.parametrize("route", OPERATES, ids=id_of)
async def test_a_reader_may_not_operate(signing_in: Api, route: Route) -> None:
    """Reading changes nothing; all else takes the other role."""
    answer = await as_user(signing_in, route, "Moderation.Reader")

    assert answer.status == 403
    assert "Moderation.Operator" in answer.json()["detail"]


@pytest.mark.parametrize("route", READS, ids=id_of)
@pytest.mark.parametrize("role", ["Moderation.Reader", "Moderation.Operator"])
async def test_readers_and_operators_may_read(
    signing_in: Api, route: Route, role: str
) -> None:
    """An operator need not have both roles."""
    answer = await as_user(signing_in, route, role)

    assert answer.status not in (401, 403)


@pytest.mark.parametrize("role_typ", [LONG, "roles", "https://idp.example/role"])
async def test_roles_are_found_under_the_names_that_providers_use(
    signing_in: Api, role_typ: str
) -> None:
    """Easy Auth renames claims, or does not."""
    principal = a_principal("Moderation.Operator", role_typ=role_typ)

    answer = await signing_in.call(
        "GET", "me", headers={"x-ms-client-principal": principal}
    )

    assert answer.json()["roles"] == ["reader", "operator"]


@pytest.mark.parametrize(
    ("headers", "claims", "name"),
    [
        ({"x-ms-client-principal-name": "ada@contoso.com"}, {}, "ada@contoso.com"),
        ({}, {"name": "Ada"}, "Ada"),
        ({}, {"preferred_username": "ada@contoso.com"}, "ada@contoso.com"),
        ({"x-ms-client-principal-id": "5b1c"}, {}, "5b1c"),
        ({}, {}, "a user"),
        ({"x-ms-client-principal-name": "a" * 9000}, {}, "a" * 256),
    ],
)
async def test_a_user_is_called_by_the_best_name_there_is(
    signing_in: Api, headers: dict[str, str], claims: dict[str, str], name: str
) -> None:
    """A program that signs in has an id and no name."""
    principal = a_principal("Moderation.Reader", **claims)
    headers = headers | {"x-ms-client-principal": principal}

    answer = await signing_in.call("GET", "me", headers=headers)

    assert (answer.json()["name"], answer.json()["kind"]) == (name, "user")


def encoded(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


UNREADABLE = {
    "not base64": "not base64!",
    "not ascii": "é",
    "a lone surrogate": "\udcff",
    "cut short": "eyJ",
    "not utf-8": base64.b64encode(b"\xff\xfe\x00").decode(),
    "not json": base64.b64encode(b"not json").decode(),
    "too deep": base64.b64encode(b"[" * 40_000).decode(),
    "deep claims": base64.b64encode(b'{"claims":' + b"[" * 9000).decode(),
    "a list": encoded([]),
    "null": encoded(None),
    "no claims": encoded({}),
    "claims are an object": encoded({"claims": {}}),
    "claims are text": encoded({"claims": ["admin"]}),
    "the type of roles is a number": encoded({"claims": [], "role_typ": 7}),
    "a megabyte": "A" * 1_000_000,
    "much too long": encoded({"claims": [], "more": "a" * 100_000}),
}


@pytest.mark.parametrize("header", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_header_that_cannot_be_read_is_nobody(
    signing_in: Api, header: str
) -> None:
    """401 with words, never a fault."""
    answer = await signing_in.call(
        "GET", "me", headers={"x-ms-client-principal": header}
    )

    assert answer.status == 401
    assert answer.json()["next"]


async def test_odd_claims_do_not_hide_the_others(signing_in: Api) -> None:
    """Providers may send what we have not seen."""
    header = encoded(
        {
            "claims": [
                {"typ": "roles", "val": ["Moderation.Operator"]},
                {"typ": None},
                {},
                {"typ": "roles", "val": "Moderation.Reader", "more": 1},
            ]
        }
    )

    answer = await signing_in.call(
        "GET", "me", headers={"x-ms-client-principal": header}
    )

    assert answer.json()["roles"] == ["reader"]


HERE, ELSEWHERE = "http://127.0.0.1:7071", "https://evil.example"
SITES = [
    ({}, False),
    ({"sec-fetch-site": "same-origin"}, False),
    ({"sec-fetch-site": "none"}, False),
    ({"sec-fetch-site": "same-origin", "origin": HERE}, False),
    ({"sec-fetch-site": "same-site"}, True),
    ({"sec-fetch-site": "cross-site"}, True),
    ({"sec-fetch-site": "nonsense"}, True),
    ({"origin": HERE}, False),
    ({"origin": "http://127.0.0.1:7072"}, True),
    ({"origin": "http://127.0.0.1"}, True),
    ({"origin": ELSEWHERE}, True),
    ({"origin": "https://app.example", "host": "app.example"}, False),
    ({"origin": "https://app.example", "host": "app.example:443"}, False),
    ({"origin": "https://app.example:444", "host": "app.example"}, True),
    ({"origin": "null"}, True),
    ({"origin": ""}, True),
    ({"origin": "http://[::"}, True),
    ({"origin": "http://127.0.0.1:99999"}, True),
]


@pytest.mark.parametrize(("headers", "refused"), SITES, ids=str)
@pytest.mark.parametrize(("method", "path"), [("GET", "me"), ("POST", "pull")])
async def test_pages_of_other_sites_get_nothing(
    api: Api, headers: dict[str, str], refused: bool, method: str, path: str
) -> None:
    """Whatever the method: what is read is private, too."""
    answer = await api.call(
        method,
        path,
        headers=headers,
        params={"subscription": "no"} if path == "pull" else None,
    )

    assert (answer.status == 403) == refused
    if refused:
        assert "another site" in answer.json()["detail"]


async def test_a_key_in_the_header_is_no_other_sites_page(api: Api) -> None:
    """A browser lets a page send it only where the host allows that site."""
    headers = {"sec-fetch-site": "cross-site", "x-functions-key": "k"}

    assert (await api.call("GET", "me", headers=headers)).status == 200


async def test_with_easy_auth_no_key_lets_other_sites_in(signing_in: Api) -> None:
    """The cookie would make the request the user's."""
    headers = {
        "sec-fetch-site": "cross-site",
        "x-functions-key": "k",
        "x-ms-client-principal": a_principal("Moderation.Operator"),
    }

    assert (await signing_in.call("GET", "me", headers=headers)).status == 403


@pytest.mark.parametrize("path", ["", "app.js"])
async def test_files_of_the_page_are_anyones(signing_in: Api, path: str) -> None:
    """A link to the page works from everywhere; it holds nothing."""
    answer = await signing_in.call(
        "GET", path, headers={"sec-fetch-site": "cross-site"}
    )

    assert answer.status == 200


async def test_what_is_published_is_answered_whether_or_not_it_can_be_noted(
    api: Api,
) -> None:
    """Nobody waits for that; health says what is not on record."""
    api.store.fails = True

    answer = await api.call("POST", "events/samples")
    await api.runtime.publishing.noted.flush(1)

    assert answer.status == 202
    health = (await api.call("GET", "health")).json()
    [check] = [check for check in health["checks"] if check["name"] == "action log"]
    assert "who published is not on record since" in check["detail"]


async def test_what_was_not_published_is_not_noted(api: Api) -> None:
    """The log has what was done."""
    api.sink.fails = True

    answer = await api.call("POST", "events/samples")

    assert answer.status == 503
    assert await api.actions() == []


async def test_a_pull_is_noted_before_it_is_done(signing_in: Api) -> None:
    """With the event subscription, and the user's name."""
    headers = {
        "x-ms-client-principal": a_principal("Moderation.Operator", name="Ada"),
    }

    answer = await signing_in.call(
        "POST", "pull", headers=headers, params={"subscription": "sub-approved"}
    )

    (noted,) = await signing_in.actions()
    assert answer.status == 200
    assert (noted["action"], noted["by"]) == ("pull", "Ada")
    assert noted["subscription"] == "sub-approved"


async def test_a_pull_that_cannot_be_noted_is_not_done(api: Api) -> None:
    """Nobody takes events without a trace."""
    api.store.fails = True

    answer = await api.call("POST", "pull")

    assert answer.status == 503
    assert [receiver.waits for receiver in api.receivers.values()] == [[], [], []]
