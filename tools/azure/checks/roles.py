"""Which roles are missing, and which are wider than they need to be."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tools.azure.deployment import Deployment, Json, declared, dig
from tools.azure.finding import Finding, Level
from tools.terminal import ROOT

SENDER = "EventGrid Data Sender"
RECEIVER = "EventGrid Data Receiver"
CONTRIBUTOR = "Storage Blob Data Contributor"
OWNER = "Storage Blob Data Owner"
METRICS = "Monitoring Metrics Publisher"
BOTH = "EventGrid Data Contributor"
IDS: dict[str, str] = {
    **json.loads((ROOT / "infra" / "roles.json").read_text(encoding="utf-8")),
    BOTH: "1d8c3fe3-8864-474b-8749-01e3783e8157",
}
NAMES = {role: name for name, role in IDS.items()}
INCLUDED_IN = {
    SENDER: {SENDER, BOTH},
    RECEIVER: {RECEIVER, BOTH},
    CONTRIBUTOR: {CONTRIBUTOR, OWNER},
}
COMPONENT = "microsoft.insights/components"
DEAD_LETTERS = (
    *("properties", "deliveryConfiguration", "queue"),
    *("deadLetterDestinationWithResourceIdentity", "deadLetterDestination"),
    *("properties", "resourceId"),
)


@dataclass(frozen=True, slots=True)
class Need:
    """One role that one identity needs, where, and what goes wrong without it."""

    who: str
    principal: str
    role: str
    scope: str
    without: str


def check(actual: Deployment) -> Iterator[Finding]:
    """Yield roles that the app or the namespace lacks, or has too widely."""
    if not actual.was_answered("role_assignments", "site", "namespace"):
        return
    yield from _identities(actual)
    for need in needs(actual):
        if not any(_grants(assignment, need) for assignment in actual.role_assignments):
            yield _missing(need)
    yield from _too_wide(actual)


def principals(actual: Deployment) -> dict[str, str]:
    """Return principal ids and names of the app's identities, the used one first."""
    identity = dig(actual.site, "identity") or {}
    client = actual.settings.get("AZURE_CLIENT_ID")
    users = list((identity.get("userAssignedIdentities") or {}).items())
    users.sort(key=lambda user: user[1].get("clientId") != client)
    ids = {user.get("principalId"): path.rpartition("/")[2] for path, user in users}
    ids[identity.get("principalId")] = "system-assigned"
    return {principal: name for principal, name in ids.items() if principal}


def _identities(actual: Deployment) -> Iterator[Finding]:
    if actual.site and not principals(actual):
        yield Finding(
            f"app {actual.app}",
            "has no identity: Event Grid and storage refuse it",
            "assign the identity that infra/ makes: deploy again",
        )
    if actual.namespace and not dig(actual.namespace, "identity", "principalId"):
        yield Finding(
            f"namespace {actual.namespace['name']}",
            "has no system-assigned identity: dead letters are dropped",
            "switch it on, then deploy again for its role on the dead-letter container",
        )


def needs(actual: Deployment) -> Iterator[Need]:
    """Yield every role that the topology and the settings ask for."""
    shape = declared()
    for principal, name in list(principals(actual).items())[:1]:
        yield from _app_needs(actual, f"the app ({name})", principal, shape)
    principal = dig(actual.namespace, "identity", "principalId")
    account = dead_letter_account(actual)
    if principal and account:
        container = f"{account}/blobServices/default/containers/"
        yield Need(
            "the namespace",
            principal,
            CONTRIBUTOR,
            container + shape["deadLetterContainer"],
            "dead letters are dropped after two days",
        )


def _app_needs(
    actual: Deployment, who: str, principal: str, shape: Json
) -> Iterator[Need]:
    if actual.namespace:
        topic = f"{actual.namespace['id']}/topics/{shape['topic']}"
        yield Need(who, principal, SENDER, topic, "publishing answers 403")
        for subscription in shape["eventSubscriptions"]:
            scope = f"{topic}/eventSubscriptions/{subscription['name']}"
            yield Need(who, principal, RECEIVER, scope, "its drains fail with 403")
    for account, container, without in _containers(actual, shape):
        if account:
            scope = f"{account}/blobServices/default/containers/{container}"
            yield Need(who, principal, CONTRIBUTOR, scope, without)
    host = account_of(
        actual, actual.settings.get("AzureWebJobsStorage__accountName", "")
    )
    if host:
        yield Need(who, principal, OWNER, host, "timers do not fire")
    for component in actual.resources:
        if component["type"].lower() == COMPONENT:
            scope = component["id"]
            yield Need(who, principal, METRICS, scope, "its telemetry is refused")


def _containers(actual: Deployment, shape: Json) -> Iterator[tuple[str, str, str]]:
    """Yield the app's containers: account, name, what fails without the role."""
    settings = actual.settings
    url = settings.get("AUDIT_STORAGE_ACCOUNT_URL", "")
    data = account_of(actual, url)
    for name in ("AUDIT_CONTAINER", "ACTIVITY_CONTAINER"):
        container = settings.get(name) or name.partition("_")[0].lower()
        yield data, container, "no event is settled"
    letters = account_of(actual, settings.get("DEAD_LETTER_STORAGE_ACCOUNT_URL") or url)
    without = "dead letters can neither be listed nor redriven"
    yield letters, shape["deadLetterContainer"], without


def account_of(actual: Deployment, name_or_url: str) -> str:
    """Return the id of the storage account with that name or blob endpoint, or ''."""
    host = name_or_url.removeprefix("https://").partition("/")[0]
    name = host.partition(".")[0].lower()
    for account in actual.storage_accounts:
        if account["name"].lower() == name:
            return str(account["id"])
    return ""


def dead_letter_account(actual: Deployment) -> str:
    """Return the account that event subscriptions dead-letter to, or ''."""
    for subscription in actual.event_subscriptions:
        if account := dig(subscription, *DEAD_LETTERS):
            return str(account)
    return ""


def _grants(assignment: Json, need: Need) -> bool:
    properties = assignment["properties"]
    scope = properties["scope"].lower().rstrip("/")
    wanted = need.scope.lower()
    return bool(
        properties["principalId"] == need.principal
        and _role(assignment) in INCLUDED_IN.get(need.role, {need.role})
        and (wanted == scope or wanted.startswith(f"{scope}/"))
    )


def _role(assignment: Json) -> str:
    name: str = assignment["properties"]["roleDefinitionId"].rpartition("/")[2].lower()
    return NAMES.get(name, name)


def _missing(need: Need) -> Finding:
    short = need.scope.partition("/providers/")[2]
    return Finding(
        f"role {need.role}",
        f"{need.who} has it not on {short}: {need.without}",
        "deploy again with createRoleAssignments=true, or have an administrator run `az "
        f'role assignment create --role "{need.role}" --assignee-object-id '
        f"{need.principal} --assignee-principal-type ServicePrincipal --scope "
        f"{need.scope}`; it takes a few minutes to count",
    )


def _too_wide(actual: Deployment) -> Iterator[Finding]:
    ours = set(principals(actual))
    for assignment in actual.role_assignments:
        scope, principal = (
            assignment["properties"][name] for name in ("scope", "principalId")
        )
        if (
            principal in ours
            and "/providers/" not in scope
            and _role(assignment) in IDS
        ):
            yield Finding(
                f"role {_role(assignment)}",
                f"the app has it on the whole of {scope}",
                f"delete it once the narrow ones are there: `az role assignment delete "
                f"--ids {assignment['id']}`",
                Level.LOOK,
            )
