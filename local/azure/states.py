"""Whether everything is there, provisioned and running."""

from collections.abc import Iterator

from local.azure.deployment import Deployment, Json, dig, state
from local.azure.findings import Finding, Level

DEPLOY = "run `azd provision` (or the `az deployment` command of infra/README.md) again"
WANTED = (
    ("Microsoft.EventGrid/namespaces", "an Event Grid namespace"),
    ("Microsoft.Web/sites", "a function app"),
    ("Microsoft.Storage/storageAccounts", "a storage account"),
)
PYTHONS = ("3.12", "3.13")
PARTS = {
    "namespace": "the namespace",
    "topics": "its topics",
    "event_subscriptions": "its event subscriptions",
    "site": "the function app",
    "settings": "its settings",
    "functions": "its functions",
    "role_assignments": "the role assignments",
    "storage_accounts": "the storage accounts",
    "containers": "their containers",
    "drains": "what Application Insights heard of drains",
}


def there(found: Deployment) -> Iterator[Finding]:
    """What the resource group lacks, and what Azure did not answer about."""
    kinds = {one["type"].lower() for one in found.resources}
    for kind, name in WANTED:
        if kind.lower() not in kinds:
            yield Finding(
                found.group,
                f"has no {name.partition(' ')[2]}",
                f"look whether this is the group that was deployed to, then {DEPLOY}",
            )
    for part, reason in found.unanswered.items():
        yield Finding(
            PARTS.get(part, part),
            f"could not be looked at: {reason}",
            "ask for the role Reader on the resource group; settings need Website "
            "Contributor, drains Log Analytics Reader",
            Level.UNKNOWN,
        )


def provisioned(found: Deployment) -> Iterator[Finding]:
    """Resources that are not as their last deployment wanted them."""
    listed = {one["id"].lower(): one for one in found.resources}
    inner = [*found.topics, *found.event_subscriptions, *found.storage_accounts]
    listed |= {one["id"].lower(): one for one in inner}
    if found.namespace:
        listed[found.namespace["id"].lower()] = found.namespace
    for one in listed.values():
        if state(one) != "Succeeded":
            yield _not_provisioned(one, found.group)


def _not_provisioned(one: Json, group: str) -> Finding:
    kind = one["type"].partition("/")[2]
    problem = f"its provisioning state is {state(one)}"
    if "ing" in state(one)[-3:]:
        return Finding(
            f"{kind} {one['name']}", problem, "wait and ask again", Level.LOOK
        )
    return Finding(
        f"{kind} {one['name']}",
        problem,
        f"see why with `az deployment operation group list --resource-group {group} "
        f"--name <deployment>` or the group's activity log, then {DEPLOY}",
    )


def is_running(found: Deployment) -> bool:
    """Whether the app was started, as far as Azure says."""
    return dig(found.site, "properties", "state") in (None, "Running")


def running(found: Deployment) -> Iterator[Finding]:
    """Whether the app runs, and has and uses the functions that drain."""
    if found.site is None:
        return
    where = f"app {found.app}"
    named = f"--name {found.app} --resource-group {found.group}"
    if not is_running(found):
        problem = f"is {dig(found.site, 'properties', 'state')}: nothing is drained"
        yield Finding(where, problem, f"`az functionapp start {named}`")
    python = dig(found.site, "properties", "functionAppConfig", "runtime", "version")
    if python and python not in PYTHONS:
        yield Finding(
            where,
            f"runs Python {python}: what requirements.txt pins needs {PYTHONS[0]} or newer",
            f"set pythonVersion to {PYTHONS[-1]} and {DEPLOY}",
        )
    if not found.was_answered("functions"):
        return
    indexed = {one["name"].rpartition("/")[2]: one for one in found.functions}
    if not indexed:
        yield Finding(
            where,
            "shows no function: no code is deployed, or it failed to start",
            "`azd deploy`; then look at the exceptions in Application Insights",
        )
        return
    yield from _functions(found, indexed)


def _functions(found: Deployment, indexed: dict[str, Json]) -> Iterator[Finding]:
    for timer in found.timers():
        for name in timer.functions:
            yield from _function(name, timer.subscription, found, indexed)


def _function(
    name: str, subscription: str, found: Deployment, indexed: dict[str, Json]
) -> Iterator[Finding]:
    if name not in indexed:
        yield Finding(
            f"function {name}",
            f"is not there: it does not drain {subscription}",
            "`azd deploy`: the deployed code is older than topology.json, or was not "
            "indexed again since a setting ended in _LANES was changed",
        )
    elif dig(indexed[name], "properties", "isDisabled"):
        setting = f"AzureWebJobs.{name}.Disabled"
        yield Finding(
            f"function {name}",
            f"is switched off: it does not drain {subscription}",
            f"delete the app setting: `az functionapp config appsettings delete --name "
            f"{found.app} --resource-group {found.group} --setting-names {setting}`",
        )
