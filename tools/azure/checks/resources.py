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


def check_presence(actual: Deployment) -> Iterator[Finding]:
    """Yield what the resource group lacks, and what Azure did not answer about."""
    kinds = {resource["type"].lower() for resource in actual.resources}
    for kind, name in WANTED:
        if kind.lower() not in kinds:
            yield Finding(
                actual.group,
                f"has no {name.partition(' ')[2]}",
                f"look whether this is the group that was deployed to, then {DEPLOY}",
            )
    for part, reason in actual.unanswered.items():
        yield Finding(
            PARTS.get(part, part),
            f"could not be looked at: {reason}",
            "ask for the role Reader on the resource group; settings need Website "
            "Contributor, drains Log Analytics Reader",
            Level.UNKNOWN,
        )


def check_provisioning(actual: Deployment) -> Iterator[Finding]:
    """Yield resources that are not as their last deployment wanted them."""
    listed = {resource["id"].lower(): resource for resource in actual.resources}
    inner = [*actual.topics, *actual.event_subscriptions, *actual.storage_accounts]
    listed |= {resource["id"].lower(): resource for resource in inner}
    if actual.namespace:
        listed[actual.namespace["id"].lower()] = actual.namespace
    for resource in listed.values():
        if state(resource) != "Succeeded":
            yield _not_provisioned(resource, actual.group)


def _not_provisioned(resource: Json, group: str) -> Finding:
    kind = resource["type"].partition("/")[2]
    problem = f"its provisioning state is {state(resource)}"
    if state(resource).endswith("ing"):
        return Finding(
            f"{kind} {resource['name']}", problem, "wait and ask again", Level.LOOK
        )
    return Finding(
        f"{kind} {resource['name']}",
        problem,
        f"see why with `az deployment operation group list --resource-group {group} "
        f"--name <deployment>` or the group's activity log, then {DEPLOY}",
    )


def is_running(actual: Deployment) -> bool:
    """Return whether the app was started, as far as Azure says."""
    return dig(actual.site, "properties", "state") in (None, "Running")


def check_app(actual: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with the app's state, and with the functions that drain."""
    if actual.site is None:
        return
    where = f"app {actual.app}"
    named = f"--name {actual.app} --resource-group {actual.group}"
    if not is_running(actual):
        problem = f"is {dig(actual.site, 'properties', 'state')}: nothing is drained"
        yield Finding(where, problem, f"`az functionapp start {named}`")
    yield from _python(actual, where)
    if not actual.was_answered("functions"):
        return
    indexed = {
        function["name"].rpartition("/")[2]: function for function in actual.functions
    }
    if not indexed:
        yield _no_function(actual, where)
        return
    yield from _functions(actual, indexed)


def _python(actual: Deployment, where: str) -> Iterator[Finding]:
    runtime = dig(actual.site, "properties", "functionAppConfig", "runtime") or {}
    version = f"{runtime.get('name')} {runtime.get('version')}"
    if runtime and version != f"python {PYTHON}":
        yield Finding(
            where,
            f"runs on {version}, and is packed for Python {PYTHON}: it refuses to start",
            f"{DEPLOY}, then `azd deploy`: the template sets the version",
        )


def _no_function(actual: Deployment, where: str) -> Finding:
    if not actual.failure:
        return Finding(
            where,
            "shows no function: no code is deployed, or it failed to start",
            "`azd deploy`; then look at the exceptions in Application Insights",
        )
    return Finding(
        where,
        f"shows no function; its log says: {actual.failure}",
        "fix that, then `azd deploy` again (docs/operations.md, Deploy code)",
    )


def _functions(actual: Deployment, indexed: dict[str, Json]) -> Iterator[Finding]:
    for timer in actual.timers():
        for name in timer.functions:
            yield from _function(name, timer.subscription, actual, indexed)
    http = [*(route.function for route in ROUTES), "web"]
    if missing := [name for name in http if name not in indexed]:
        yield Finding(
            f"app {actual.app}",
            f"lacks functions of this version: {', '.join(missing)}",
            "`azd deploy`: the deployed code is another version's",
        )


def _function(
    name: str, subscription: str, actual: Deployment, indexed: dict[str, Json]
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
            f"{actual.app} --resource-group {actual.group} --setting-names {setting}`",
        )
