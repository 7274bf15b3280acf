"""Timers follow from the topology; what is wrong with one concerns that one alone."""

from typing import Any

import msgspec
import pytest

from console.endpoints.app import settings as settings_endpoint
from moderation import pulling, timers, topology
from moderation.checks import config_check
from moderation.runtime import handled
from moderation.settings import Settings
from moderation.timers import EVERY_FIVE_MINUTES, Timer
from moderation.topology import Topology, TopologyInvalid
from tests.calling import EXAMPLE
from tests.make import declaring

NAMES = ["sub-flagged", "sub-approved", "sub-all-events"]


def of(environ: dict[str, str], *names: str) -> dict[str, Timer]:
    found = timers.of(names or NAMES, environ, handled())
    return {timer.subscription: timer for timer in found}


def test_without_settings_every_event_subscription_is_drained_every_five_minutes() -> (
    None
):
    """A declaration and a handler are all it takes."""
    assert [(t.trigger, t.functions) for t in of({}).values()] == [
        (EVERY_FIVE_MINUTES, ["pull_flagged"]),
        (EVERY_FIVE_MINUTES, ["pull_approved"]),
        (EVERY_FIVE_MINUTES, ["pull_all_events"]),
    ]


def test_a_schedule_that_is_set_is_given_to_the_host_by_its_name() -> None:
    """The portal shows where it comes from, and what is set later holds."""
    found = of({"PULL_FLAGGED_SCHEDULE": "0 * * * * *", "PULL_FLAGGED_LANES": "3"})

    assert found["sub-flagged"].trigger == "%PULL_FLAGGED_SCHEDULE%"
    assert found["sub-flagged"].schedule == "0 * * * * *"
    assert found["sub-flagged"].functions == [
        "pull_flagged",
        "pull_flagged_2",
        "pull_flagged_3",
    ]


@pytest.mark.parametrize("value", ["", " ", "\t"])
def test_a_setting_that_is_empty_is_not_set(value: str) -> None:
    """The host would take an empty schedule for a missing one, and fail."""
    names = ("SCHEDULE", "LANES", "MANNER", "PACE")
    timer = of({f"PULL_FLAGGED_{name}": value for name in names})["sub-flagged"]

    assert (timer.trigger, timer.lanes) == (EVERY_FIVE_MINUTES, 1)
    assert (timer.manner, timer.pace, timer.problems) == ("visit", 0.8, [])


def test_manner_and_pace_are_those_that_are_set() -> None:
    """Of that event subscription alone."""
    found = of({"PULL_FLAGGED_MANNER": "stay", "PULL_FLAGGED_PACE": "0"})

    assert (found["sub-flagged"].manner, found["sub-flagged"].pace) == ("stay", 0.0)
    assert found["sub-approved"].manner == "visit"


@pytest.mark.parametrize(
    ("environ", "path", "said"),
    [
        ({"PULL_FLAGGED_SCHEDULE": "* * x"}, "PULL_FLAGGED_SCHEDULE", "six fields"),
        ({"PULL_FLAGGED_MANNER": "Stay"}, "PULL_FLAGGED_MANNER", "visit, stay"),
        ({"PULL_FLAGGED_PACE": "fast"}, "PULL_FLAGGED_PACE", "seconds from 0 to 60"),
        ({"PULL_FLAGGED_PACE": "-1"}, "PULL_FLAGGED_PACE", "seconds from 0 to 60"),
        ({"PULL_FLAGGED_LANES": "0"}, "PULL_FLAGGED_LANES", "1 to 16"),
        ({"PULL_FLAGGED_LANES": "17"}, "PULL_FLAGGED_LANES", "1 to 16"),
        ({"PULL_FLAGGED_LANES": "²"}, "PULL_FLAGGED_LANES", "1 to 16"),
    ],
)
def test_a_malformed_setting_stops_its_own_timer_and_no_other(
    environ: dict[str, str], path: str, said: str
) -> None:
    """Everything names it, with what is allowed; the app and the others work."""
    found = of(environ)
    [problem] = found["sub-flagged"].problems

    assert (problem.path, said in problem.problem) == (path, True), problem
    assert found["sub-flagged"].functions == []
    assert all(found[name].functions for name in NAMES[1:])
    assert_named(environ, declaring(*NAMES), path)


def test_a_handler_gets_no_longer_than_its_lock_can_be_renewed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The library would refuse more; health says which number to change."""
    monkeypatch.setenv("HANDLER_TIMEOUT_SECONDS", "3600")

    assert pulling.declared("sub-flagged")["timeout"] == 3540


def test_a_declaration_without_a_handler_is_named() -> None:
    """Its events wait, and nobody has to wonder why."""
    found = of({}, "sub-flagged", "sub-new")

    assert found["sub-new"].functions == []
    assert '@pull.subscription("sub-new"' in found["sub-new"].problems[0].problem
    assert found["sub-flagged"].functions
    assert "sub-new" in [
        finding.where for finding in findings({}, declaring("sub-new"))
    ]


@pytest.mark.parametrize(
    "name", ["PULL_FLAGED_SCHEDULE", "PULL_FLAGED_LANES", "PULL_SCHEDULE"]
)
def test_a_stray_setting_is_reported_and_stops_nobody(name: str) -> None:
    """A mistyped name would otherwise have no effect, silently."""
    environ = {name: "0 * * * * *"}

    assert all(timer.functions for timer in of(environ).values())
    assert_named(environ, declaring(*NAMES), name)


def test_a_stray_handler_is_reported_and_stops_nobody() -> None:
    """It may have been written before its declaration, or outlived it."""
    alone = declaring("sub-flagged")

    told = {finding.where: finding.problem for finding in findings({}, alone)}

    assert "not declared" in told["sub-approved"]
    assert of({}, "sub-flagged")["sub-flagged"].functions


def test_names_that_clash_are_refused_by_name(tmp_path: Any) -> None:
    """Two functions of one name would leave the app without any."""
    file = tmp_path / "topology.json"
    file.write_bytes(msgspec.json.encode(declaring("sub-a-b", "a-b")))

    with pytest.raises(TopologyInvalid, match=r"sub-a-b and a-b .*pull_a_b"):
        topology.read(file)


def findings(environ: dict[str, str], declared: Topology) -> list[config_check.Finding]:
    settings = Settings.from_environ(EXAMPLE | environ, topic="topic")
    return config_check.examine(settings, environ, declared, handled())


def assert_named(environ: dict[str, str], declared: Topology, name: str) -> None:
    """The doctor (and so health) and the settings' view name it."""
    assert name in [finding.where for finding in findings(environ, declared)]
    shown = settings_endpoint.describe(EXAMPLE | environ, declared)
    assert [setting.name for setting in shown.settings if setting.problem] == [name]


@pytest.mark.parametrize(
    ("name", "value", "is_off"),
    [
        ("AzureWebJobs.pull_flagged.Disabled", "true", True),
        ("AzureWebJobs.pull_flagged.Disabled", "1", True),
        ("AzureWebJobs_pull_flagged_Disabled", "True", True),
        ("AZUREWEBJOBS.PULL_FLAGGED.DISABLED", "TRUE", True),
        ("AzureWebJobs.pull_flagged.Disabled", "false", False),
        ("AzureWebJobs.pull_flagged.Disabled", "0", False),
        ("AzureWebJobs.pull_flagged.Disabled", "yes", False),
        ("AzureWebJobs.pull_flagged.Disabled", "", False),
        ("AzureWebJobs.pull_flagge.Disabled", "true", False),
        ("AzureWebJobs.pull_flagged_Disabled", "true", False),
        ("AzureWebJobs__pull_flagged__Disabled", "true", False),
        ("AzureWebJobs.pull_flagged_2.Disabled", "true", False),
    ],
)
def test_a_function_is_off_when_the_host_takes_it_so(
    name: str, value: str, is_off: bool
) -> None:
    """Its queue fills while everything else looks well."""
    found = of({name: value})["sub-flagged"]

    assert found.functions == ["pull_flagged"]
    assert [switch.path for switch in found.off] == ([name] if is_off else [])
    assert found.running == (0 if is_off else 1)


def test_each_lane_that_is_switched_off_is_reported() -> None:
    """Two of three go on; who looks for the third finds why."""
    environ = {"PULL_FLAGGED_LANES": "3", "AzureWebJobs.pull_flagged_2.Disabled": "1"}

    [said] = config_check._switched_off(timers.of(NAMES, environ, handled()))

    assert said.where == "AzureWebJobs.pull_flagged_2.Disabled"
    assert "pull_flagged_2 off: 2 of 3" in said.problem
