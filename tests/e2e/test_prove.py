"""`dev.py status --prove` walks the whole way: az, the app, Event Grid, the dead letter."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.stacks import Stack
from tests.tools.azure.conftest import put_az_into
from tools.azure import status_command
from tools.terminal import ROOT

pytestmark = pytest.mark.e2e
AZURE = ROOT / "tests" / "tools" / "azure"


@pytest.fixture
def az_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program named az, which answers with a private deployment as it was recorded."""
    answers = json.loads((AZURE / "well.json").read_text("utf-8"))
    answers["namespace"]["properties"]["publicNetworkAccess"] = "Disabled"
    now = datetime.now(UTC).isoformat()  # noqa: TID251 - when status asks, too
    for row in answers["drains"]["tables"][0]["rows"]:
        row[1:] = [now, now]
    answers["keys"] = {"operator": "key-of-an-operator"}
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    put_az_into(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("FAKE_AZ_ANSWERS", str(tmp_path / "answers.json"))


@pytest.mark.usefixtures("az_program")
def test_a_private_deployment_is_proven_through_the_app(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    What is unproven is called so, until a probe was rejected and its dead letter came.
    """
    asked = ["--resource-group", "rg-moderation-dev"]

    assert status_command.main(asked) == status_command.UNWELL
    assert (
        "dead letters are unproven: the namespace is private" in capsys.readouterr().out
    )

    prove = ["--prove", "--at", f"http://127.0.0.1:{stack.port('host')}", "--wait", "2"]
    assert status_command.main([*asked, *prove]) == status_command.WELL
    shown = capsys.readouterr().out
    assert "Proven: the dead letter of a probe came after" in shown
    assert "key-of-an-operator" not in shown
