"""A program named `az`, which answers as Azure's was seen to (`fake_az.py`)."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
WELL = HERE / "well.json"
type Answering = Callable[..., None]


def put_az_into(folder: Path) -> None:
    """Make a program named az there; it starts without packages, as it needs none."""
    script = f'"{sys.executable}" -I -S "{HERE / "fake_az.py"}"'
    if sys.platform == "win32":
        (folder / "az.cmd").write_text(f"@{script} %*\r\n")
    else:
        (folder / "az").write_text(f'#!/bin/sh\nexec {script} "$@"\n')
        (folder / "az").chmod(0o755)


@pytest.fixture
def az_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, with a program named az in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    put_az_into(folder)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("FAKE_AZ_ANSWERS", str(WELL))
    monkeypatch.delenv("AZURE_RESOURCE_GROUP", raising=False)
    return folder


@pytest.fixture
def answering(
    az_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Answering:
    """Has az answer with the well deployment, changed in some members."""

    def change(**members: Any) -> None:
        content = json.loads(WELL.read_text("utf-8")) | members
        (tmp_path / "answers.json").write_text(json.dumps(content))
        monkeypatch.setenv("FAKE_AZ_ANSWERS", str(tmp_path / "answers.json"))

    return change
