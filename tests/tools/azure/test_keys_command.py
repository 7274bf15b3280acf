"""`dev.py keys` says how to make keys, and tells no secret but the one asked for."""

import shutil
import subprocess
from pathlib import Path

import pytest

from console.routes import OPERATOR, READER, ROUTES
from functions_host.keys import Keys
from tools.azure import keys_command
from tools.stack.settings import local_keys

READING = [route.function for route in ROUTES if route.role is READER]
BASH = shutil.which("bash") or ""
AZ = """
az() { echo "$@" >> "$SAID"; }
openssl() { echo "secret-of-$((++COUNT))"; }
"""


@pytest.mark.parametrize("shell", keys_command.SHELLS)
def test_every_function_that_reads_gets_the_readers_key(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And none that does more."""
    where = ["--resource-group", "rg-dev", "--app", "func-dev"]

    assert keys_command.main(["--shell", shell, *where]) == 0

    said = capsys.readouterr().out
    assert "'rg-dev'" in said
    assert "'func-dev'" in said
    for route in ROUTES:
        named = f"--function-name {route.function} "
        assert (named in said) == (route.role is not OPERATOR)
    assert said.count("--key-type functionKeys --key-name operator") == 1


@pytest.mark.skipif(not BASH, reason="there is no bash")
def test_bash_runs_what_is_printed(tmp_path: Path) -> None:
    """
    One value for all functions that read, another for the host, and both shown once.
    """
    said = tmp_path / "said.txt"
    lines = keys_command.commands("bash", "rg dev", "func-dev", READING)

    shown = subprocess.run(
        [BASH, "-eu", "-c", AZ + "COUNT=0\n" + "\n".join(lines)],
        env={"SAID": str(said), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )

    values = [
        line.rpartition("--key-value ")[2] for line in said.read_text().splitlines()
    ]
    asked = said.read_text().splitlines()[0]
    assert asked.startswith(
        "functionapp function keys set --resource-group rg dev --name func-dev"
    )
    assert len(values) == len(READING) + 1
    assert set(shown.stdout.split()) == {value.split()[0] for value in values}


def test_the_keys_of_this_machine_are_made_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is named; whoever may read it finds them there."""
    assert keys_command.main(["--local", "--data", str(tmp_path)]) == 0

    said = capsys.readouterr().out
    made = local_keys.make(tmp_path / local_keys.FILE, READING)
    assert str(tmp_path / local_keys.FILE) in said
    assert not any(key in said for key in made)


@pytest.mark.parametrize("name", ["reader", "operator"])
def test_a_key_that_is_asked_for_is_all_that_is_printed(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So it can be taken into a variable."""
    assert keys_command.main(["--local", "--data", str(tmp_path), "--show", name]) == 0

    (key,) = capsys.readouterr().out.split()
    function = "audit" if name == "reader" else "publish"
    assert Keys(tmp_path / local_keys.FILE).access(key, function).name == "FUNCTION"


def test_a_damaged_file_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said in one line, with exit code 1."""
    (tmp_path / local_keys.FILE).write_text("[")

    assert keys_command.main(["--local", "--data", str(tmp_path)]) == 1
    assert "delete it" in capsys.readouterr().out
