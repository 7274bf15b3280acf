"""Everything that is examined of a deployment, in the order in which it is mended."""

from local.azure import appsettings, drains, roles, states, storage, subscriptions
from local.azure.deployment import Deployment
from local.azure.findings import Finding

CHECKS = {
    "Resources": (states.there, states.provisioned),
    "Event subscriptions": (subscriptions.against_the_topology,),
    "Storage": (storage.reachable,),
    "Roles": (roles.assigned,),
    "Settings": (appsettings.examined,),
    "App": (states.running, drains.on_time),
}


def examine(found: Deployment) -> dict[str, list[Finding]]:
    """What each group of checks found; empty lists where all is well."""
    return {
        title: [finding for check in checks for finding in check(found)]
        for title, checks in CHECKS.items()
    }
