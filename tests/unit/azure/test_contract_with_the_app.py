"""What `local.azure` assumes about the app is so: the two never import each other."""

import re

from local.azure import appsettings, documented, roles
from local.azure.deployment import declared, function_of
from local.terminal import ROOT
from moderation.settings import SCHEDULES, Settings, SettingsInvalid

GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def complaints(environ: dict[str, str]) -> set[str]:
    try:
        Settings.from_environ(environ, topic="moderation-events")
    except SettingsInvalid as error:
        return {problem.path for problem in error.problems}
    return set()


def test_what_is_documented_as_required_is_required() -> None:
    """
    A setting that status calls missing is one that the app cannot do without.
    """
    required = {one.name for one in documented.settings().values() if one.required}

    assert required | {appsettings.URL} == complaints({})


def test_documented_numbers_are_those_that_the_app_takes() -> None:
    """
    The ranges of docs/settings.md hold at both of their ends.
    """
    ranged = {n: one.numbers for n, one in documented.settings().items() if one.numbers}

    for name, numbers in ranged.items():
        for allowed in (numbers[0], numbers[-1]):
            assert name not in complaints({name: str(allowed)})
        for refused in (numbers[0] - 1, numbers[-1] + 1):
            assert name in complaints({name: str(refused)})
    assert len(ranged) >= 5


def test_each_event_subscription_has_the_function_and_schedule_of_its_name() -> None:
    """
    Status finds the timer of an event subscription by its name.
    """
    source = (ROOT / "function_app.py").read_text(encoding="utf-8")
    for one in declared()["eventSubscriptions"]:
        function = function_of(one["name"])
        assert re.search(
            rf'def {function}\(.*\n.*\n *await .*tick\("{one["name"]}"\)', source
        )
        assert f"{function.upper()}_SCHEDULE" in SCHEDULES


def test_no_secret_is_among_the_compared_settings() -> None:
    """
    What --save writes can be shown to others.
    """
    compared = documented.compared()

    assert "EVENTGRID_ENDPOINT" in compared
    assert not {"EVENTGRID_KEY", "AUDIT_STORAGE_CONNECTION_STRING"} & compared


def test_role_ids_are_ids() -> None:
    """
    A mistyped id would make every deployment look broken.
    """
    assert all(re.fullmatch(GUID, one) for one in roles.IDS.values())
    assert len(set(roles.IDS.values())) == len(roles.IDS)
