"""The log file of each part."""

from pathlib import Path

import pytest

from tools.stack.supervision import logs


def test_the_logs_of_the_last_three_runs_are_kept(tmp_path: Path) -> None:
    """What was logged before a restart can still be read, and does not pile up."""
    log = tmp_path / "host.log"
    for run in ("first", "second", "third", "fourth", "fifth"):
        logs.rotate(log)
        log.write_text(run)

    kept = {file.name: file.read_text() for file in tmp_path.iterdir()}

    assert kept == {
        "host.log": "fifth",
        "host.log.1": "fourth",
        "host.log.2": "third",
        "host.log.3": "second",
    }


def test_only_what_was_logged_since_then_is_read(tmp_path: Path) -> None:
    """The last lines of a dead process are its own, not those of the one before it."""
    log = tmp_path / "host.log"
    log.write_text("the process before\n")
    then = logs.size(log)
    with log.open("a") as more:
        more.write("this process\n")

    assert logs.end_of(log, then) == "this process\n"
    assert logs.end_of(tmp_path / "none.log") == ""


def test_a_follower_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    """A line written in two goes is shown once, whole."""
    log = tmp_path / "host.log"
    follower = logs.Follower(log)
    assert follower.new_lines() == []
    log.write_text("one\ntw")
    first = follower.new_lines()
    log.write_text("one\ntwo\n")
    second = follower.new_lines()

    assert (first, second) == (["one"], ["two"])


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_a_follower_gets_past_a_line_of_any_length(tmp_path: Path, excess: int) -> None:
    """A warning is seen though something long was logged before it."""
    log = tmp_path / "host.log"
    follower = logs.Follower(log)
    log.write_text("x" * (logs.END + excess) + "\nERROR after that\n")

    looks = [follower.new_lines() for _ in range(3)]

    assert "ERROR after that" in [line for lines in looks for line in lines]


@pytest.mark.parametrize(
    ("line", "is_shown"),
    [
        ("2026-11-23T10:00:00Z WARNING eventgrid_pull.draining.drain: rejected", True),
        ("[2026-11-23T10:00:00Z] ERROR storage is away", True),
        ("fail: Function.pull_flagged[3]", True),
        ("2026-11-23T10:00:00Z INFO drained 5", False),
        ("no errors found", False),
        ("", False),
    ],
)
def test_warnings_and_errors_are_shown(line: str, *, is_shown: bool) -> None:
    """What needs a person reaches the terminal, which is quiet while all is well."""
    assert logs.is_noteworthy(line) == is_shown


def test_the_reason_for_a_failed_indexing_starts_at_the_traceback() -> None:
    """The reader sees the error of their app, not how the host came up."""
    noise = "\n".join(f"starting {n}" for n in range(50))
    why = (
        'Traceback (most recent call last):\n  File "function_app.py", line 3\n'
        "SyntaxError: invalid syntax"
    )

    shown = logs.why_not_indexed(f"{noise}\n{why}\n")

    assert shown.splitlines()[0].strip() == "Traceback (most recent call last):"
    assert shown.splitlines()[-1].strip() == "SyntaxError: invalid syntax"


def test_without_a_traceback_the_end_of_the_log_is_the_reason() -> None:
    """A host that explains itself in other words is still heard."""
    assert "no job functions found" in logs.why_not_indexed("no job functions found\n")
