"""The options of `python -m eventgrid_emulator`: what they refuse, and in which words."""

from pathlib import Path

import pytest

from eventgrid_emulator.auth.credentials import LOCAL_KEY
from eventgrid_emulator.cli_options import read_options


def test_without_options_it_keeps_all_in_memory_under_the_local_key() -> None:
    """
    One command, nothing to set up.
    """
    options = read_options([])

    assert (options.data, options.keys) == (None, (LOCAL_KEY,))
    assert options.host == "127.0.0.1"


def test_a_folder_and_two_keys_are_taken() -> None:
    """
    A namespace has two keys, so that one can be changed.
    """
    options = read_options(["--data", "d", "--key", "a", "--key", "b"])

    assert (options.data, options.keys) == (Path("d"), ("a", "b"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", ""], "leave it out"),
        (["--key", " "], "must not be empty"),
        (["--key", "a", "--key", "b", "--key", "c"], "2 times at most"),
        (["--namespace", "a/b"], "3 to 50"),
        (["--port", "70000"], "--port"),
        (["--throughput-units", "41"], "--throughput-units"),
    ],
)
def test_a_wrong_option_is_refused_in_words(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    An unset shell variable must not put a data file into the current folder.
    """
    with pytest.raises(SystemExit):
        read_options(arguments)

    assert said in capsys.readouterr().err
