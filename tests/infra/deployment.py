"""A deployment as the compiler predicts it, and as policies look at it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Json = dict[str, Any]
_FORMAT = re.compile(r"format\('[^']*'(?:, '[^']*')*\)")


@dataclass(frozen=True)
class Deployment:
    """What one file of parameters deploys."""

    name: str
    plan: Json

    @cached_property
    def resources(self) -> list[Json]:
        """Every resource, as it would be sent to Azure."""
        found: list[Json] = json.loads(
            json.dumps(self.plan["predictedResources"]), object_hook=_evaluated
        )
        return found

    def of(self, kind: str) -> list[Json]:
        """Every resource of that type."""
        return [
            resource
            for resource in self.resources
            if resource["type"].lower() == kind.lower()
        ]

    def one(self, kind: str) -> Json:
        """The resource of which there is only one."""
        found = self.of(kind)
        assert len(found) == 1, kind
        return found[0]

    @cached_property
    def app(self) -> Json:
        """What the function app is."""
        properties: Json = self.one("Microsoft.Web/sites")["properties"]
        return properties

    @cached_property
    def settings(self) -> dict[str, str]:
        """The app settings."""
        listed = self.app["siteConfig"]["appSettings"]
        assert len({setting["name"] for setting in listed}) == len(listed)
        return {setting["name"]: setting["value"] for setting in listed}

    @cached_property
    def workbook(self) -> Json:
        """What the workbook shows."""
        resource = self.one("Microsoft.Insights/workbooks")
        content: Json = json.loads(resource["properties"]["serializedData"])
        return content

    @cached_property
    def is_private(self) -> bool:
        """Whether the app is in a network, its own or somebody else's."""
        return self.app["virtualNetworkSubnetId"] is not None

    @cached_property
    def workspace(self) -> str:
        """Id of the Log Analytics workspace, which may be somebody else's."""
        component = self.one("Microsoft.Insights/components")["properties"]
        return str(component["WorkspaceResourceId"])

    def account(self, kind: str) -> Json:
        """The storage account of the `host`, of the `data`, or of the `letters`."""
        settings = self.settings
        names = {
            "host": settings["AzureWebJobsStorage__accountName"],
            "data": _account(settings["AUDIT_STORAGE_ACCOUNT_URL"]),
            "letters": _account(settings["DEAD_LETTER_STORAGE_ACCOUNT_URL"]),
        }
        accounts = self.of("Microsoft.Storage/storageAccounts")
        [found] = [account for account in accounts if account["name"] == names[kind]]
        return found

    def role_assignments(self) -> Iterator[tuple[str, str, str, Json]]:
        """Who, which role's id, the scope's id, and the resource itself."""
        for assignment in self.of("Microsoft.Authorization/roleAssignments"):
            scope = (
                assignment["id"].removeprefix("[extensionResourceId('").split("'")[0]
            )
            scope = scope.split("/providers/Microsoft.Authorization/")[0]
            role = assignment["properties"]["roleDefinitionId"].rsplit("/", 1)[1]
            yield _who(assignment["properties"]["principalId"]), role, scope, assignment


def _evaluated(values: Json) -> Json:
    """What the compiler leaves open because another cloud has other suffixes."""
    return {name: _in_public_azure(value) for name, value in values.items()}


def _in_public_azure(value: object) -> object:
    if not isinstance(value, str) or "environment()" not in value:
        return value
    text = value.replace("environment().suffixes.storage", "'core.windows.net'")
    login = "'https://login.microsoftonline.com/'"
    text = text.replace("environment().authentication.loginEndpoint", login)
    while inner := _FORMAT.search(text):
        words = re.findall(r"'([^']*)'", inner[0])
        text = text.replace(inner[0], f"'{words[0].format(*words[1:])}'")
    return re.sub(r"^\['(.*)'\]$", r"\1", text)


def _account(url: str) -> str:
    return url.removeprefix("https://").partition(".")[0]


def _who(principal: str) -> str:
    if "userAssignedIdentities" in principal:
        return "app"
    return "namespace" if "eventGrid" in principal else "developer"
