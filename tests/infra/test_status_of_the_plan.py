"""What the template deploys is what `dev.py status` calls well.

The committed snapshot has every resource that a deployment makes; what only Azure can
know (ids of identities, the namespace's host name) is filled in here.
"""

import json
import re
from typing import Any

import pytest

from tests.infra.deployment import Deployment as Planned
from tools import bicep
from tools.azure.deployment import Deployment
from tools.azure.examine import examine
from tools.azure.finding import Finding
from tools.terminal import ROOT

HOST = "evgns.swedencentral-1.eventgrid.azure.net"
APP, NAMESPACE, CLIENT = "principal-of-app", "principal-of-namespace", "client-of-app"
DEVELOPER = "principal-of-developer"
PRINCIPALS = {"userAssignedIdentities": APP, "'eventGrid": NAMESPACE}
WELL = json.loads((ROOT / "tests/tools/azure/well.json").read_text("utf-8"))


@pytest.fixture
def plan() -> list[dict[str, Any]]:
    """The resources that the default parameters make."""
    snapshot = json.loads(bicep.PLAN.read_text("utf-8"))
    resources: list[dict[str, Any]] = snapshot["predictedResources"]
    return resources


def deployed(plan: list[dict[str, Any]]) -> Deployment:
    """The plan, as az would show it once it is deployed and drained."""

    def of(kind: str) -> list[dict[str, Any]]:
        return [
            resource | {"name": resource["name"].rpartition("/")[2]}
            for resource in plan
            if resource["type"] == kind
        ]

    [namespace] = of("Microsoft.EventGrid/namespaces")
    namespace["identity"] = {"type": "SystemAssigned", "principalId": NAMESPACE}
    namespace["properties"]["topicsConfiguration"] = {"hostname": HOST}
    [site] = of("Microsoft.Web/sites")
    for identity in site["identity"]["userAssignedIdentities"].values():
        identity |= {"principalId": APP, "clientId": CLIENT}
    containers = of("Microsoft.Storage/storageAccounts/blobServices/containers")
    accounts = of("Microsoft.Storage/storageAccounts")
    return Deployment(
        asked_at=WELL["asked_at"],
        account=WELL["account"],
        group="rg-dev",
        resources=[resource for resource in plan if resource["type"].count("/") == 1],
        namespace=namespace,
        topics=of("Microsoft.EventGrid/namespaces/topics"),
        event_subscriptions=of(
            "Microsoft.EventGrid/namespaces/topics/eventSubscriptions"
        ),
        site=site,
        settings=settings(site),
        functions=WELL["functions"],
        role_assignments=[
            assignment(planned)
            for planned in of("Microsoft.Authorization/roleAssignments")
        ],
        storage_accounts=accounts,
        containers={
            account["name"]: [c for c in containers if account["id"] in c["id"]]
            for account in accounts
        },
        drains=WELL["drains"],
        auth=of("Microsoft.Web/sites/config")[0],
    )


def settings(site: dict[str, Any]) -> dict[str, str]:
    """The app's settings, with what Azure fills in."""

    def filled(value: str) -> str:
        if value.endswith(".clientId]"):
            return CLIENT
        if value.endswith(".outputs.endpoint.value]"):
            return f"https://{HOST}"
        storage = re.fullmatch(
            r"\[format\('https://\{0\}\.blob\.\{1\}', '(\w+)',.*", value
        )
        return f"https://{storage[1]}.blob.core.windows.net" if storage else value

    listed = site["properties"]["siteConfig"]["appSettings"]
    return {setting["name"]: filled(setting["value"]) for setting in listed}


def assignment(one: dict[str, Any]) -> dict[str, Any]:
    """A role assignment with its scope and with the id of whom it is for."""
    scope = re.match(
        r"(?:\[extensionResourceId\(')?([^']+?)(?:'|/providers/Microsoft.Authorization)",
        one["id"],
    )
    assert scope is not None
    principal = one["properties"]["principalId"]
    who = next(
        (known for sign, known in PRINCIPALS.items() if sign in principal), DEVELOPER
    )
    known = {"scope": scope[1], "principalId": who}
    return one | {"properties": one["properties"] | known}


def findings(plan: list[dict[str, Any]]) -> list[Finding]:
    return [finding for group in examine(deployed(plan)) for finding in group.findings]


def test_what_is_planned_is_well(plan: list[dict[str, Any]]) -> None:
    """
    Template and status agree about names, roles, settings, filters and containers.
    """
    assert findings(plan) == []


@pytest.mark.parametrize("example", ["closed", "locked-down"])
def test_a_private_network_is_well_but_for_what_nobody_has_shown(
    deployments: dict[str, Planned], example: str
) -> None:
    """
    Sign-in, its setting and the closed accounts are fine; dead letters are unproven.
    """
    planned = json.loads(json.dumps(deployments[example].plan["predictedResources"]))

    found = [
        finding for group in examine(deployed(planned)) for finding in group.findings
    ]

    assert [(finding.level, finding.where) for finding in found] == [
        ("unknown", "dead letters")
    ]


def test_a_resource_less_is_found(plan: list[dict[str, Any]]) -> None:
    """Whatever status depends on, it misses when the template does not make it."""
    for kind in (
        "Microsoft.EventGrid/namespaces/topics",
        "Microsoft.EventGrid/namespaces/topics/eventSubscriptions",
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        "Microsoft.Authorization/roleAssignments",
    ):
        without = [resource for resource in plan if resource["type"] != kind]
        assert [
            finding for finding in findings(without) if finding.level == "broken"
        ], kind


def test_each_role_assignment_is_one_that_status_asks_for(
    plan: list[dict[str, Any]],
) -> None:
    """The template gives no role that nobody needs, and status knows them all."""
    assignments = [
        resource
        for resource in plan
        if resource["type"].endswith("/roleAssignments")
        and assignment(resource)["properties"]["principalId"] != DEVELOPER
    ]
    assert len(assignments) == 8
    for place in assignments:
        without = [resource for resource in plan if resource is not place]
        assert [
            finding
            for finding in findings(without)
            if finding.where.startswith("role ")
        ]
