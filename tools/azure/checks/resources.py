"""Whether everything is there, provisioned and running."""

from collections.abc import Iterator

from console.routes import ROUTES
from tools.azure.deployment import Deployment, Json, dig, state
from tools.azure.finding import Finding, Level
from tools.find_python import WANTED as PYTHON

DEPLOY = "run `azd provision` (or the `az deployment` command of infra/README.md) again"
WANTED = (
    ("Microsoft.EventGrid/namespaces", "an Event Grid namespace"),
    ("Microsoft.Web/sites", "a function app"),
    ("Microsoft.Storage/storageAccounts", "a storage account"),
)
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
    "auth": "its sign-in",
    "failure": "why the app does not start",
}


def check_presence(found: Deployment) -> Iterator[Finding]:
    """Yield what the resource group lacks, and what Azure did not answer about."""
    kinds = {resource["type"].lower() for resource in found.resources}
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


def check_provisioning(found: Deployment) -> Iterator[Finding]:
    """Yield resources that are not as their last deployment wanted them."""
    listed = {resource["id"].lower(): resource for resource in found.resources}
    inner = [*found.topics, *found.event_subscriptions, *found.storage_accounts]
    listed |= {resource["id"].lower(): resource for resource in inner}
    if found.namespace:
        listed[found.namespace["id"].lower()] = found.namespace
    for resource in listed.values():
        if state(resource) != "Succeeded":
            yield _not_provisioned(resource, found.group)


def _not_provisioned(resource: Json, group: str) -> Finding:
    kind = resource["type"].partition("/")[2]
    problem = f"its provisioning state is {state(resource)}"
    if "ing" in state(resource)[-3:]:
        return Finding(
            f"{kind} {resource['name']}", problem, "wait and ask again", Level.LOOK
        )
    return Finding(
        f"{kind} {resource['name']}",
        problem,
        f"see why with `az deployment operation group list --resource-group {group} "
        f"--name <deployment>` or the group's activity log, then {DEPLOY}",
    )


def is_running(found: Deployment) -> bool:
    """Return whether the app was started, as far as Azure says."""
    return dig(found.site, "properties", "state") in (None, "Running")


def check_app(found: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with the app's state, and with the functions that drain."""
    if found.site is None:
        return
    where = f"app {found.app}"
    named = f"--name {found.app} --resource-group {found.group}"
    if not is_running(found):
        problem = f"is {dig(found.site, 'properties', 'state')}: nothing is drained"
        yield Finding(where, problem, f"`az functionapp start {named}`")
    yield from _python(found, where)
    if not found.was_answered("functions"):
        return
    indexed = {
        function["name"].rpartition("/")[2]: function for function in found.functions
    }
    if not indexed:
        yield _no_function(found, where)
        return
    yield from _functions(found, indexed)


def _python(found: Deployment, where: str) -> Iterator[Finding]:
    runtime = dig(found.site, "properties", "functionAppConfig", "runtime") or {}
    said = f"{runtime.get('name')} {runtime.get('version')}"
    if runtime and said != f"python {PYTHON}":
        yield Finding(
            where,
            f"runs on {said}, and is packed for Python {PYTHON}: it refuses to start",
            f"{DEPLOY}, then `azd deploy`: the template sets the version",
        )


def _no_function(found: Deployment, where: str) -> Finding:
    if not found.failure:
        return Finding(
            where,
            "shows no function: no code is deployed, or it failed to start",
            "`azd deploy`; then look at the exceptions in Application Insights",
        )
    return Finding(
        where,
        f"shows no function; its log says: {found.failure}",
        "fix that, then `azd deploy` again (docs/operations.md, Deploy code)",
    )


def _functions(found: Deployment, indexed: dict[str, Json]) -> Iterator[Finding]:
    for timer in found.timers():
        for name in timer.functions:
            yield from _function(name, timer.subscription, found, indexed)
    http = [*(route.function for route in ROUTES), "web"]
    if missing := [name for name in http if name not in indexed]:
        yield Finding(
            f"app {found.app}",
            f"lacks functions of this version: {', '.join(missing)}",
            "`azd deploy`: the deployed code is another version's",
        )


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
