"""Everything that is examined of a deployment, in the order in which it is mended."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tools.azure import (
    check_app_settings,
    check_drains,
    check_resources,
    check_roles,
    check_sign_in,
    check_storage,
    check_subscriptions,
)
from tools.azure.deployment import Deployment
from tools.azure.finding import Finding

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
    Group(
        "Resources",
        (check_resources.there, check_resources.provisioned),
        ("namespace", "site"),
    ),
    Group(
        "Event subscriptions",
        (check_subscriptions.against_the_topology,),
        ("namespace", "topics", "event_subscriptions"),
    ),
    Group(
        "Storage",
        (check_storage.reachable, check_storage.proven),
        ("storage_accounts", "containers", "settings"),
    ),
    Group("Roles", (check_roles.assigned,), ("role_assignments", "settings")),
    Group("Settings", (check_app_settings.examined,), ("site", "settings")),
    Group("Sign-in", (check_sign_in.examined,), ("site", "auth", "settings")),
    Group(
        "App",
        (check_resources.running, check_drains.on_time),
        ("site", "functions", "drains", "settings", "failure"),
    ),
)
ARRIVED = Group(
    "App", (check_resources.there, check_resources.running), ("site", "functions")
)


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
