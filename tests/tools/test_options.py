"""The options of `python -m tools.stack` and of `dev.py run`."""

from pathlib import Path

import pytest

from tools.stack import options
from tools.terminal import ROOT


def test_the_defaults_are_the_ports_of_the_real_tools() -> None:
    """10000 is Azurite's port; the host's is what func would take."""
    given = options.read([])

    assert (given.http_port, given.emulator_port, given.storage_port) == (
        None,
        6500,
        10000,
    )
    assert given.data == ROOT / ".local"
    assert given.host is None


@pytest.mark.parametrize("option", ["--emulator-port", "--broker-port"])
def test_an_earlier_name_of_an_option_still_sets_it(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says what it is called now."""
    assert options.read([f"{option}=7", "--http-port=1"]).emulator_port == 7
    assert options.read([option, "7"]).emulator_port == 7
    said = capsys.readouterr().out + capsys.readouterr().err
    assert ("now called --emulator-port" in said) == (option == "--broker-port")


def test_folders_are_absolute() -> None:
    """A part that runs in another folder finds the data all the same."""
    given = options.read(["--data", "somewhere"])

    assert given.data == Path.cwd() / "somewhere"


@pytest.mark.parametrize(
    "port", ["65536", "-1", "http", "", "\uff17\uff10", "\xb2", "9" * 5000]
)
def test_what_is_no_port_is_refused(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the value and the range."""
    with pytest.raises(SystemExit):
        options.read([f"--http-port={port}"])

    assert "0 to 65535" in capsys.readouterr().err
