"""Pages from elsewhere may call functions where local.settings.json lets them."""

import json
from collections.abc import Iterator

import pytest

from tests.functions_host.hosting import RunningHost, an_app, running

pytestmark = pytest.mark.contract

APP = """
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route("hello", methods=["GET", "PUT"])
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello", headers={"Vary": "Accept"})
"""
PAGE, OTHER = "http://localhost:3000", "https://dash.example"
PREFLIGHT = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "content-type,x-functions-key",
}


@pytest.fixture(scope="module")
def hosts(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, RunningHost]]:
    """Run a host for each way to set it."""
    sections = {
        "unset": {},
        "any": {"CORS": "*"},
        "two": {"CORS": f"{PAGE},{OTHER}", "CORSCredentials": True},
    }
    started: dict[str, RunningHost] = {}
    managers = []
    for name, section in sections.items():
        folder = an_app(tmp_path_factory.mktemp(name), APP)
        (folder / "local.settings.json").write_text(json.dumps({"Host": section}))
        auth = () if name == "any" else ("--enable-auth",)
        managers.append(running(folder, *auth))
        started[name] = managers[-1].__enter__()
    yield started
    for manager in managers:
        manager.__exit__(None, None, None)


def cors_of(answer: object) -> dict[str, object]:
    """Return the headers that browsers look for."""
    headers = getattr(answer, "headers", {})
    return {
        name.removeprefix("access-control-"): value
        for name, value in headers.items()
        if name.startswith("access-control-")
    }


def test_unset_there_is_no_answer_to_a_preflight(hosts: dict[str, RunningHost]) -> None:
    """A browser lets no page from elsewhere read or act."""
    answer = hosts["unset"].call("OPTIONS", "/api/hello", PREFLIGHT)

    assert (answer.status, cors_of(answer)) == (404, {})
    assert cors_of(hosts["unset"].get("/api/hello", Origin=PAGE)) == {}


def test_a_preflight_is_answered_without_a_key(hosts: dict[str, RunningHost]) -> None:
    """Browsers send none with it; what they asked for is allowed."""
    answer = hosts["two"].call("OPTIONS", "/api/hello", PREFLIGHT)

    assert (answer.status, answer.body) == (204, b"")
    assert cors_of(answer) == {
        "allow-origin": PAGE,
        "allow-credentials": "true",
        "allow-methods": "PUT",
        "allow-headers": "content-type,x-functions-key",
    }
    assert answer.headers["vary"] == "Origin"


def test_an_answer_may_be_read_also_a_refusal(hosts: dict[str, RunningHost]) -> None:
    """A page can tell 401 from a network that is down."""
    answer = hosts["two"].get("/api/hello", Origin=OTHER)

    assert answer.status == 401
    assert cors_of(answer) == {"allow-origin": OTHER, "allow-credentials": "true"}


def test_any_origin_is_a_star(hosts: dict[str, RunningHost]) -> None:
    """The function's own headers stay."""
    answer = hosts["any"].get("/api/hello", Origin="https://anybody.example")

    assert (answer.status, answer.body) == (200, b"hello")
    assert cors_of(answer) == {"allow-origin": "*"}
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("origin", ["http://localhost:3001", "null", PAGE + ".evil"])
def test_a_page_that_is_not_named_is_not_let_in(
    hosts: dict[str, RunningHost], origin: str
) -> None:
    """Its preflight is answered, with nothing in it."""
    answer = hosts["two"].call("OPTIONS", "/api/hello", PREFLIGHT | {"Origin": origin})

    assert (answer.status, cors_of(answer)) == (204, {})


def test_the_admin_api_is_for_no_page(hosts: dict[str, RunningHost]) -> None:
    """It has the keys: a star is not meant for it."""
    for path in ("/admin/host/systemkeys/_master", "/admin/functions"):
        assert cors_of(hosts["any"].get(path, Origin=PAGE)) == {}
        assert hosts["any"].call("OPTIONS", path, PREFLIGHT).status == 404


def test_who_is_no_page_sees_nothing_of_it(hosts: dict[str, RunningHost]) -> None:
    """Without an Origin the answers are as they were."""
    assert cors_of(hosts["any"].get("/api/hello")) == {}
    assert hosts["any"].call("OPTIONS", "/api/hello").status == 404
