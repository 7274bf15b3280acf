"""`dev.py status` asks `az`, a program that answers here as Azure's was seen to."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.tools.azure.conftest import Answering
from tools.azure import az, collect, deployment, status_command
from tools.azure.az import CannotAsk, Refused
from tools.azure.examine import examine
from tools.terminal import CannotGoOn

HERE = Path(__file__).parent
WELL = HERE / "well.json"
GROUP = "rg-moderation-dev"
NOW = datetime(2026, 11, 23, 12, 2, 30, tzinfo=UTC)


def test_everything_that_az_answers_is_collected(az_program: Path) -> None:
    """All pages of all lists are read, and secrets are dropped on the way."""
    found = collect.collect(GROUP, None, NOW)

    assert found.settings.pop("EVENTGRID_KEY") == deployment.HIDDEN
    assert found == replace(deployment.load(WELL), settings=found.settings)


@pytest.mark.usefixtures("az_program")
def test_the_group_is_the_one_that_azd_made(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """
    Within azd's hooks and shells nothing has to be given, and the answer can be kept.
    """
    monkeypatch.setenv("AZURE_RESOURCE_GROUP", GROUP)
    saved = tmp_path / "saved.json"

    status_command.main(["--save", str(saved)])

    assert f"{GROUP}, asked at" in capsys.readouterr().out
    assert deployment.load(saved).group == GROUP
    assert "c2VjcmV0" not in saved.read_text("utf-8")


@pytest.mark.usefixtures("az_program")
def test_without_a_group_it_says_how_to_give_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No guessing among somebody's resource groups."""
    assert status_command.main([]) == status_command.CANNOT_ASK
    assert "--resource-group" in capsys.readouterr().out


def test_without_az_it_says_so(
    az_program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exit code of its own tells a script that nothing was examined."""
    for file in az_program.iterdir():
        file.unlink()

    assert status_command.main(["--resource-group", GROUP]) == status_command.CANNOT_ASK
    assert "az is not on PATH" in capsys.readouterr().out


@pytest.mark.usefixtures("az_program")
def test_signed_out_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The way on is one command."""
    monkeypatch.setenv("FAKE_AZ_MOOD", "signed out")

    assert status_command.main(["--resource-group", GROUP]) == status_command.CANNOT_ASK
    assert "run `az login`" in capsys.readouterr().out


@pytest.mark.usefixtures("az_program")
@pytest.mark.parametrize(
    ("forbidden", "part"),
    [
        ("/appsettings/list", "its settings"),
        ("/roleAssignments", "role assignments"),
        ("/containers", "containers"),
        ("/query", "drains"),
    ],
)
def test_what_may_not_be_read_is_reported_and_the_rest_examined(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    forbidden: str,
    part: str,
) -> None:
    """A reader without every right still learns what he may."""
    monkeypatch.setenv("FAKE_AZ_MOOD", forbidden)

    found = collect.collect(GROUP, None, NOW)
    assert status_command.report(found, examine(found)) == 1

    shown = capsys.readouterr().out
    assert f"{part} could not be looked at" in shown
    assert "AuthorizationFailed" in shown
    assert "Event subscriptions: well" in shown
    assert "broken" not in shown
    assert "well, as far as it could be looked at" in shown


@pytest.mark.usefixtures("az_program")
def test_a_program_that_does_not_answer_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A login that waits for a browser does not hang a pipeline."""
    monkeypatch.setenv("FAKE_AZ_MOOD", "silent")

    with pytest.raises(Refused, match="no answer within"):
        az.answer(["az", "account", "show"], seconds=0.5)


@pytest.mark.usefixtures("az_program")
def test_an_empty_group_is_reported(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """The wrong group is a finding, not a failure."""
    empty = json.loads(WELL.read_text("utf-8")) | {"resources": []}
    (tmp_path / "empty.json").write_text(json.dumps(empty))
    monkeypatch.setenv("FAKE_AZ_ANSWERS", str(tmp_path / "empty.json"))

    assert status_command.main(["--resource-group", GROUP]) == 1

    shown = capsys.readouterr().out
    assert shown.count(f"{GROUP} has no ") == 3
    assert "To do: 3 broken." in shown


def test_the_app_is_chosen_by_name_where_there_are_several() -> None:
    """Two apps in a group are not mixed up."""
    content = json.loads(WELL.read_text("utf-8"))
    site = next(
        resource
        for resource in content["resources"]
        if resource["type"] == collect.SITE
    )
    other = site | {"id": site["id"] + "-2"}

    assert collect._sites([site, other], "FUNC-moderation-dev-2") == [other["id"]]
    assert collect._sites([site], None) == [site["id"]]
    with pytest.raises(CannotGoOn, match="--app"):
        collect._sites([site, other], None)


def test_a_program_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """azd is asked for by its own name."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(CannotAsk, match="azd auth login"):
        az.program("azd")


@pytest.mark.usefixtures("az_program")
@pytest.mark.parametrize(
    ("logged", "said"),
    [
        (
            "Result: Failure\nException: WrongPython: This app is packed for Python 3.13 "
            "and was started on Python 3.11.8.\nStack:   File ...",
            "its log says: WrongPython: This app is packed for Python 3.13 and was started "
            "on Python 3.11.8.",
        ),
        ("Host did not start\nat ...", "its log says: Host did not start"),
        ("x" * 9999, f"its log says: {'x' * 400}"),
        (None, "no code is deployed, or it failed to start"),
    ],
)
def test_an_app_without_functions_is_explained_by_its_log(
    answering: Answering,
    capsys: pytest.CaptureFixture[str],
    logged: str | None,
    said: str,
) -> None:
    """
    A deployment succeeded, and the app refuses to start: the reason is one sentence.
    """
    more = {} if logged is None else {"logged": logged}
    answering(functions=[], **more)

    for asked in (["--functions", "--wait", "0"], []):
        assert (
            status_command.main(["--resource-group", GROUP, *asked])
            == status_command.UNWELL
        )
        assert f"shows no function{':' if logged is None else ';'} {said}" in (
            capsys.readouterr().out
        )


@pytest.mark.usefixtures("az_program")
def test_a_deployment_is_waited_for_until_every_function_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Functions show themselves some time after the code was sent."""
    monkeypatch.setenv("FAKE_AZ_LATE", str(tmp_path / "asked-once"))
    monkeypatch.setattr(status_command, "ASK_AGAIN_SECONDS", 0.01)

    assert (
        status_command.main(["--resource-group", GROUP, "--functions"])
        == status_command.WELL
    )
    there = len(json.loads(WELL.read_text("utf-8"))["functions"])
    assert f"has its {there} functions" in capsys.readouterr().out
    assert (tmp_path / "asked-once").exists()


@pytest.mark.usefixtures("az_program")
@pytest.mark.parametrize(
    ("changed", "mood", "said"),
    [
        ({"resources": []}, "", "has no function app"),
        ({}, "/functions", "its functions could not be looked at"),
        ({"functions": []}, "", "shows no function"),
    ],
)
def test_what_was_not_seen_has_not_arrived(
    answering: Answering,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, Any],
    mood: str,
    said: str,
) -> None:
    """A pipeline that may not look does not call a deployment well."""
    answering(**changed)
    monkeypatch.setenv("FAKE_AZ_MOOD", mood)
    asked = ["--resource-group", GROUP, "--functions", "--wait", "0"]

    assert status_command.main(asked) == status_command.UNWELL
    assert said in capsys.readouterr().out
