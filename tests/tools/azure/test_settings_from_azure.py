"""`dev.py settings` points the laptop at a deployment and back."""

import json
import sys
from pathlib import Path

import pytest

from eventgrid_pull.settings import connection
from moderation.settings import CONNECTION, Settings
from tools.azure import local_settings, outputs, settings_command
from tools.stack.settings import settings_file
from tools.terminal import ROOT, CannotGoOn

ENDPOINT = "https://evgns-moderation-dev.westeurope-1.eventgrid.azure.net"
STORAGE = "https://stdatadev7k2q.blob.core.windows.net"
AZD = f"""
AZURE_ENV_NAME="dev"
AZURE_RESOURCE_GROUP="rg-moderation-dev"
AZURE_FUNCTION_NAME="func-moderation-dev"
EVENTGRID_ENDPOINT="{ENDPOINT}"
EVENTGRID_TOPIC_NAME="moderation-events"
AUDIT_STORAGE_ACCOUNT_URL="{STORAGE}"
EVENTGRID_SUBSCRIPTIONS="[\\"sub-flagged\\",\\"sub-approved\\"]"
APPLICATIONINSIGHTS_CONNECTION_STRING="InstrumentationKey=1"
"""
AZ = {
    "name": "main",
    "properties": {
        "provisioningState": "Succeeded",
        "outputs": {
            "eventgriD_ENDPOINT": {"type": "String", "value": ENDPOINT},
            "eventgriD_TOPIC_NAME": {"type": "String", "value": "moderation-events"},
            "audiT_STORAGE_ACCOUNT_URL": {"type": "String", "value": STORAGE},
            "audiT_CONTAINER": {"type": "String", "value": "audit-log"},
        },
    },
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with a settings file that somebody has edited."""
    content = json.loads((ROOT / settings_file.EXAMPLE).read_text("utf-8"))
    content["Values"] |= {"PULL_BUDGET_SECONDS": "55", "MINE": "kept"}
    content["Host"] = {"LocalHttpPort": 7072}
    (tmp_path / settings_file.FILE).write_text(json.dumps(content), "utf-8")
    (tmp_path / "azd.env").write_text(AZD, "utf-8")
    return tmp_path


def run(app: Path, *arguments: str) -> int:
    return settings_command.main(["--app", str(app), *arguments])


def from_azd(app: Path, *arguments: str) -> int:
    return run(app, "--from-azure", "--outputs", str(app / "azd.env"), *arguments)


def test_the_laptop_uses_the_namespace_with_the_developers_identity(app: Path) -> None:
    """The app finds the deployed endpoint and storage, and no key to use instead."""
    assert from_azd(app) == 0

    values = settings_file.read(app / settings_file.FILE)
    told = Settings.from_environ(values, topic="moderation-events")
    found = connection.read(CONNECTION, values)
    assert (found.endpoint, told.audit_account_url) == (ENDPOINT, STORAGE)
    assert found.key is None
    assert told.audit_connection_string is None


def test_what_is_not_from_azure_is_kept(app: Path) -> None:
    """Timers keep their local storage, and a person his own settings."""
    from_azd(app)

    content = json.loads((app / settings_file.FILE).read_text("utf-8"))
    assert content["Host"] == {"LocalHttpPort": 7072}
    assert content["IsEncrypted"] is False
    values = content["Values"]
    assert values["AzureWebJobsStorage"] == "UseDevelopmentStorage=true"
    assert values["PULL_BUDGET_SECONDS"] == "55"
    assert values["MINE"] == "kept"
    assert sorted(path.name for path in app.iterdir()) == [
        "azd.env",
        settings_file.FILE,
    ]


def test_it_says_what_it_changed_and_shows_no_secret(
    app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Whoever reads the terminal, or a pipeline's log, sees names and addresses only.
    """
    key = settings_file.read(app / settings_file.FILE)["EVENTGRID_KEY"]
    from_azd(app)
    run(app, "--local")

    shown = capsys.readouterr().out
    assert f"EVENTGRID_ENDPOINT: http://127.0.0.1:6500 -> {ENDPOINT}" in shown
    assert "EVENTGRID_KEY: removed; a key would be used instead" in shown
    assert "az functionapp stop --name func-moderation-dev" in shown
    assert key not in shown


def test_no_secret_is_written(app: Path) -> None:
    """
    Only addresses and names are taken from a deployment, whatever else it gives out.
    """
    secrets = (
        'EVENTGRID_KEY="c2VjcmV0"\nAUDIT_STORAGE_CONNECTION_STRING="AccountKey=1"\n'
    )
    (app / "azd.env").write_text(AZD + secrets, "utf-8")

    from_azd(app)

    written = (app / settings_file.FILE).read_text("utf-8")
    assert "c2VjcmV0" not in written
    assert "AccountKey" not in written
    assert "InstrumentationKey" not in written


def test_a_second_time_nothing_changes(
    app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hook that runs at every provisioning leaves no trace."""
    from_azd(app)
    before = (app / settings_file.FILE).read_bytes()
    capsys.readouterr()

    assert from_azd(app) == 0

    assert "nothing changed" in capsys.readouterr().out
    assert (app / settings_file.FILE).read_bytes() == before


def test_there_and_back_again(app: Path) -> None:
    """The local stack works again after a visit to Azure."""
    before = settings_file.read(app / settings_file.FILE)
    from_azd(app)

    assert run(app, "--local") == 0

    assert settings_file.read(app / settings_file.FILE) == before


def test_a_dry_run_writes_nothing(
    app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Looking first is possible."""
    before = (app / settings_file.FILE).read_bytes()

    assert from_azd(app, "--dry-run") == 0

    assert (app / settings_file.FILE).read_bytes() == before
    assert "Would change" in capsys.readouterr().out


def test_a_missing_file_is_made_from_the_example(tmp_path: Path) -> None:
    """Deploying can be the first thing that somebody does."""
    (tmp_path / "azd.env").write_text(AZD, "utf-8")

    assert from_azd(tmp_path) == 0

    values = settings_file.read(tmp_path / settings_file.FILE)
    assert values["EVENTGRID_ENDPOINT"] == ENDPOINT
    assert values["FUNCTIONS_WORKER_RUNTIME"] == "python"


def test_outputs_of_az_are_understood(app: Path) -> None:
    """Azure changes the case of the names of outputs; the settings keep theirs."""
    (app / "az.json").write_text(json.dumps(AZ), "utf-8")

    assert run(app, "--from-azure", "--outputs", str(app / "az.json")) == 0

    values = settings_file.read(app / settings_file.FILE)
    assert values["EVENTGRID_ENDPOINT"] == ENDPOINT
    assert values["AUDIT_CONTAINER"] == "audit-log"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no output EVENTGRID_ENDPOINT and no AUDIT_STORAGE_ACCOUNT_URL"),
        ('EVENTGRID_ENDPOINT="http://x"', "no output AUDIT_STORAGE_ACCOUNT_URL"),
        (
            AZD.replace(ENDPOINT, "http://x"),
            "EVENTGRID_ENDPOINT is not an https:// address",
        ),
        ("ERROR: no environment", 'not NAME="value"'),
        ('EVENTGRID_ENDPOINT="https://cut', "cut off"),
        ("{", "no JSON"),
        ('{"properties": {"outputs": null}}', "no output"),
    ],
)
def test_outputs_that_are_no_help_change_nothing(
    app: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    """A failed deployment does not leave half of its addresses in the file."""
    before = (app / settings_file.FILE).read_bytes()
    (app / "azd.env").write_text(text, "utf-8")

    assert from_azd(app) == 1

    assert said in capsys.readouterr().out
    assert (app / settings_file.FILE).read_bytes() == before


def test_without_azd_it_says_so(
    app: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who deployed with az alone learns what to give."""
    monkeypatch.setenv("PATH", "")

    assert run(app, "--from-azure") == 1

    assert "azd is not on PATH" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")
def test_azd_and_az_are_asked_themselves(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a file, azd's environment is read, or the deployment that is named."""
    (app / "az.json").write_text(json.dumps(AZ), "utf-8")
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, file in (("azd", "azd.env"), ("az", "az.json")):
        program = folder / name
        show = f"print(open({str(app / file)!r}).read())"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{show}"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))

    asked = outputs.of_azd(), outputs.of_az("main", None), outputs.of_az("main", "rg")

    assert {values["EVENTGRID_ENDPOINT"] for values in asked} == {ENDPOINT}
    assert asked[0]["EVENTGRID_SUBSCRIPTIONS"] == '["sub-flagged","sub-approved"]'


def test_values_of_azd_are_unescaped() -> None:
    """azd escapes what a shell would take for its own."""
    lines = [r'A="a\"b\\c\$d\!e\nf"', "B=plain", "# comment", ""]

    assert outputs.of_lines(lines, "azd") == {"A": 'a"b\\c$d!e\nf', "B": "plain"}


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    """The error says which file was meant."""
    with pytest.raises(CannotGoOn, match=r"nothing\.json"):
        outputs.of_file(tmp_path / "nothing.json")


def test_only_settings_of_the_app_are_taken() -> None:
    """A name that the app does not read would only mislead."""
    source = (ROOT / "moderation" / "settings.py").read_text(encoding="utf-8")

    assert all(f'"{name}"' in source for name in local_settings.TAKEN)
