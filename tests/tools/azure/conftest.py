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


@pytest.fixture
def az_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, with a program named az in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = HERE / "fake_az.py"
    if sys.platform == "win32":
        text = f'@"{sys.executable}" "{script}" %*\r\n'
        (folder / "az.cmd").write_text(text)
    else:
        text = f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n'
        (folder / "az").write_text(text)
        (folder / "az").chmod(0o755)
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
