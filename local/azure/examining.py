"""Everything that is examined of a deployment, in the order in which it is mended."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from local.azure import (
    appsettings,
    drains,
    roles,
    signin,
    states,
    storage,
    subscriptions,
)
from local.azure.deployment import Deployment
from local.azure.findings import Finding

Check = Callable[[Deployment], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Group:
    """Checks that belong together, and the parts of a deployment that they look at."""

    title: str
    checks: tuple[Check, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """What a group of checks found, and whether it could look at everything."""

    title: str
    findings: tuple[Finding, ...]
    complete: bool


GROUPS = (
    Group("Resources", (states.there, states.provisioned), ("namespace", "site")),
    Group(
        "Event subscriptions",
        (subscriptions.against_the_topology,),
        ("namespace", "topics", "event_subscriptions"),
    ),
    Group(
        "Storage",
        (storage.reachable, storage.proven),
        ("storage_accounts", "containers", "settings"),
    ),
    Group("Roles", (roles.assigned,), ("role_assignments", "settings")),
    Group("Settings", (appsettings.examined,), ("site", "settings")),
    Group("Sign-in", (signin.examined,), ("site", "auth", "settings")),
    Group(
        "App",
        (states.running, drains.on_time),
        ("site", "functions", "drains", "settings", "failure"),
    ),
)
ARRIVED = Group("App", (states.there, states.running), ("site", "functions"))


def examine(found: Deployment, groups: Sequence[Group] = GROUPS) -> list[Examined]:
    """What each group of checks found; no findings where all is well."""
    return [
        Examined(
            group.title,
            tuple(finding for check in group.checks for finding in check(found)),
            found.was_answered(*group.parts),
        )
        for group in groups
    ]
