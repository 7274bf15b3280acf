"""Code is edited while the stack runs; nobody starts anything again."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stacks import Stack, StartStack, make_app, until
from tests.e2e.test_kill import FLAGGED, TIMERS, Books, decides, publish

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        sys.platform == "win32", reason="the stand-in has to be started again there"
    ),
]

# What the tests ask to know which code is at work.
ROUTE = """

@app.function_name("edited")
@app.route("edited", methods=["GET"])
async def edited(req: func.HttpRequest) -> func.HttpResponse:
    from moderation import handlers

    return func.HttpResponse(getattr(handlers, "EDITION", "none"))
"""
SLOW = """
    await asyncio.sleep(600)
    return Reject("never")
"""
QUICK = """
    return Acknowledge(Verdict.QUARANTINED, "by the edited handler")
"""


@pytest.fixture
def stack(host_kind: str, start_stack: StartStack, tmp_path: Path) -> Stack:
    """A stack, of either host, whose app tells which code is at work."""
    app = make_app(tmp_path / "edited-app")
    with (app / "function_app.py").open("a", encoding="utf-8") as file:
        file.write(ROUTE)
    return start_stack(app=app, host_kind=host_kind)


@pytest.fixture
def books(stack: Stack) -> Iterator[Books]:
    """What the emulator and the audit log say."""
    made = Books(stack)
    yield made
    made.close()


class Editor:
    """Somebody who saves handlers.py, and looks what it comes to."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.file = stack.app / "moderation" / "handlers.py"
        self.original = self.file.read_text(encoding="utf-8")

    def save(self, edition: str, body: str) -> None:
        """Replace the file, as most editors do."""
        beside = self.file.with_name(".handlers.py~")
        code = decides(self.original, body)
        beside.write_text(f"{code}\n\n{edition}\n", encoding="utf-8")
        beside.replace(self.file)

    def wait_for(self, edition: str) -> float:
        """Wait until that code is at work; the seconds that took."""
        began = time.monotonic()

        def is_at_work() -> bool:
            return self.stack.call("GET", "/api/edited").body == edition.encode()

        until(f"the {edition} handler", is_at_work, patience=30)
        return time.monotonic() - began


def fire(stack: Stack) -> None:
    """Have the flagged events pulled now."""
    answer = stack.call(
        "POST",
        f"/admin/functions/{TIMERS[FLAGGED]}",
        b"{}",
        Content_Type="application/json",
    )
    assert answer.status == 202


def test_an_edit_that_cuts_a_drain_off_loses_nothing(
    stack: Stack, books: Books
) -> None:
    """
    Handlers are at work when their file is saved: their events come back, and the
    edited handler decides about them.
    """
    editor = Editor(stack)
    ids = [f"edited-{number}" for number in range(120)]
    editor.save('EDITION = "slow"', SLOW)
    editor.wait_for("slow")
    publish(stack, ids)
    fire(stack)
    until("handlers to work", lambda: books.emulator(FLAGGED)["locked"])

    editor.save('EDITION = "quick"', QUICK)
    took = editor.wait_for("quick")
    books.advance(61)
    fire(stack)

    until("all to be settled", lambda: books.emulator(FLAGGED)["acknowledged"] == 120)
    print(f"taken up after {took:.2f} s")  # noqa: T201 - shown when the test fails
    books.read()
    assert books.recorded(FLAGGED).keys() == set(ids)
    entries = [e for e in books.entries if e["disposition"] == "acknowledge"]
    assert {e["reason"] for e in entries if e["subscription"] == FLAGGED} == {
        "by the edited handler"
    }
    depths = books.emulator(FLAGGED)
    assert (depths["ready"], depths["locked"], depths["delayed"]) == (0, 0, 0)
    if stack.host_kind == "stand-in":
        assert "Reloaded: moderation/handlers.py changed" in stack.output()
        assert "died" not in stack.output()


def test_a_syntax_error_is_shown_and_mended_by_the_next_save(stack: Stack) -> None:
    """In the terminal, with file and line."""
    editor = Editor(stack)
    head = editor.original.partition("async def flagged(")[0]

    editor.save("", "    def broken(:\n")

    until("the error", lambda: "SyntaxError" in stack.output(), patience=30)
    shown = next(line for line in stack.output().splitlines() if "SyntaxError" in line)
    assert f"handlers.py, line {head.count(chr(10)) + 4}" in shown
    editor.save('EDITION = "quick"', QUICK)
    editor.wait_for("quick")


def test_any_module_of_the_app_is_taken_up(stack: Stack) -> None:
    """Also one that was not there at the start; host.json names no bundle for it."""
    assert "extensionBundle" not in json.loads((stack.app / "host.json").read_text())
    extra = stack.app / "moderation" / "extra.py"
    extra.write_text('EDITION = "first"\n', encoding="utf-8")
    editor = Editor(stack)
    editor.save("from moderation.extra import EDITION", "")
    editor.wait_for("first")

    extra.write_text('EDITION = "second"\n', encoding="utf-8")

    editor.wait_for("second")
