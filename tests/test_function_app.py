"""The table of contents is what the documentation says it is."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

import function_app
from console.endpoint_table import ENDPOINTS
from console.routes import ROUTES
from moderation import function_names, topology
from moderation.topology import Topology
from tests.make import declaring
from tests.own_topology import own_topology  # noqa: F401

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def triggers() -> dict[str, dict[str, Any]]:
    return {
        str(function.get_function_name()): function.get_bindings_dict()["bindings"][0]
        for function in function_app.app.get_functions()
    }


def printed(script: str, **environ: str) -> list[str]:
    """Return the words that a new process prints, which has imported nothing yet."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()


def test_the_functions_are_those_of_the_table(
    triggers: dict[str, dict[str, Any]],
) -> None:
    """Names are part of the interface: settings switch functions off by name."""
    timers = set(map(function_names.function, topology.read(topology.FILE).names))

    assert set(triggers) == timers | {route.function for route in ROUTES} | {"web"}


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("sys.version_info = (3, 12, 4, 'final', 0)", "on Python 3.12.4: in Azure set"),
        ("sys.version_info = (3, 14, 0, 'final', 0)", "on Python 3.14.0: in Azure set"),
        ("sys.modules['msgspec'] = None", "do not work on Python 3.13 of this system"),
    ],
)
def test_another_python_is_refused_in_one_sentence(before: str, said: str) -> None:
    """
    Packages of another Python are not found by this one: the app showed no function.
    """
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {before}\nimport function_app"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("moderation.interpreter.WrongPython: ")
    assert said in last
    assert "azure.functions" not in done.stderr


def test_the_garbage_collector_is_at_work_once_all_is_imported() -> None:
    """It is off only while nothing could be garbage."""
    assert gc.isenabled()


def test_every_route_has_an_endpoint() -> None:
    """A function that is registered can be answered."""
    functions = {route.function for route in ROUTES}

    assert set(ENDPOINTS) == functions


def test_the_catch_all_sorts_last(triggers: dict[str, dict[str, Any]]) -> None:
    """The host tries routes in the order of function names."""
    assert max(triggers) == "web"
    assert triggers["web"]["route"] == "{*path}"


def test_every_http_function_but_the_page_needs_a_key(
    triggers: dict[str, dict[str, Any]],
) -> None:
    """The page itself is harmless; what it calls is not."""
    levels = {
        name: trigger["authLevel"].value
        for name, trigger in triggers.items()
        if trigger["type"] == "httpTrigger"
    }

    assert {name for name, level in levels.items() if level != "function"} == {"web"}


def test_with_easy_auth_the_host_asks_for_no_key() -> None:
    """Who signed in, and with which role, is looked at by the app itself."""
    script = (
        "import function_app\n"
        "for function in function_app.app.get_functions():\n"
        "    trigger = function.get_bindings_dict()['bindings'][0]\n"
        "    if 'authLevel' in trigger: print(trigger['authLevel'].value)"
    )

    levels = printed(script, WEBSITE_AUTH_ENABLED="True")

    assert set(levels) == {"anonymous"}


def test_what_answers_and_asks_is_imported_with_the_first_request() -> None:
    """A cold start does not wait for the console, the SDKs, storage and identity."""
    late = (
        *("console.", "eventgrid_pull.blob.blob_reader", "eventgrid_pull.blob.blob"),
        *("azure.core", "azure.eventgrid", "azure.storage", "azure.identity"),
        *("aiohttp", "moderation.publish", "moderation.dead_letters"),
        "moderation.filters.r",
    )

    imported = printed("import function_app, sys; print(*sys.modules)")

    assert "moderation.runtime" in imported
    found = [name for name in imported if name.startswith(late)]
    assert found == ["console.routes"]


def test_the_page_knows_every_route(triggers: dict[str, dict[str, Any]]) -> None:
    """Otherwise a wrong method would be told that there is nothing."""
    registered = {
        (trigger["route"], trigger["methods"][0].value)
        for trigger in triggers.values()
        if trigger["type"] == "httpTrigger" and trigger["route"] != "{*path}"
    }

    assert registered == {(route.path, route.method) for route in ROUTES}


def test_every_event_subscription_has_a_timer_and_a_schedule(
    triggers: dict[str, dict[str, Any]],
) -> None:
    """A subscription without a timer would fill up."""
    timed = [
        trigger for trigger in triggers.values() if trigger["type"] == "timerTrigger"
    ]

    assert len(timed) == len(topology.read(topology.FILE).names)
    assert {timer["name"] for timer in timed} == {"timer"}


def test_timers_follow_from_the_topology_and_the_settings(tmp_path: Path) -> None:
    """
    Lanes are further functions; what is in error is left out, and nothing else with it.
    """
    named = listed(declaring("sub-flagged", "sub-approved", "sub-new"), tmp_path)

    assert [name for name in named if name.startswith("pull_")] == [
        "pull_flagged",
        "pull_flagged_2",
        "pull_flagged_3",
        "pull_now",
    ]
    assert max(named) == "web"


def test_without_a_topology_there_are_no_timers_and_the_api_says_why(
    tmp_path: Path,
) -> None:
    """An error while functions are indexed would leave the app without any."""
    named = listed(declaring("sub-flagged", "flagged"), tmp_path)

    assert {"health", "pull_now", "web"} <= set(named)
    assert "pull_flagged" not in named


def listed(declared: Topology, folder: Path) -> list[str]:
    """Return the functions of an app with that topology, three lanes, a wrong schedule."""
    file = folder / "topology.json"
    file.write_bytes(msgspec.json.encode(declared))
    return printed(
        "import function_app\n"
        "for function in function_app.app.get_functions(): print(function.get_function_name())",
        PULL_FLAGGED_LANES="3",
        PULL_APPROVED_SCHEDULE="every minute",
        EVENTGRID_TOPOLOGY_FILE=str(file),
    )


def test_there_is_no_extension_bundle() -> None:
    """With one, `func start` would download it."""
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))

    assert "extensionBundle" not in host
