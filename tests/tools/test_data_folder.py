"""The data folder, one supervisor at a time."""

import os
from pathlib import Path

import pytest

from tools.stack.data_folder import DataFolder
from tools.terminal import CannotGoOn


def test_a_second_supervisor_is_told_who_has_the_folder(tmp_path: Path) -> None:
    """Two stacks on one folder would spoil each other's queues."""
    with DataFolder(tmp_path) as first:
        first.record({})
        with pytest.raises(CannotGoOn, match=f"process {os.getpid()}.*--data"):
            DataFolder(tmp_path).__enter__()

    with DataFolder(tmp_path):
        pass


def test_fresh_leaves_only_what_is_not_state(tmp_path: Path) -> None:
    """The installed Azurite and files of others stay."""
    with DataFolder(tmp_path) as data:
        data.make()
        (data.blobs / "blob").touch()
        (data.logs / "host.log").touch()
        (tmp_path / "azurite-npm").mkdir()
        (tmp_path / "notes.txt").touch()

        data.forget()

        assert not data.blobs.exists()
        assert not data.logs.exists()
        assert (tmp_path / "azurite-npm").exists()
        assert (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize(
    "record",
    [
        '{"supervisor": 1',
        "[" * 100_000,
        "null",
        '{"parts": []}',
        '{"parts": null}',
        '{"parts": {"host": []}}',
        '{"parts": {"host": {"pid": "abc", "command": ["x"]}}}',
        '{"parts": {"host": {"pid": 1.5, "command": ["x"]}}}',
        '{"parts": {"host": {"pid": 1, "command": "x"}}}',
        '{"parts": {"host": {"pid": 1}}}',
    ],
)
def test_a_broken_record_is_no_record(record: str, tmp_path: Path) -> None:
    """A file cut short by a crash does not keep the stack from starting."""
    (tmp_path / "run.json").write_text(record)

    with DataFolder(tmp_path) as data:
        assert data.end_orphans() == []
        data.record({"emulator": (4, 6500, ("python", "-m", "eventgrid_emulator"))})

        assert data.recorded()["parts"]["emulator"]["port"] == 6500


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    """The error says which folder, and which option chooses another."""
    (tmp_path / "data").touch()

    with pytest.raises(CannotGoOn, match="--data"):
        DataFolder(tmp_path / "data").__enter__()


def test_a_record_that_cannot_be_written_is_reported_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names no process for a later run; that is no reason to end what runs."""
    (tmp_path / "run.json").mkdir()

    with DataFolder(tmp_path) as data:
        assert data.end_orphans() == []
        data.record({})
        data.record({})
        assert capsys.readouterr().out.count("cannot be written") == 1

        (tmp_path / "run.json").rmdir()
        data.record({})
        assert data.recorded()["parts"] == {}
