"""dev.py and what it makes, without making it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dev
from tools import find_python, terminal
from tools import venv as environment
from tools.stack.parts import azurite
from tools.stack.system import file_lock
from tools.terminal import ROOT, CannotGoOn

BEFORE_THE_ENVIRONMENT = [
    "dev.py",
    "tools/stack/parts/azurite.py",
    "tools/venv.py",
    "tools/stack/system/file_lock.py",
    "tools/stack/options.py",
    "tools/package.py",
    "tools/find_python.py",
    "tools/terminal.py",
    "tools/wheels.py",
]


@pytest.mark.parametrize("name", BEFORE_THE_ENVIRONMENT)
def test_what_runs_before_the_environment_needs_only_a_python(name: str) -> None:
    """A fresh clone has no packages, and its Python may be as old as 3.9."""
    tree = ast.parse((ROOT / name).read_text(), feature_version=(3, 9))
    imported = {
        alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }

    ours = {
        path.removesuffix(".py").replace("/", ".") for path in BEFORE_THE_ENVIRONMENT
    }
    for module in imported:
        top = module.split(".")[0]
        assert (
            top in sys.stdlib_module_names
            or module in ours
            or module.rpartition(".")[0] in ours
        )


def test_every_command_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """`dev.py` alone says what it can do."""
    with pytest.raises(SystemExit):
        dev.main([])

    shown = capsys.readouterr().out
    for name, command in dev.COMMANDS.items():
        assert name in shown
        assert command.purpose in shown


def test_it_works_from_any_folder(tmp_path: Path) -> None:
    """The help of `run` names every option, wherever it is asked for."""
    asked = [sys.executable, str(ROOT / "dev.py"), "run", "--help"]
    shown = subprocess.run(
        asked, cwd=tmp_path, capture_output=True, text=True, check=True
    )

    for option in ("--http-port", "--emulator-port", "--data", "--fresh", "--host"):
        assert option in shown.stdout


def test_a_half_made_environment_is_not_trusted(tmp_path: Path) -> None:
    """
    Only a finished installation leaves a stamp, and the stamp names what was there.
    """
    python = environment.interpreter(tmp_path)
    python.parent.mkdir(parents=True)
    python.touch()
    assert not environment.is_current(tmp_path)

    stamp = tmp_path / "dev-stamp"
    stamp.write_text(environment.digest(tmp_path))
    assert environment.is_current(tmp_path)

    python.unlink()
    assert not environment.is_current(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="packages are in Lib there")
def test_other_pins_or_packages_ask_for_an_installation(tmp_path: Path) -> None:
    """A pull that moves a pin, or a package removed by hand, is noticed."""
    root, venv = tmp_path / "root", tmp_path / "venv"
    record = venv / "lib/python3.13/site-packages/ruff-1.dist-info/RECORD"
    record.parent.mkdir(parents=True)
    root.mkdir()
    for name in environment.PINS:
        (root / name).write_text("ruff==1\n")
    digests = [environment.digest(venv, root)]

    record.touch()
    digests.append(environment.digest(venv, root))
    (root / "requirements.txt").write_text("ruff==2\n")
    digests.append(environment.digest(venv, root))

    assert len(set(digests)) == 3


def test_a_half_made_azurite_is_not_trusted(tmp_path: Path) -> None:
    """An npm that was interrupted runs again."""
    script = azurite.blob_service(tmp_path)
    script.parent.mkdir(parents=True)
    script.touch()
    assert not azurite.is_installed(tmp_path)

    (tmp_path / "installed").write_text("3.0.0")
    assert not azurite.is_installed(tmp_path)

    (tmp_path / "installed").write_text(azurite.VERSION)
    assert azurite.is_installed(tmp_path)


def test_without_node_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the program and the version."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(CannotGoOn, match=r"Install Node\.js 20 or newer"):
        azurite.install()


@pytest.mark.skipif(sys.platform == "win32", reason="the old Node is a shell script")
def test_a_node_that_is_too_old_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader learns which Node was found and which is needed."""
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v18.20.4\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CannotGoOn, match=r"v18\.20\.4, too old"):
        azurite.node()


def test_this_python_is_found() -> None:
    """The running Python counts when it is the wanted one."""
    python = find_python.about([sys.executable])

    assert python is not None
    assert python.version == ".".join(map(str, sys.version_info[:2]))
    assert find_python.about(["no-such-program"]) is None
    assert find_python.about([sys.executable, "-c", "print('no')", "--"]) is None


def test_a_failed_command_shows_its_words_and_the_advice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The chatter of pip and npm is seen when, and only when, it explains a failure."""
    failing = [sys.executable, "-c", "print('no space left'); raise SystemExit(3)"]
    working = [sys.executable, "-c", "print('chatter')"]

    terminal.attempt("Working", working, "")
    with pytest.raises(CannotGoOn, match=r"Trying failed\. Make room\.\n +no space"):
        terminal.attempt("Trying", failing, "Make room.")

    assert "chatter" not in capsys.readouterr().out


def test_a_program_that_is_not_there_is_named() -> None:
    """No traceback for what a person can mend."""
    with pytest.raises(CannotGoOn, match="no-such-program could not be started"):
        terminal.attempt("Trying", ["no-such-program"], "")


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    """Two dev.py at once do not install into one folder."""
    with file_lock.take(tmp_path / "lock"), pytest.raises(file_lock.HeldByAnother):
        file_lock.take(tmp_path / "lock")

    with file_lock.hold(tmp_path / "lock", on_wait=lambda: None):
        pass


def test_every_check_runs_and_each_failure_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One run of `check` tells everything there is to mend."""
    checks = {"first": "python -cexit('bad')", "second": "python -cprint('chatter')"}
    monkeypatch.setattr(dev, "CHECKS", checks)

    assert dev.run_checks() == 1

    shown = capsys.readouterr().out
    assert re.search(r"first +python +FAILED \(.*\)\nbad\n", shown)
    assert re.search(r"second +python +ok", shown)
    assert "chatter" not in shown
    assert "Checks that failed: first\n" in shown
