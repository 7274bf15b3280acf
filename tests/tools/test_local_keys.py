"""Two keys for the stand-in host: what reads, and everything."""

import os
import stat
from pathlib import Path

import pytest

from functions_host.keys import Access, Keys
from tools.stack.settings import local_keys

FUNCTIONS = ["audit", "activity"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the keys go."""
    return tmp_path / "host-keys.json"


def test_a_readers_key_opens_what_reads_and_an_operators_all(file: Path) -> None:
    """As the host sees it, which reads the same file."""
    made = local_keys.make(file, FUNCTIONS)

    keys = Keys(file)
    assert [keys.access(made.reader, name) for name in (*FUNCTIONS, "publish")] == [
        Access.FUNCTION,
        Access.FUNCTION,
        Access.NONE,
    ]
    assert keys.access(made.operator, "publish") is Access.FUNCTION
    assert keys.access(made.master) is Access.MASTER


def test_keys_that_are_there_stay(file: Path) -> None:
    """A function that comes later gets the reader's key, too."""
    first = local_keys.make(file, FUNCTIONS[:1])

    second = local_keys.make(file, FUNCTIONS)

    assert second == first
    assert Keys(file).access(first.reader, FUNCTIONS[1]) is Access.FUNCTION


@pytest.mark.skipif(os.name != "posix", reason="files have no mode there")
def test_the_file_is_its_owners_alone(file: Path) -> None:
    """It holds secrets in clear text."""
    local_keys.make(file, FUNCTIONS)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
