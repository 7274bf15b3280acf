"""The app's settings against what the code reads and what Flex Consumption takes."""

from collections.abc import Iterator

from moderation import settings, timers, topology
from moderation.runtime import handled
from moderation.settings import Settings, SettingsInvalid
from tools.azure.checks.roles import account_of
from tools.azure.deployment import HIDDEN, Deployment, declared, dig
from tools.azure.finding import Finding, Level

FORBIDDEN = {
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION",
    "FUNCTIONS_EXTENSION_VERSION",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_CONTENTOVERVNET",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD",
    "WEBSITE_TIME_ZONE",
    "TZ",
}
HOST = "AzureWebJobsStorage"
HOST_IDENTITY = (f"{HOST}__accountName", f"{HOST}__credential", f"{HOST}__clientId")
URL = "AUDIT_STORAGE_ACCOUNT_URL"
EASY_AUTH = "WEBSITE_AUTH_ENABLED"
SECRETS = (
    *("EVENTGRID_KEY", settings.OTHERWISE["EVENTGRID_KEY"]),
    *("AUDIT_STORAGE_CONNECTION_STRING", HOST),
)


def check(actual: Deployment) -> Iterator[Finding]:
    """Yield settings that are missing, wrong, forbidden, secret or point elsewhere."""
    if actual.site is None or not actual.was_answered("settings"):
        return
    yield from _refused(actual)
    yield from _timers(actual)
    yield from _forbidden(actual)
    yield from _wrong_targets(actual)
    yield from _identity(actual)


def _set(actual: Deployment, pair: str) -> str:
    return (
        f"`az functionapp config appsettings set --name {actual.app} --resource-group "
        f"{actual.group} --settings {pair}`, or deploy again"
    )


def _refused(actual: Deployment) -> Iterator[Finding]:
    """Yield what the app itself says of its settings, secrets apart, and the host's."""
    try:
        Settings.from_environ(actual.settings, topic=declared()["topic"])
    except SettingsInvalid as error:
        for wrong in error.problems:
            if actual.settings.get(wrong.path) != HIDDEN:
                problem = f"{wrong.problem}: every call answers 503"
                do = _set(actual, f"{wrong.path}=<value>") + ": docs/settings.md"
                yield Finding(f"setting {wrong.path}", problem, do)
    for name in HOST_IDENTITY:
        if not actual.settings.get(name):
            yield Finding(
                f"setting {name}",
                "is not set: the host cannot reach its storage, so no timer fires",
                _set(actual, f"{name}=<value>"),
            )


def _timers(actual: Deployment) -> Iterator[Finding]:
    for timer in actual.timers():
        for wrong in timer.problems:
            problem = f"{wrong.problem}: no timer drains {timer.subscription}"
            if wrong.path == timer.subscription:
                where, do = f"event subscription {wrong.path}", "then `azd deploy`"
            else:
                where = f"setting {wrong.path}"
                do = _set(actual, f"{wrong.path}=<value>")
            yield Finding(where, problem, do)
    for stray in timers.strays(topology.load().names, actual.settings, handled()):
        if stray.path in actual.settings:
            yield Finding(
                f"setting {stray.path}",
                stray.problem,
                "delete it, or correct its name: docs/settings.md",
                Level.LOOK,
            )


def _forbidden(actual: Deployment) -> Iterator[Finding]:
    delete = (
        f"`az functionapp config appsettings delete --name {actual.app} "
        f"--resource-group {actual.group} --setting-names "
    )
    for name in sorted(FORBIDDEN & actual.settings.keys()):
        problem = "does not belong on Flex Consumption: deployments fail or ignore it"
        yield Finding(f"setting {name}", problem, f"{delete}{name}`")
    for name in (name for name in SECRETS if name in actual.settings):
        yield Finding(
            f"setting {name}",
            "is a secret, and is used instead of the app's identity",
            f"{delete}{name}`",
            Level.LOOK,
        )
    if EASY_AUTH in actual.settings:
        yield Finding(
            f"setting {EASY_AUTH}",
            "is the platform's own, set by hand: without Easy Auth, anyone who sends a header "
            "about a user is that user, and no key is asked for",
            f"{delete}{EASY_AUTH}`; switch Easy Auth itself on: docs/operations.md",
        )


def _wrong_targets(actual: Deployment) -> Iterator[Finding]:
    host = dig(actual.namespace, "properties", "topicsConfiguration", "hostname")
    name = settings.spelled("EVENTGRID_ENDPOINT", actual.settings)
    endpoint = actual.settings.get(name, "")
    if host and endpoint and endpoint.rstrip("/").lower() != f"https://{host}".lower():
        yield Finding(
            f"setting {name}",
            f"is {endpoint}, and the namespace answers at https://{host}",
            _set(actual, f"{name}=https://{host}"),
        )
    topic, wanted = actual.settings.get("EVENTGRID_TOPIC_NAME"), declared()["topic"]
    if topic and topic != wanted:
        yield Finding(
            "setting EVENTGRID_TOPIC_NAME",
            f"is {topic}, topology.json says {wanted}",
            _set(actual, f"EVENTGRID_TOPIC_NAME={wanted}"),
        )
    for name in (URL, f"{HOST}__accountName"):
        value = actual.settings.get(name, "")
        known = actual.storage_accounts and actual.was_answered("storage_accounts")
        if value and known and not account_of(actual, value):
            problem = f"is {value}, which is no storage account of {actual.group}"
            do = _set(actual, f"{name}=<value>")
            yield Finding(f"setting {name}", problem, do, Level.LOOK)


def _identity(actual: Deployment) -> Iterator[Finding]:
    users = dig(actual.site, "identity", "userAssignedIdentities") or {}
    clients = {user.get("clientId") for user in users.values()}
    for name in ("AZURE_CLIENT_ID", f"{HOST}__clientId"):
        value = actual.settings.get(name)
        if users and value not in clients and (value or name == "AZURE_CLIENT_ID"):
            yield Finding(
                f"setting {name}",
                f"is {value or 'not set'}, and is no identity of the app: it cannot sign in",
                _set(actual, f"{name}={next(iter(clients))}"),
            )
