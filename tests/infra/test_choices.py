"""What parameters choose: each is off by default, and does what it says when it is on."""

from pathlib import Path

from local import bicep
from tests.infra import expected
from tests.infra.compiling import Compilers, copied
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
        one["sku"]["name"] for one in deployment.of("Microsoft.Storage/storageAccounts")
    }

    assert namespace["isZoneRedundant"] is (True if wanted else None)
    assert plan["zoneRedundant"] is wanted
    assert skus == {"Standard_ZRS" if wanted else "Standard_LRS"}


def test_people_sign_in_where_an_app_registration_is_given(
    deployment: Deployment,
) -> None:
    """With the app's identity in place of a secret."""
    secretless = "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"
    if deployment.name != "locked-down":
        assert deployment.of("Microsoft.Web/sites/config") == []
        assert secretless not in deployment.settings
        return
    auth = deployment.one("Microsoft.Web/sites/config")["properties"]
    entra = auth["identityProviders"]["azureActiveDirectory"]
    tenant = "00000000-0000-0000-0000-000000000002"

    assert auth["platform"] == {"enabled": True}
    assert auth["globalValidation"]["requireAuthentication"] is True
    assert (
        auth["globalValidation"]["unauthenticatedClientAction"] == "RedirectToLoginPage"
    )
    assert entra["registration"] == {
        "clientId": "22222222-2222-2222-2222-222222222222",
        "clientSecretSettingName": secretless,
        "openIdIssuer": f"https://login.microsoftonline.com/{tenant}/v2.0",
    }
    assert deployment.settings[secretless] == deployment.settings["AZURE_CLIENT_ID"]


def test_audit_entries_can_be_made_append_only(deployment: Deployment) -> None:
    """Appending goes on; changing and deleting do not."""
    kind = (
        "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies"
    )
    found = {
        one["name"].split("/")[2]: one["properties"] for one in deployment.of(kind)
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

    assert [one["emailAddress"] for one in group["emailReceivers"]] == wanted


def test_a_private_network_without_exceptions_closes_the_namespace(
    deployment: Deployment,
) -> None:
    """With exceptions it lets those in, and without a network everybody with a token."""
    namespace = deployment.one("Microsoft.EventGrid/namespaces")["properties"]
    access = "Disabled" if deployment.name == "closed" else "Enabled"

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


def test_the_alert_of_silence_looks_back_as_far_as_asked(
    deployment: Deployment,
) -> None:
    """Half an hour, or what the parameter says."""
    window = {"large": "PT15M", "locked-down": "PT2H"}.get(deployment.name, "PT30M")
    windows = {
        one["properties"]["windowSize"]
        for one in deployment.of("Microsoft.Insights/scheduledQueryRules")
        if "no-drain" in one["name"]
    }
    assert windows == {window}


def test_without_the_right_to_assign_roles_the_commands_are_told(
    running: Compilers, folder: Path
) -> None:
    """The commands are the assignments that would have been made, no more and no less."""
    common = (
        f"using '../modules/{{}}.bicep'\nparam appPrincipalId = '{'a' * 8}'\n"
        f"param developerPrincipalId = '{ADMINISTRATOR}'\nparam developerPrincipalType = 'User'\n"
        "param namespaceName = 'the-namespace'\n"
    )
    texts = {
        "roles": "param namespacePrincipalId = 'nnnn'\nparam hostAccountName = 'host'\n"
        "param dataAccountName = 'data'\nparam logContainers = ['audit', 'activity']\n"
        "param componentName = 'component'\n",
        "receivers": "param subscriptionNames = ['sub-flagged', 'sub-approved', 'sub-all-events']\n",
    }
    infra = copied(folder)
    for module, text in texts.items():
        file = infra / "examples" / f"{module}.bicepparam"
        file.write_text(common.format(module) + text + "param assign = true\n", "utf-8")
        plan = running.snapshot(file)

        commands = plan["outputs"]["commands"]
        made = [_command(one) for one in plan["predictedResources"]]
        assert sorted(command.split(" # ")[0] for command in commands) == sorted(made)
        for command in commands:
            role = command.split(" --role ")[1].split()[0]
            assert command.split(" # ")[1].startswith(
                f"{expected.ROLES[role]} for the "
            )


def _command(assignment: Json) -> str:
    properties = assignment["properties"]
    scope = assignment["id"].split("/providers/Microsoft.Authorization/")[0]
    return (
        f"az role assignment create --assignee-object-id {properties['principalId']} "
        f"--assignee-principal-type {properties['principalType']} "
        f"--role {properties['roleDefinitionId'].rsplit('/', 1)[1]} --scope {scope}"
    )


def test_the_commands_are_told_only_when_they_are_needed(running: Compilers) -> None:
    """ROLES_TO_ASSIGN is empty after a deployment that assigned them."""
    resources = running.compile(bicep.INFRA / "resources.bicep")

    value = resources["outputs"]["ROLES_TO_ASSIGN"]["value"]
    assert value.startswith(
        "[if(parameters('createRoleAssignments'), createArray(), concat("
    )
