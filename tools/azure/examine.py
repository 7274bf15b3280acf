"""Everything that is examined of a deployment, in the order in which it is repaired."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tools.azure.checks import (
    app_settings,
    drains,
    resources,
    roles,
    sign_in,
    storage,
    subscriptions,
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
        (resources.check_presence, resources.check_provisioning),
        ("namespace", "site"),
    ),
    Group(
        "Event subscriptions",
        (subscriptions.check,),
        ("namespace", "topics", "event_subscriptions"),
    ),
    Group(
        "Storage",
        (storage.check_access, storage.check_proof),
        ("storage_accounts", "containers", "settings"),
    ),
    Group("Roles", (roles.check,), ("role_assignments", "settings")),
    Group("Settings", (app_settings.check,), ("site", "settings")),
    Group("Sign-in", (sign_in.check,), ("site", "auth", "settings")),
    Group(
        "App",
        (resources.check_app, drains.check),
        ("site", "functions", "drains", "settings", "failure"),
    ),
)
FUNCTIONS = Group(
    "App", (resources.check_presence, resources.check_app), ("site", "functions")
)


def examine(found: Deployment, groups: Sequence[Group] = GROUPS) -> list[Examined]:
    """Return what each group of checks found; no findings where all is well."""
    return [
        Examined(
            group.title,
            tuple(finding for check in group.checks for finding in check(found)),
            found.was_answered(*group.parts),
        )
        for group in groups
    ]
