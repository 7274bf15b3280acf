"""Edited code is taken up by the stand-in as it runs, and mended by the next save."""

import contextlib
import http.client
import json
import socket
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.functions_host.hosting import RunningHost, an_app, running, until

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(
        sys.platform == "win32", reason="a process cannot become another there"
    ),
]
APP = """
import asyncio, os, time
import azure.functions as func
from words import WORD

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("word")
async def word(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"{WORD} {os.environ.get('SETTING')}")


@app.route("wait")
async def wait(req: func.HttpRequest) -> func.HttpResponse:
    print("waiting")
    await asyncio.Event().wait()


@app.route("block")
async def block(req: func.HttpRequest) -> func.HttpResponse:
    print("blocking")
    time.sleep(600)
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return an app that says a word from a module of its own."""
    (tmp_path / "app").mkdir()
    save(tmp_path / "app" / "words.py", 'WORD = "first"\n')
    return an_app(tmp_path / "app", APP)


def save(file: Path, text: str) -> None:
    """Replace the file, as most editors do."""
    beside = file.with_name(f".{file.name}~")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def says(host: RunningHost, word: str) -> bool:
    """Return whether the app says that word now."""
    return host.get("/api/word").body.decode().startswith(word)


class Callers(threading.Thread):
    """Somebody who calls without pause, and notes who was not answered."""

    def __init__(self, host: RunningHost) -> None:
        super().__init__(daemon=True)
        self.host = host
        self.enough = threading.Event()
        self.answered = 0
        self.failures: list[object] = []
        self.start()

    def run(self) -> None:
        """Call until it is enough."""
        while not self.enough.is_set():
            try:
                answer = self.host.get("/api/word")
            except OSError as error:
                self.failures.append(error)
                continue
            self.answered += 1
            if answer.status != 200:
                self.failures.append(answer)


def test_an_edit_takes_effect_and_callers_only_wait(app: Path) -> None:
    """The process, its port and its callers stay; one line says what was taken up."""
    with running(app) as host:
        callers = Callers(host)
        until(lambda: callers.answered)
        kept = http.client.HTTPConnection("127.0.0.1", host.port, timeout=20)
        silent = socket.create_connection(("127.0.0.1", host.port), timeout=20)
        for word in ("second", "third"):
            kept.request("GET", "/api/word")
            assert kept.getresponse().read()
            save(app / "words.py", f'WORD = "{word}"\n')
            until(partial(says, host, word))
        kept.request("GET", "/api/word")
        assert kept.getresponse().read() == b"third None"
        kept.close()
        silent.sendall(b"GET /api/word HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert silent.recv(100).startswith(b"HTTP/1.1 200 OK")
        silent.close()
        callers.enough.set()
        callers.join()

        assert callers.failures == []
        assert host.process.poll() is None
        assert host.log.count("Reloaded: words.py changed") == 2
        assert host.stop() == 0


def test_a_syntax_error_is_named_and_mended_by_the_next_save(app: Path) -> None:
    """File and line are in the log; until then the app goes on as it was."""
    with running(app) as host:
        save(app / "words.py", 'WORD = "second"\n\ndef broken(:\n')
        until(lambda: "words.py, line 3: SyntaxError: " in host.log)
        assert says(host, "first")

        save(app / "words.py", 'WORD = "third"\n')

        until(lambda: says(host, "third"))


def test_a_second_edit_does_not_hide_that_the_first_is_broken(app: Path) -> None:
    """What was not taken up is looked at again with the next save of any file."""
    with running(app) as host:
        save(app / "words.py", "WORD = (\n")
        until(lambda: "words.py, line 1: SyntaxError: " in host.log)
        save(app / "other.py", "")
        until(lambda: host.log.count("words.py, line 1: SyntaxError: ") == 2)

        save(app / "words.py", 'WORD = "second"\n')

        until(lambda: says(host, "second"))
        assert "Reloaded: other.py, words.py changed" in host.log


def test_what_fails_when_imported_is_named_and_mended(app: Path) -> None:
    """The app has no functions meanwhile, as under `func start`."""
    with running(app) as host:
        save(app / "words.py", "\nWORD = nothing\n")
        until(lambda: host.get("/api/word").status == 404)
        assert (
            "the app cannot be loaded, it has no functions: words.py, line 2: "
            "NameError: name 'nothing' is not defined" in host.log
        )

        save(app / "words.py", 'WORD = "second"\n')

        until(lambda: says(host, "second"))


@pytest.mark.parametrize(
    ("route", "printed"), [("wait", "waiting"), ("block", "blocking")]
)
def test_a_function_at_work_does_not_keep_an_edit_waiting(
    app: Path, route: str, printed: str
) -> None:
    """It is cut off, also if it never yields."""
    with running(app) as host:
        ended = threading.Event()

        def call() -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                host.get(f"/api/{route}")
            ended.set()

        caller = threading.Thread(target=call)
        caller.start()
        until(lambda: printed in host.log)

        save(app / "words.py", 'WORD = "second"\n')

        until(lambda: says(host, "second"))
        assert ended.wait(20)
        caller.join()


def test_settings_are_read_again_with_an_edit(app: Path) -> None:
    """From host.json and local.settings.json; what the environment had still wins."""
    settings = app / "local.settings.json"
    save(settings, json.dumps({"Values": {"SETTING": "old"}}))
    with running(app) as host:
        assert host.get("/api/word").body == b"first old"
        save(settings, json.dumps({"Values": {"SETTING": "new"}}))

        prefixed = {"version": "2.0", "extensions": {"http": {"routePrefix": "v2"}}}
        save(app / "host.json", json.dumps(prefixed))

        until(lambda: host.get("/v2/word").status == 200)
        assert host.get("/v2/word").body == b"first new"

        save(settings, "{")
        save(app / "words.py", 'WORD = "second"\n')
        until(lambda: f"{settings} cannot be read" in host.log)
        assert host.get("/v2/word").body == b"first new"


def test_a_host_that_was_edited_stops_when_told_to(app: Path) -> None:
    """Signals are heard by the new one as by the first."""
    with running(app) as host:
        for word in ("second", "third"):
            save(app / "words.py", f'WORD = "{word}"\n')
            until(partial(says, host, word))

        assert host.stop() == 0
        assert "Traceback" not in host.log
