"""`dev.py status --prove`: a probe, rejected by the app, and the wait for its dead letter.

What the app answers is served here; the whole way is walked in `tests/e2e/test_prove.py`.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.tools.azure.conftest import Answering
from tools.azure import deployment, prove
from tools.azure.deployment import Deployment

HERE = Path(__file__).parent
SOURCE, ID = "/contoso/moderation", "probe-1"
EVENT = {"id": ID, "source": SOURCE, "time": "2026-11-23T12:00:00Z"}
INSPECTED = {"rejected": True, "subscription": "sub-flagged", "event": EVENT}
LETTER = {"id": ID, "source": SOURCE}
Answers = Callable[[str, str], tuple[int, Any]]


class App(HTTPServer):
    """The app's API, which answers as a test says, and remembers how it was asked."""

    def __init__(self, answers: Answers) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Answer with what the test has."""
        app = self.server
        assert isinstance(app, App)
        app.asked.append((self.command, self.path))
        app.headers.append({k.lower(): v for k, v in self.headers.items()})
        code, content = app.answers(self.command, self.path)
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the server looks for it by this name

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def serve() -> Iterator[Callable[[Answers], App]]:
    """Starts apps for one test."""
    started = []

    def start(answers: Answers) -> App:
        app = App(answers)
        threading.Thread(target=app.serve_forever, args=[0.01], daemon=True).start()
        started.append(app)
        return app

    yield start
    for app in started:
        app.shutdown()
        app.server_close()


@pytest.fixture
def found(answering: Answering, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """The well deployment, whose keys may be read; and no pause between two looks."""
    answering(keys={"default": "d", "operator": "o"})
    monkeypatch.setattr(prove, "LOOK_AGAIN_SECONDS", 0.01)
    return deployment.load(HERE / "well.json")


def letters(*listed: Any, day: str = "2026-11-23") -> dict[str, Any]:
    return {"day": day, "deadLetters": list(listed)}


def test_a_dead_letter_that_comes_is_the_proof(
    found: Deployment, serve: Callable[[Answers], App]
) -> None:
    """
    It is asked for until it is there, with an operator's key and for nobody else's event.
    """
    looks = [
        letters(),
        letters(LETTER | {"id": "another"}, LETTER | {"source": "/another"}),
        letters(LETTER),
    ]
    app = serve(
        lambda method, path: (200, INSPECTED if method == "POST" else looks.pop(0))
    )

    assert prove.prove(found, app.address, 60)["after"] >= 0
    assert looks == []
    assert app.asked[0] == ("POST", "/api/inspect")
    assert app.asked[1] == (
        "GET",
        "/api/deadletters?subscription=sub-flagged&limit=200",
    )
    assert {headers["x-functions-key"] for headers in app.headers} == {"o"}


def test_a_dead_letter_of_yesterday_is_found_after_midnight(
    found: Deployment, serve: Callable[[Answers], App]
) -> None:
    """
    The list is of one day, and a probe may be rejected in the last second of another.
    """

    def answers(method: str, path: str) -> tuple[int, Any]:
        if method == "POST":
            return 200, INSPECTED
        if "day=2026-11-23" in path:
            return 200, letters(LETTER)
        return 200, letters(day="2026-11-24")

    assert "after" in prove.prove(found, serve(answers).address, 60)


def test_one_that_does_not_come_is_reported_as_lost(
    found: Deployment, serve: Callable[[Answers], App]
) -> None:
    """The wait has an end, and what to look at."""
    app = serve(
        lambda method, path: (200, INSPECTED if method == "POST" else letters())
    )

    proof = prove.prove(found, app.address, 0.2)

    assert proof["level"] == "broken"
    assert f"the probe {ID} on sub-flagged was rejected" in proof["problem"]
    assert "DroppedEventCount" in proof["do"]


@pytest.mark.parametrize(
    ("code", "content", "problem", "do"),
    [
        (401, None, "answers 401: without a word of the app", "an operator's"),
        (
            409,
            {"detail": "inspect needs sub-flagged", "next": "declare it"},
            "answers 409: inspect needs sub-flagged",
            "declare it",
        ),
        (404, None, "answers 404", "see whether the app runs"),
        (200, INSPECTED | {"rejected": False, "reason": "?"}, "not rejected", "page"),
    ],
)
def test_an_app_that_cannot_be_asked_proves_nothing(
    found: Deployment,
    serve: Callable[[Answers], App],
    code: int,
    content: Any,
    problem: str,
    do: str,
) -> None:
    """What the app says is passed on, and nobody is told that dead letters are lost."""
    proof = prove.prove(found, serve(lambda *_: (code, content)).address, 60)

    assert proof["level"] == "unknown"
    assert problem in proof["problem"]
    assert do in proof["do"]


def test_where_people_sign_in_a_token_is_sent_and_no_key(
    found: Deployment, serve: Callable[[Answers], App]
) -> None:
    """Keys count for nothing then, so none is read."""
    registration = {"registration": {"clientId": "client"}}
    on = {
        "platform": {"enabled": True},
        "identityProviders": {"azureActiveDirectory": registration},
    }
    app = serve(
        lambda *_: (403, {"detail": "lacks the app role", "next": "ask for it"})
    )

    proof = prove.prove(replace(found, auth={"properties": on}), app.address, 60)

    assert proof["do"] == "ask for it"
    token = "Bearer token for api://client/.default"
    assert app.headers[0]["authorization"] == token
    assert "x-functions-key" not in app.headers[0]


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("http://example.com", "would get the key in the clear"),
        ("http://127.0.0.1:1", "has no answer"),
        ("ftp://example.com", "would get the key in the clear"),
    ],
)
def test_a_key_goes_nowhere_in_the_clear(
    found: Deployment, address: str, problem: str
) -> None:
    """But to this machine."""
    assert problem in prove.prove(found, address, 1)["problem"]


def test_keys_that_may_not_be_read_prove_nothing(
    found: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of the resource group is told what else he would need."""
    monkeypatch.setenv("FAKE_AZ_MOOD", "/listkeys")

    proof = prove.prove(found, None, 1)

    assert proof["level"] == "unknown"
    assert "AuthorizationFailed" in proof["problem"]
    assert "Website Contributor" in proof["do"]


def test_without_an_app_there_is_nobody_to_ask(found: Deployment) -> None:
    """Nothing is deployed yet."""
    proof = prove.prove(replace(found, site=None), None, 1)

    assert (proof["level"], proof["do"]) == ("unknown", "deploy first")
