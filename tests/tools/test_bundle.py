"""Core Tools' func is given an extension bundle, so that it takes edited code up."""

import json
from pathlib import Path

import pytest

from tools.stack.parts import extension_bundle
from tools.stack.settings import settings_file
from tools.terminal import ROOT

EXAMPLE = settings_file.read(ROOT / settings_file.EXAMPLE)
NAMED = {k: v for k, v in EXAMPLE.items() if k.startswith(extension_bundle.PREFIX)}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app that names no bundle of its own."""
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    return tmp_path


def test_the_bundle_is_whole_and_needs_no_network() -> None:
    """What the host looks for is in the folder that the settings name."""
    folder = ROOT / EXAMPLE[extension_bundle.DOWNLOAD_PATH]
    [version] = folder.iterdir()

    assert folder == extension_bundle.FOLDER
    assert json.loads((version / "bundle.json").read_text()) == {
        "id": EXAMPLE[f"{extension_bundle.PREFIX}id"],
        "version": version.name,
    }
    assert json.loads((version / "bin" / "extensions.json").read_text()) == {
        "extensions": []
    }
    assert EXAMPLE[f"{extension_bundle.PREFIX}ensureLatest"] == "false"


@pytest.mark.parametrize("values", [{}, EXAMPLE])
def test_func_is_told_where_it_is(app: Path, values: dict[str, str]) -> None:
    """By its whole path: the app may be anywhere."""
    assert extension_bundle.settings(app, values, EXAMPLE, {}) == {
        **NAMED,
        extension_bundle.DOWNLOAD_PATH: str(extension_bundle.FOLDER),
    }


def test_a_bundle_that_someone_chose_is_left_alone(app: Path) -> None:
    """In the file, in the environment, or in host.json as `func init` writes it."""
    chosen = {extension_bundle.DOWNLOAD_PATH: "/elsewhere"}

    assert extension_bundle.settings(app, EXAMPLE | chosen, EXAMPLE, {}) == {}
    assert extension_bundle.settings(app, EXAMPLE, EXAMPLE, chosen) == {}
    (app / "host.json").write_text('{"version": "2.0", "extensionBundle": {}}')
    assert extension_bundle.settings(app, EXAMPLE, EXAMPLE, {}) == {}
