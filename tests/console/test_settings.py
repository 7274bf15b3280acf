"""Settings and versions at a glance, with what is wrong, and without secrets."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import moderation
from console import dispatch
from console.endpoints.app import settings as settings_endpoint
from console.endpoints.app.settings import SettingView
from moderation import topology
from moderation.settings import SETTINGS, Settings, SettingsInvalid
from tests.calling import EXAMPLE, Api
from tests.make import declared

ROOT = Path(__file__).parents[2]


def shown(**changes: str) -> dict[str, SettingView]:
    found = settings_endpoint.describe(EXAMPLE | changes, declared())
    return {setting.name: setting for setting in found.settings}


async def settings(api: Api, patch: pytest.MonkeyPatch, **environ: str) -> Any:
    for setting in SETTINGS:
        if setting.name != topology.SETTING:
            patch.delenv(setting.name, raising=False)
    for name, value in environ.items():
        patch.setenv(name, value)
    answer = await api.call("GET", "settings")
    assert answer.status == 200, answer.body
    return answer.json()


async def test_every_setting_is_shown_with_what_it_is_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody has to open the portal to see what the app was told."""
    found = await settings(Api(monkeypatch), monkeypatch, **EXAMPLE)

    assert found["valid"] is True
    listed = {setting["name"] for setting in found["settings"]}
    assert listed == {setting.name for setting in SETTINGS} | {
        f"PULL_{name}_{what}"
        for name in ("FLAGGED", "APPROVED", "ALL_EVENTS")
        for what in ("SCHEDULE", "LANES", "MANNER", "PACE")
    }
    budget = next(
        setting
        for setting in found["settings"]
        if setting["name"] == "PULL_BUDGET_SECONDS"
    )
    assert (budget["value"], budget["default"], budget["unit"]) == (None, "900", "s")
    assert all(setting["what"] for setting in found["settings"])
    assert found["payloads"] == "on-request"
    assert {"python", "app", "azure-functions", "azure-eventgrid", "msgspec"} <= set(
        found["versions"]
    )
    assert [limit["name"] for limit in found["limits"]] == declared().names
    assert found["limits"][0]["lockSeconds"] == 60


async def test_settings_that_are_missing_are_shown_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """This is when people look: each says what is wrong with it."""
    api = Api(monkeypatch)

    def without_settings() -> None:
        raise SettingsInvalid([])

    monkeypatch.setattr(dispatch, "current", without_settings)

    found = await settings(api, monkeypatch, PULL_BUDGET_SECONDS="soon")

    assert found["valid"] is False
    wrong = {
        setting["name"]: setting["problem"]
        for setting in found["settings"]
        if setting["problem"]
    }
    assert "is not set" in wrong["EVENTGRID_ENDPOINT"]
    assert "from 10 to 1800" in wrong["PULL_BUDGET_SECONDS"]
    assert found["payloads"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVENTGRID_KEY", "hunter2hunter2"),
        ("AUDIT_STORAGE_CONNECTION_STRING", "AccountName=a;AccountKey=hunter2"),
        ("AUDIT_STORAGE_ACCOUNT_URL", "https://a.blob.core.windows.net?sig=hunter2"),
        ("AUDIT_STORAGE_ACCOUNT_URL", "AccountName=a;AccountKey=hunter2"),
        ("EVENTGRID_ENDPOINT", "https://me:hunter2@ns.example.com"),
        ("EVENTGRID_ENDPOINT", "https://me:p@hunter2@ns.example.com"),
        ("AUDIT_CONTAINER", f"hunter2{'Aa1+/' * 16}=="),
    ],
)
def test_a_secret_is_never_shown(name: str, value: str) -> None:
    """Not even one that was put into the wrong setting."""
    found = shown(**{name: value})[name]

    assert found.set is True
    assert "hunter2" not in (found.value or "")


def test_what_is_spelled_as_functions_does_is_shown_so() -> None:
    """And the key is as secret as by its other name."""
    found = shown(EVENTGRID_KEY="", EVENTGRID__endpoint="x", EVENTGRID__key="hunter2")

    assert (found["EVENTGRID__key"].set, found["EVENTGRID__key"].value) == (True, None)
    assert "scheme" in (found["EVENTGRID__endpoint"].problem or "")
    assert "EVENTGRID_ENDPOINT" not in found


def test_what_is_not_set_has_its_default() -> None:
    """The value in use is known either way."""
    found = shown(PULL_BUDGET_SECONDS="", EVENTGRID_TOPIC_NAME="")

    budget, name = found["PULL_BUDGET_SECONDS"], found["EVENTGRID_TOPIC_NAME"]
    assert (budget.set, budget.value, budget.default) == (False, None, "900")
    assert (name.set, name.default) == (False, "moderation-events")
    assert found["EVENTGRID_ENDPOINT"].default is None


def test_the_defaults_are_those_that_are_used() -> None:
    """What the view says is what the app does."""
    bare = {
        "EVENTGRID_ENDPOINT": "https://ns.example.com",
        "AUDIT_STORAGE_ACCOUNT_URL": "https://a.blob.core.windows.net",
    }
    defaults = {
        setting.name: setting.default for setting in SETTINGS if setting.default
    }

    assert Settings.from_environ(bare, topic="some-topic") == Settings.from_environ(
        bare | defaults, topic="some-topic"
    )


def test_the_version_is_that_of_the_project() -> None:
    """What an operator reads is what was released."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert moderation.__version__ == project["project"]["version"]
