"""What counts as an edit of the app."""

import os
from pathlib import Path

import pytest

from functions_host.loading import place_of
from functions_host.process import code_changes


def written(file: Path, text: str = "") -> Path:
    """Return the file, with that text in it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("function_app.py", True),
        ("moderation/handlers.py", True),
        ("moderation/deep/er/one.py", True),
        ("host.json", True),
        ("moderation/host.json", False),
        ("local.settings.json", False),
        ("moderation/topology.json", False),
        ("moderation/__pycache__/handlers.cpython-313.py", False),
        (".venv/lib/one.py", False),
        ("venv/lib/one.py", False),
        ("node_modules/one.py", False),
        ("moderation/.#handlers.py", False),
        ("moderation/handlers.py~", False),
        ("README.md", False),
    ],
)
def test_what_is_watched_is_what_func_watches(
    tmp_path: Path, name: str, counts: bool
) -> None:
    """Code and host.json; not what editors and tools leave about, nor other people's."""
    written(tmp_path / "venv" / "pyvenv.cfg")
    before = code_changes.snapshot(tmp_path)

    file = written(tmp_path / name)

    expected = {str(file)} if counts else set()
    assert code_changes.changed(before, code_changes.snapshot(tmp_path)) == expected


def test_replacing_and_removing_are_edits(tmp_path: Path) -> None:
    """Also by a file of the same size and time."""
    file, gone = written(tmp_path / "a.py", "a = 1"), written(tmp_path / "b.py")
    before = code_changes.snapshot(tmp_path)
    other = written(tmp_path / "c.txt", "a = 2")

    status = file.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))

    other.replace(file)
    gone.unlink()

    assert code_changes.changed(before, code_changes.snapshot(tmp_path)) == {
        str(file),
        str(gone),
    }


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (b"a = 1\n", None),
        (b"a = 1\n\nif a:\nb = 2\n", "a.py, line 4: IndentationError: "),
        (b"def f():\n\treturn 1\n        return 2\n", "a.py, line 3: TabError: "),
        (b"return 1\n", "a.py, line 1: SyntaxError: 'return' outside function"),
        (b"a = '\xff'\n", "a.py, line 1: SyntaxError: "),
        (b"a = '\0'\n", "SyntaxError: source code string cannot contain null bytes"),
        (b"a = '\\d'\n", None),
        (b"import nowhere\n", None),
    ],
)
def test_what_cannot_be_compiled_does_not_restart(
    tmp_path: Path, source: bytes, problem: str | None
) -> None:
    """The reason has file and line."""
    (tmp_path / "a.py").write_bytes(source)

    found = code_changes.problem(tmp_path, [str(tmp_path / "a.py")])

    assert (problem in (found or "")) if problem else found is None


def test_a_traceback_comes_to_one_line() -> None:
    """The last place in the app before the first cause, and the cause."""
    traceback = """Traceback (most recent call last):
  File "/lib/site-packages/azure/loader.py", line 166, in index
    ...
  File "/app/function_app.py", line 3, in <module>
    from pkg import word
  File "/app/pkg/word.py", line 7, in <module>
    import nowhere
ModuleNotFoundError: No module named 'nowhere'

During handling of the above exception, another exception occurred:

  File "/app/function_app.py", line 3, in <module>
ModuleNotFoundError: No module named 'nowhere'. Cannot find module. Sys path: ...
"""
    assert place_of(traceback, Path("/app")) == (
        "pkg/word.py, line 7: ModuleNotFoundError: No module named 'nowhere'"
    )


def test_what_is_no_traceback_is_kept_as_it_is() -> None:
    """A sentence stays one."""
    assert place_of("there is no function_app.py in /app", Path("/app")) == (
        "there is no function_app.py in /app"
    )
