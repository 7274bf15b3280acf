"""The doctor finds numbers that do not agree, and says which one to change."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eventgrid_pull.draining.histogram import Histogram
from moderation import timers, topology
from moderation.activity.log import Summary
from moderation.checks import config_check
from moderation.runtime import handled
from moderation.settings import Settings
from moderation.timers import Timer
from moderation.topology import Topology
from tests.make import TOPOLOGY

ROOT = Path(__file__).parents[2]
EXAMPLE: dict[str, str] = json.loads(
    (ROOT / "local.settings.json.example").read_text(encoding="utf-8")
)["Values"]


def declared(**changes: Any) -> Topology:
    """A topology with changes to the topic or its first event subscription."""
    content = json.loads(TOPOLOGY.read_bytes())
    for name, value in changes.items():
        where = content if name in content else content["eventSubscriptions"][0]
        where[name] = value
    return msgspec.convert(content, Topology)


def drained() -> list[Timer]:
    return timers.of(declared().names, EXAMPLE, handled())


def found(
    environ: dict[str, str] | None = None,
    shape: Topology | None = None,
    host_json: Path = ROOT / "host.json",
) -> list[config_check.Finding]:
    environ = EXAMPLE | (environ or {})
    settings = Settings.from_environ(environ, topic="moderation-events")
    findings = config_check.examine(
        settings, environ, shape or declared(), handled(), host_json
    )
    # The app may have handlers of more event subscriptions than are spoken of here.
    return [finding for finding in findings if "is not declared" not in finding.problem]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"PULL_FLAGGED_MANNER": "stay"},
        {"PULL_FLAGGED_MANNER": "stay", "PULL_FLAGGED_SCHEDULE": "*/20 * * * * *"},
        {"PULL_BUDGET_SECONDS": "10", "PULL_FLAGGED_SCHEDULE": "0 0 3 * * *"},
    ],
)
def test_what_ships_is_well_in_either_manner(environ: dict[str, str]) -> None:
    """
    The example, the topology and host.json agree; a visit needs no budget in particular.
    """
    assert found(environ, shape=topology.read(topology.FILE)) == []


@pytest.mark.parametrize(
    ("environ", "where", "change"),
    [
        (
            {"PULL_FLAGGED_MANNER": "stay", "PULL_BUDGET_SECONDS": "300"},
            "PULL_FLAGGED_MANNER",
            "PULL_BUDGET_SECONDS to more",
        ),
        (
            {"PULL_FLAGGED_MANNER": "stay", "PULL_FLAGGED_SCHEDULE": "0 0 * * * *"},
            "PULL_FLAGGED_MANNER",
            "PULL_FLAGGED_SCHEDULE to a denser",
        ),
        ({"HANDLER_TIMEOUT_SECONDS": "890"}, "functionTimeout", "more than 1800"),
        ({"HANDLER_TIMEOUT_SECONDS": "3600"}, "HANDLER_TIMEOUT_SECONDS", "3540"),
    ],
)
def test_budgets_that_cannot_be_kept_are_found(
    environ: dict[str, str], where: str, change: str
) -> None:
    """Budget, schedule, handler time, lock and functionTimeout have to agree."""
    changes = {finding.where: finding.change for finding in found(environ)}

    assert change in changes[where]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"eventTimeToLive": "PT6H"}, "sub-flagged: maxDeliveryCount"),
        ({"name": "sub-new"}, "sub-new"),
        (
            {"filtersConfiguration": {"includedEventTypes": ["All"]}},
            "sub-flagged: filtersConfiguration",
        ),
        (
            {
                "filtersConfiguration": {
                    "filters": [{"operatorType": "IsNotNull", "key": "Subject"}]
                }
            },
            "sub-flagged: filtersConfiguration",
        ),
    ],
)
def test_a_topology_that_loses_events_is_found(
    changes: dict[str, Any], where: str
) -> None:
    """Numbers that contradict each other, and filters that match nothing."""
    [finding] = [
        finding
        for finding in found(shape=declared(**changes))
        if where in finding.where
    ]

    assert finding.problem
    assert finding.change


def test_slow_batches_are_found_by_what_was_measured() -> None:
    """Handlers that need half of the lock need a longer one."""
    slow = Summary(at="", subscription="sub-flagged", handling=Histogram(9, 90e3, 45e3))
    fast = Summary(
        at="", subscription="sub-approved", handling=Histogram(9, 90.0, 45.0)
    )

    [finding] = config_check.slow_batches([slow, fast], declared())

    assert finding.where.startswith("sub-flagged")
    assert "91" in finding.change


def test_a_host_json_that_the_host_refuses_is_found(tmp_path: Path) -> None:
    """It is named; no default is taken in its place."""
    file = tmp_path / "host.json"
    file.write_text('{"version": "2.0", "functionTimeout": "often"}', encoding="utf-8")

    [finding] = found(host_json=file)

    assert finding.where == "functionTimeout in host.json"
    assert "'often'" in finding.problem


def test_an_event_subscription_that_falls_behind_is_found() -> None:
    """Events that wait for several ticks need more lanes, not patience."""
    late, fine = waiting("sub-flagged", [1e6] * 6), waiting("sub-approved", [1e5] * 6)

    [finding] = config_check.late_events([late, fine], drained())

    assert finding.where == "sub-flagged"
    assert "behind" in finding.problem
    assert "PULL_FLAGGED_LANES" in finding.change


@pytest.mark.parametrize(
    ("waited", "claimed"),
    [
        ([100.0] * 20 + [86_000_000.0], []),
        ([100.0] * 5 + [86_000_000.0] * 4, []),
        ([86_000_000.0] * 4, []),
        ([100.0] * 5, [86_000_000.0] * 50),
        ([], [86_000_000.0] * 50),
    ],
)
def test_odd_values_and_publishers_clocks_are_no_advice(
    waited: list[float], claimed: list[float]
) -> None:
    """
    One replay of yesterday's, a few events, or a clock that is wrong say nothing of lanes.
    """
    summary = waiting("sub-flagged", waited)
    if claimed:
        summary.queue_delay.add_all(claimed)

    assert list(config_check.late_events([summary], drained())) == []


def waiting(name: str, milliseconds: list[float]) -> Summary:
    summary = Summary(at="", subscription=name)
    if milliseconds:
        summary.waited.add_all(milliseconds)
    return summary
