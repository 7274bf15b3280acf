"""Names of functions and settings follow from an event subscription's name."""

import json
from pathlib import Path
from typing import Any

import pytest

from console.routes import ROUTES
from moderation import function_names

CASES: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "name-cases.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES["names"], ids=lambda case: case["subscription"])
def test_names_follow_from_the_declaration(case: dict[str, str]) -> None:
    """Whoever declares an event subscription can tell what its settings are called."""
    name = case["subscription"]

    assert function_names.function(name) == case["function"]
    assert function_names.function(name, 2) == case["second"]
    assert function_names.setting(name, "SCHEDULE") == case["schedule"]
    assert function_names.setting(name, "LANES") == case["lanes"]
    assert function_names.is_timer_setting(case["schedule"])
    assert function_names.is_timer_setting(case["lanes"])


@pytest.mark.parametrize("case", CASES["clashes"], ids=str)
def test_names_of_one_function_are_refused(case: dict[str, Any]) -> None:
    """Two functions of one name would leave the app without any."""
    [clash] = function_names.clashes(case["subscriptions"])

    assert all(f"{name} " in clash for name in case["subscriptions"])
    assert f"function name {case['function']}" in clash.replace("name, ", "name ")


@pytest.mark.parametrize("together", CASES["apart"], ids=str)
def test_names_that_only_look_alike_do_not_clash(together: list[str]) -> None:
    """Nobody has to avoid a name for nothing."""
    assert list(function_names.clashes(together)) == []


def test_no_other_function_of_the_app_has_a_timers_name() -> None:
    """A new HTTP function must not take the name of somebody's event subscription."""
    functions = {route.function for route in ROUTES}

    assert {function for function in functions if function.startswith("pull_")} == {
        function_names.TAKEN
    }


@pytest.mark.parametrize(
    "name",
    ["PULL_BUDGET_SECONDS", "PULL_X_SCHEDULES", "XPULL_X_LANES", "PULLED_LANES"],
)
def test_other_settings_are_not_about_an_event_subscription(name: str) -> None:
    """What somebody else has in the environment is not found fault with."""
    assert not function_names.is_timer_setting(name)
