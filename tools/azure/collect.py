"""Asks `az` about everything that a deployment is made of."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from moderation import function_names
from moderation.settings import OTHERWISE, SETTINGS
from tools.azure import az, outputs, queries
from tools.azure.az import Refused
from tools.azure.checks.sign_in import SECRETLESS
from tools.azure.deployment import HIDDEN, Deployment, Json, declared
from tools.terminal import CannotGoOn

EVENT_GRID = "2025-02-15"
WEB = "2025-03-01"
STORAGE = "2025-08-01"
AUTHORIZATION = "2022-04-01"
RESOURCES = "2021-04-01"
WORKSPACES = "2025-07-01"
NAMESPACE = "Microsoft.EventGrid/namespaces"
SITE = "Microsoft.Web/sites"
ACCOUNT = "Microsoft.Storage/storageAccounts"
WORKSPACE = "Microsoft.OperationalInsights/workspaces"
ROLES = "providers/Microsoft.Authorization/roleAssignments"
# Settings whose values are compared with something, besides those of the timers.
COMPARED = {setting.name for setting in SETTINGS if not setting.secret} | {
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "AZURE_CLIENT_ID",
    OTHERWISE["EVENTGRID_ENDPOINT"],
    SECRETLESS,
}


def collect(
    group: str | None, app: str | None, now: datetime, *, only_code: bool = False
) -> Deployment:
    """Return the deployment in a resource group, or in the one that azd made.

    With `only_code` that is the app with settings and functions, which takes seconds.
    Raises CannotAsk without az or sign-in, CannotGoOn when no group is known.
    """
    account = az.answer(["az", "account", "show"])
    group = group or outputs.azd_value("AZURE_RESOURCE_GROUP")
    if not group:
        raise CannotGoOn(
            "no resource group is known: give --resource-group, or run this where "
            "`azd env get-values` has AZURE_RESOURCE_GROUP."
        )
    collector = _Collector(account, group)
    found = collector.code(app, now)
    return found if only_code else collector.everything(found)


class _Collector:
    """Asks part by part, and remembers which parts got no answer."""

    def __init__(self, account: Json, group: str) -> None:
        self._account = account
        self._group = group
        self._path = f"/subscriptions/{account['id']}/resourceGroups/{group}"
        self._unanswered: dict[str, str] = {}

    def code(self, app: str | None, now: datetime) -> Deployment:
        """Ask for the app alone."""
        path = f"{self._path}/resources"
        resources = az.values(path, RESOURCES, expand="provisioningState")
        site = self._first("site", _sites(resources, app), WEB)
        settings, functions = self._app(site)
        return Deployment(
            asked_at=now.isoformat(),
            account=self._account,
            group=self._group,
            resources=resources,
            site=site,
            settings=settings,
            functions=functions,
            failure="" if functions else self._failure(resources, site),
            unanswered=self._unanswered,
        )

    def everything(self, found: Deployment) -> Deployment:
        """Ask for all else that is examined."""
        resources, site = found.resources, found.site
        namespace = self._first("namespace", _ids(resources, NAMESPACE), EVENT_GRID)
        topics, subscriptions = self._event_grid(namespace)
        accounts = self._all("storage_accounts", _ids(resources, ACCOUNT), STORAGE)
        return replace(
            found,
            namespace=namespace,
            topics=topics,
            event_subscriptions=subscriptions,
            role_assignments=self._list("role_assignments", f"{self._path}/{ROLES}"),
            storage_accounts=accounts,
            containers={
                account["name"]: self._containers(account) for account in accounts
            },
            drains=self._logged("drains", queries.DRAINS, resources, site),
            auth=self._auth(site),
        )

    def _event_grid(self, namespace: Json | None) -> tuple[list[Json], list[Json]]:
        if namespace is None:
            return [], []
        topics = f"{namespace['id']}/topics"
        subscriptions = f"{topics}/{declared()['topic']}/eventSubscriptions"
        return (
            self._list("topics", topics, EVENT_GRID),
            self._list("event_subscriptions", subscriptions, EVENT_GRID),
        )

    def _app(self, site: Json | None) -> tuple[dict[str, str], list[Json]]:
        if site is None:
            return {}, []
        listed = f"{site['id']}/config/appsettings/list"
        settings = self._try("settings", lambda: az.rest(listed, WEB, method="post"))
        return (
            without_secrets((settings or {}).get("properties", {})),
            self._list("functions", f"{site['id']}/functions", WEB),
        )

    def _containers(self, account: Json) -> list[Json]:
        path = f"{account['id']}/blobServices/default/containers"
        return self._list("containers", path, STORAGE)

    def _auth(self, site: Json | None) -> Json | None:
        if site is None:
            return None
        path = f"{site['id']}/config/authsettingsV2"
        answer: Json | None = self._try("auth", lambda: az.rest(path, WEB))
        return answer

    def _failure(self, resources: list[Json], site: Json | None) -> str:
        """Return what the host logged last about an app without functions."""
        answer = self._logged("failure", queries.FAILURE, resources, site)
        return queries.sentence(answer) if answer else ""

    def _logged(
        self, part: str, query: str, resources: list[Json], site: Json | None
    ) -> Json | None:
        workspaces = _ids(resources, WORKSPACE)
        if site is None or not workspaces:
            return None
        text = query.format(app=site["name"])

        def ask() -> Any:
            workspace = az.rest(workspaces[0], WORKSPACES)
            return az.query(workspace["properties"]["customerId"], text)

        answer: Json | None = self._try(part, ask)
        return answer

    def _first(self, part: str, ids: list[str], api: str) -> Json | None:
        found = self._all(part, ids[:1], api)
        return found[0] if found else None

    def _all(self, part: str, ids: list[str], api: str) -> list[Json]:
        answers = [self._try(part, partial(az.rest, path, api)) for path in ids]
        return [answer for answer in answers if answer is not None]

    def _list(self, part: str, path: str, api: str = AUTHORIZATION) -> list[Json]:
        found: list[Json] | None = self._try(part, lambda: az.values(path, api))
        return found or []

    def _try(self, part: str, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except Refused as error:
            self._unanswered[part] = str(error)
            return None


def _ids(resources: list[Json], kind: str) -> list[str]:
    return [
        resource["id"]
        for resource in resources
        if resource["type"].lower() == kind.lower()
    ]


def _sites(resources: list[Json], app: str | None) -> list[str]:
    sites = [path for path in _ids(resources, SITE) if "/slots/" not in path]
    if app is not None:
        return [
            path for path in sites if path.rpartition("/")[2].lower() == app.lower()
        ]
    if len(sites) > 1:
        names = ", ".join(path.rpartition("/")[2] for path in sites)
        raise CannotGoOn(f"the group has several apps ({names}): give one with --app.")
    return sites


def without_secrets(settings: dict[str, str]) -> dict[str, str]:
    """Return the settings, hiding the values of those that are not compared."""
    return {
        name: value
        if name in COMPARED or function_names.is_timer_setting(name)
        else HIDDEN
        for name, value in settings.items()
    }
