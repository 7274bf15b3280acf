"""What parameters choose: each is off by default, and does what it says when it is on."""

import re
from pathlib import Path

from tests.infra import expected
from tests.infra.compiling import Compilers, copied
from tests.infra.conftest import PARAMETERS
from tests.infra.deployment import Deployment, Json

ADMINISTRATOR = "99999999-9999-9999-9999-999999999999"


def test_capacity_is_what_was_asked_for(deployment: Deployment) -> None:
    """Throughput units, memory and instances."""
    units, memory, instances = {"large": (40, 4096, 100)}.get(
        deployment.name, (1, 512, 40)
    )
    scale = deployment.app["functionAppConfig"]["scaleAndConcurrency"]

    namespace = deployment.one("Microsoft.EventGrid/namespaces")
    assert namespace["sku"] == {"name": "Standard", "capacity": units}
    assert scale["instanceMemoryMB"] == memory
    assert scale["maximumInstanceCount"] == instances


def test_zone_redundancy_is_everywhere_or_nowhere(deployment: Deployment) -> None:
    """The namespace, the plan and both accounts."""
    wanted = deployment.name == "locked-down"
    namespace = deployment.one("Microsoft.EventGrid/namespaces")["properties"]
    plan = deployment.one("Microsoft.Web/serverfarms")["properties"]
    skus = {
        account["sku"]["name"]
        for account in deployment.of("Microsoft.Storage/storageAccounts")
    }

    assert namespace["isZoneRedundant"] is (True if wanted else None)
    assert plan["zoneRedundant"] is wanted
    assert skus == {"Standard_ZRS" if wanted else "Standard_LRS"}


def test_people_sign_in_where_an_app_registration_is_given(
    deployment: Deployment,
) -> None:
    """With the app's identity in place of a secret; and the app answers who may do what."""
    secretless = "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"
    auth = deployment.one("Microsoft.Web/sites/config")["properties"]
    assert auth["globalValidation"] == {
        "requireAuthentication": False,
        "unauthenticatedClientAction": "AllowAnonymous",
    }
    if deployment.name != "locked-down":
        assert auth["platform"] == {"enabled": False}
        assert auth["identityProviders"] == {}
        assert secretless not in deployment.settings
        return
    entra = auth["identityProviders"]["azureActiveDirectory"]
    tenant = "00000000-0000-0000-0000-000000000002"

    assert auth["platform"] == {"enabled": True}
    assert entra["registration"] == {
        "clientId": "22222222-2222-2222-2222-222222222222",
        "clientSecretSettingName": secretless,
        "openIdIssuer": f"https://login.microsoftonline.com/{tenant}/v2.0",
    }
    assert deployment.settings[secretless] == deployment.settings["AZURE_CLIENT_ID"]


def test_audit_entries_can_be_made_immutable(deployment: Deployment) -> None:
    """Appending goes on; changing and deleting do not."""
    kind = (
        "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies"
    )
    found = {
        resource["name"].split("/")[2]: resource["properties"]
        for resource in deployment.of(kind)
    }

    rule = {
        "immutabilityPeriodSinceCreationInDays": 90,
        "allowProtectedAppendWrites": True,
    }
    assert found == ({"audit": rule} if deployment.name == "locked-down" else {})


def test_sample_events_can_be_switched_off(deployment: Deployment) -> None:
    """Where they are not offered, the function is disabled."""
    switch = deployment.settings.get("AzureWebJobs.publish_samples.Disabled")
    assert switch == ("true" if deployment.name == "locked-down" else None)


def test_mail_goes_to_whom_it_should(deployment: Deployment) -> None:
    """Nobody by default."""
    group = deployment.one("Microsoft.Insights/actionGroups")["properties"]
    wanted = ["operators@example.com"] if deployment.name == "locked-down" else []

    assert [receiver["emailAddress"] for receiver in group["emailReceivers"]] == wanted


def test_a_private_network_without_exceptions_closes_the_namespace(
    deployment: Deployment,
) -> None:
    """With exceptions it lets those in, and without a network everybody with a token."""
    namespace = deployment.one("Microsoft.EventGrid/namespaces")["properties"]
    is_closed = deployment.name in ("closed", "landing-zone")
    access = "Disabled" if is_closed else "Enabled"

    assert namespace["publicNetworkAccess"] == access
    if deployment.name != "locked-down":
        assert namespace["inboundIpRules"] == []


def test_an_exception_is_let_in_everywhere_it_has_to_be(
    deployments: dict[str, Deployment],
) -> None:
    """The storage firewall wants a single address without its /32."""
    locked = deployments["locked-down"]
    namespace = locked.one("Microsoft.EventGrid/namespaces")["properties"]
    data = locked.account("data")["properties"]["networkAcls"]

    assert namespace["inboundIpRules"] == [
        {"action": "Allow", "ipMask": "203.0.113.7/32"}
    ]
    assert data["ipRules"] == [{"action": "Allow", "value": "203.0.113.7"}]


def test_the_alert_of_silence_waits_as_long_as_asked(deployment: Deployment) -> None:
    """Half an hour, or what the parameter says."""
    minutes = {"large": 15, "locked-down": 120}.get(deployment.name, 30)
    [alert] = [
        rule
        for rule in deployment.of("Microsoft.Insights/scheduledQueryRules")
        if "no-drain" in rule["name"]
    ]
    [criterion] = alert["properties"]["criteria"]["allOf"]

    assert f"where Last < ago({minutes}m)" in criterion["query"]
    assert f" {minutes} minutes" in alert["properties"]["description"]


def test_what_a_platform_team_runs_is_used_and_not_made_again(
    deployments: dict[str, Deployment],
) -> None:
    """Their subnets, DNS zones and workspace, by id."""
    there = deployments["landing-zone"]
    ids = re.findall(
        r"'(/subscriptions/[^']+)'", PARAMETERS["landing-zone"].read_text("utf-8")
    )
    app, endpoints, events, blobs, workspace = ids

    for kind in (
        "Microsoft.Network/virtualNetworks",
        "Microsoft.Network/networkSecurityGroups",
        "Microsoft.Network/privateDnsZones",
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        "Microsoft.OperationalInsights/workspaces",
    ):
        assert there.of(kind) == []
    assert there.app["virtualNetworkSubnetId"] == app
    assert there.workspace == workspace
    for endpoint in there.of("Microsoft.Network/privateEndpoints"):
        assert endpoint["properties"]["subnet"] == {"id": endpoints}
    groups = there.of("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    zones = [
        group["properties"]["privateDnsZoneConfigs"][0]["properties"]
        for group in groups
    ]
    assert sorted(zone["privateDnsZoneId"] for zone in zones) == [*[blobs] * 3, events]


def test_records_can_be_left_to_a_policy(running: Compilers, folder: Path) -> None:
    """A zone without an id: the endpoints are made, and their records are not."""
    file = copied(folder) / "policy.bicepparam"
    file.write_text(
        "using 'main.bicep'\nparam environmentName = 'dev'\n"
        "param location = 'swedencentral'\nparam vnetEnabled = true\n"
        "param privateDnsZoneIds = { eventGrid: '', blob: '' }\n",
        encoding="utf-8",
    )

    kinds = [
        resource["type"] for resource in running.snapshot(file)["predictedResources"]
    ]

    assert kinds.count("Microsoft.Network/privateEndpoints") == 4
    assert "Microsoft.Network/privateEndpoints/privateDnsZoneGroups" not in kinds


def test_without_the_right_to_assign_roles_the_commands_are_told(
    running: Compilers, folder: Path
) -> None:
    """The commands are the assignments that would have been made, no more and no less."""
    infra = copied(folder)
    file = infra / "examples" / "roles.bicepparam"
    file.write_text(
        f"using '../modules/roles.bicep'\nparam appPrincipalId = '{'a' * 8}'\n"
        f"param developerIds = ['{ADMINISTRATOR}']\nparam assign = true\n"
        "param namespacePrincipalId = 'nnnn'\nparam logContainers = ['audit', 'activity']\n"
        "param appendOnly = true\nparam names = { namespace: 'the-namespace'\n"
        "  hostStorage: 'host', dataStorage: 'data', deadLetterStorage: 'letters'\n"
        "  component: 'component' }\n",
        encoding="utf-8",
    )
    plan = running.snapshot(file)

    commands = plan["outputs"]["commands"]
    made = [_command(resource) for resource in plan["predictedResources"]]
    assert sorted(command.split(" # ")[0] for command in commands) == sorted(made)
    for command in commands:
        role = command.split(" --role ")[1].split()[0]
        assert command.split(" # ")[1].startswith(f"{expected.ROLES[role]} for the ")


def _command(assignment: Json) -> str:
    properties = assignment["properties"]
    scope = assignment["id"].split("/providers/Microsoft.Authorization/")[0]
    kind = (
        "--assignee-principal-type ServicePrincipal "
        if properties["principalType"]
        else ""
    )
    condition = (
        ' --condition "@infra/append-only.condition" --condition-version 2.0'
        if properties["condition"]
        else ""
    )
    return (
        f"az role assignment create --assignee-object-id {properties['principalId']} {kind}"
        f"--role {properties['roleDefinitionId'].rsplit('/', 1)[1]} --scope {scope}{condition}"
    )


def test_the_commands_are_told_only_when_they_are_needed(template: Json) -> None:
    """ROLES_TO_ASSIGN is empty after a deployment that assigned them."""
    value = template["outputs"]["ROLES_TO_ASSIGN"]["value"]
    assert value.startswith(
        "[if(parameters('createRoleAssignments'), createArray(), reference('roles')"
    )
