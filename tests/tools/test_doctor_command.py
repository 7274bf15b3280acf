"""`dev.py doctor` gives the app's doctor what local.settings.json says."""

import json
from pathlib import Path

import pytest

from tools import doctor
from tools.stack.settings import settings_file
from tools.terminal import ROOT, CannotGoOn

APP = """
import os, sys
print(os.environ["EVENTGRID_ENDPOINT"], os.environ["PULL_BUDGET_SECONDS"], flush=True)
sys.exit(7)
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with settings and with a doctor that shows what it was told."""
    values = {"EVENTGRID_ENDPOINT": "http://127.0.0.1:1", "PULL_BUDGET_SECONDS": "25"}
    file = tmp_path / settings_file.FILE
    file.write_text(json.dumps({"Values": values}))
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").touch()
    (tmp_path / "tools" / "health_command.py").write_text(APP)
    return tmp_path


def test_the_doctor_is_told_the_file_and_the_environment_wins(
    app: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What the app would see is what is examined, and the exit code is the doctor's."""
    monkeypatch.setenv("PULL_BUDGET_SECONDS", "55")
    monkeypatch.delenv("EVENTGRID_ENDPOINT", raising=False)

    assert doctor.main(["--app", str(app)]) == 7

    assert capfd.readouterr().out.split() == ["http://127.0.0.1:1", "55"]


def test_without_settings_it_says_how_to_get_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fresh clone learns the next step instead of reading a traceback."""
    with pytest.raises(CannotGoOn, match=r"local\.settings\.json\.example"):
        doctor.settings_for(tmp_path, {})

    assert doctor.main(["--app", str(tmp_path)]) == 1
    assert "dev.py run" in capsys.readouterr().out


def test_the_example_is_enough_for_the_doctor() -> None:
    """Whoever copies the example has every setting that the doctor asks for."""
    example = settings_file.read(ROOT / settings_file.EXAMPLE)

    assert {"EVENTGRID_ENDPOINT", "EVENTGRID_KEY"} <= example.keys()
