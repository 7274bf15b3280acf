"""Which topology file a run of the local stack is about."""

import shutil
from pathlib import Path

import pytest

from moderation.topology import SETTING
from tests.make import TOPOLOGY
from tools.stack.settings import declared_topology
from tools.terminal import ROOT, CannotGoOn


def put(folder: Path, *names: str) -> list[Path]:
    """A topology under each of these names in the folder."""
    files = [folder / name for name in names]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOPOLOGY, file)
    return files


def test_the_file_that_is_given_comes_first_and_the_app_is_told(tmp_path: Path) -> None:
    """App and emulator never have different event subscriptions."""
    given, told, _, _ = put(
        tmp_path, "a.json", "b.json", "topology.json", "moderation/topology.json"
    )

    chosen = declared_topology.choose(tmp_path, given, {SETTING: "b.json"})
    set_before = declared_topology.choose(tmp_path, None, {SETTING: "b.json"})

    assert (chosen.file, chosen.settings) == (given, {SETTING: str(given)})
    assert set_before.file == told
    assert chosen.topic == "moderation-events"


def test_without_one_it_is_the_one_of_the_app(tmp_path: Path) -> None:
    """`dev.py run --app DIR` needs no second option."""
    [own] = put(tmp_path, "moderation/topology.json")
    assert declared_topology.choose(tmp_path, None, {}) == (
        own,
        "moderation-events",
        {},
    )

    [beside] = put(tmp_path, "topology.json")
    chosen = declared_topology.choose(tmp_path, None, {SETTING: " "})
    assert (chosen.file, chosen.settings) == (beside, {SETTING: str(beside)})


def test_an_app_without_any_gets_that_of_this_project(tmp_path: Path) -> None:
    """As it always was for a folder of functions of one's own."""
    assert (
        declared_topology.choose(tmp_path, None, {}).file
        == ROOT / declared_topology.OWN
    )


@pytest.mark.parametrize("content", [None, b"{", b"[]", b"\xff", b'{"topic": "a b"}'])
def test_what_is_no_topology_is_named(tmp_path: Path, content: bytes | None) -> None:
    """One line, before anything is started."""
    file = tmp_path / "mine.json"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(CannotGoOn, match=r"mine\.json"):
        declared_topology.choose(tmp_path, file, {})
