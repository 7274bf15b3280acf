"""RULES.md is a table of promises, and each has a test."""

import re
from pathlib import Path

import pytest

from eventgrid_emulator.cli.option_table import OPTIONS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "eventgrid_emulator"
TEXT = (PACKAGE / "RULES.md").read_text(encoding="utf-8")
README = (PACKAGE / "README.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("|") and "---" not in line
]
PROMISES = [row for row in ROWS if row[-1] != "test"]


def known_tests() -> set[str]:
    found: set[str] = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE))
    return found


@pytest.mark.parametrize("row", PROMISES, ids=lambda row: row[0])
def test_a_promise_has_a_test(row: list[str]) -> None:
    """The last cell of every row names one that exists."""
    assert row[-1] in known_tests()


@pytest.mark.parametrize(
    "row", [row for row in PROMISES if len(row) == 5], ids=lambda row: row[0]
)
def test_a_behaviour_is_honoured_assumed_or_absent(row: list[str]) -> None:
    """With links that a reader can open; only an assumption may do without."""
    _, _, status, source, _ = row
    assert status in ("honoured", "assumed", "absent")
    keys = re.findall(r"\[([a-z-]+)\]", source)
    assert keys or (source == "none" and status != "honoured")
    for key in keys:
        assert re.search(rf"^\[{key}\]: https://", TEXT, re.MULTILINE), key


def test_every_option_s_help_is_enough_to_start() -> None:
    """The options that are shown are options that exist."""
    known = {f"--{option.name}" for option in OPTIONS} | {"--help"}
    options = re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT + _without_commands(README))
    assert set(options) <= known


def _without_commands(text: str) -> str:
    return re.sub(r"(?m)^\s*(docker|curl|uvx|pip) .*$", "", text)
