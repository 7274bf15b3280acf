"""What is true of every deployment, whatever its parameters.

Each claim looks at what the compiler predicts; test_mutations.py breaks the Bicep and
asks the same claims.
"""

import json
import re

from moderation import doctor, topology
from moderation.settings import Settings
from tests.infra import expected
from tests.infra.deployment import Deployment, Json
from tests.infra.expected import TOPOLOGY

BLOB_SERVICE = "Microsoft.Storage/storageAccounts/blobServices"


def test_no_storage_account_takes_a_shared_key(deployment: Deployment) -> None:
    """Only Entra identities get in."""
    for account in deployment.of("Microsoft.Storage/storageAccounts"):
        assert account["properties"]["allowSharedKeyAccess"] is False
        assert account["properties"]["defaultToOAuthAuthentication"] is True


def test_no_blob_is_public(deployment: Deployment) -> None:
    """Neither an account nor a container lets the anonymous read."""
    for account in deployment.of("Microsoft.Storage/storageAccounts"):
        assert account["properties"]["allowBlobPublicAccess"] is False
        assert account["properties"]["allowCrossTenantReplication"] is False
    for container in deployment.of(f"{BLOB_SERVICE}/containers"):
        assert container["properties"]["publicAccess"] == "None"


def test_every_connection_is_encrypted(deployment: Deployment) -> None:
    """TLS 1.2 at least, and no FTP."""
    for account in deployment.of("Microsoft.Storage/storageAccounts"):
        assert account["properties"]["minimumTlsVersion"] == "TLS1_2"
        assert account["properties"]["supportsHttpsTrafficOnly"] is True
    namespace = deployment.one("Microsoft.EventGrid/namespaces")["properties"]
    assert namespace["minimumTlsVersionAllowed"] == "1.2"
    assert deployment.app["httpsOnly"] is True
    assert deployment.app["siteConfig"]["minTlsVersion"] == "1.2"
    assert deployment.app["siteConfig"]["ftpsState"] == "Disabled"


def test_telemetry_needs_an_identity(deployment: Deployment) -> None:
    """The connection string alone writes nothing into Application Insights."""
    component = deployment.one("Microsoft.Insights/components")["properties"]
    workspace = deployment.one("Microsoft.OperationalInsights/workspaces")

    assert component["DisableLocalAuth"] is True
    assert component["WorkspaceResourceId"] == workspace["id"]
    assert workspace["properties"]["features"]["disableLocalAuth"] is True
    authentication = deployment.settings["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"]
    assert authentication.endswith(".clientId)]")
    assert "ClientId={0};Authorization=AAD" in authentication


def test_what_is_deleted_can_be_brought_back(deployment: Deployment) -> None:
    """Soft delete is on for blobs and containers of both accounts."""
    services = deployment.of(BLOB_SERVICE)
    assert len(services) == 2
    for service in services:
        for policy in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
            assert service["properties"][policy]["enabled"] is True
            assert service["properties"][policy]["days"] >= 7


def test_the_topic_is_as_the_topology_declares(deployment: Deployment) -> None:
    """Its name, its retention, and CloudEvents only."""
    topic = deployment.one("Microsoft.EventGrid/namespaces/topics")

    assert topic["name"].endswith(f"/{TOPOLOGY['topic']}")
    assert topic["properties"] == {
        "publisherType": "Custom",
        "inputSchema": "CloudEventSchemaV1_0",
        "eventRetentionInDays": TOPOLOGY["eventRetentionInDays"],
    }


def test_each_event_subscription_is_as_the_topology_declares(
    deployment: Deployment,
) -> None:
    """Filter, lock, delivery count and time to live are what the laptop runs."""
    kind = "Microsoft.EventGrid/namespaces/topics/eventSubscriptions"
    deployed = {
        one["name"].split("/")[2]: one["properties"] for one in deployment.of(kind)
    }

    assert list(deployed) == [one["name"] for one in TOPOLOGY["eventSubscriptions"]]
    for declared in TOPOLOGY["eventSubscriptions"]:
        one = deployed[declared["name"]]
        queue = one["deliveryConfiguration"]["queue"]
        assert one["eventDeliverySchema"] == "CloudEventSchemaV1_0"
        assert one["deliveryConfiguration"]["deliveryMode"] == "Queue"
        assert one["filtersConfiguration"] == declared["filtersConfiguration"]
        for limit in (
            "receiveLockDurationInSeconds",
            "maxDeliveryCount",
            "eventTimeToLive",
        ):
            assert queue[limit] == declared[limit], (declared["name"], limit)


def test_every_event_subscription_dead_letters_with_the_namespaces_identity(
    deployment: Deployment,
) -> None:
    """Into the topology's container of the data account, which is there."""
    container = TOPOLOGY["deadLetterContainer"]
    data = deployment.account("data")
    namespace = deployment.one("Microsoft.EventGrid/namespaces")

    assert namespace["identity"] == {"type": "SystemAssigned"}
    for one in deployment.of(
        "Microsoft.EventGrid/namespaces/topics/eventSubscriptions"
    ):
        queue = one["properties"]["deliveryConfiguration"]["queue"]
        assert queue["deadLetterDestinationWithResourceIdentity"] == {
            "identity": {"type": "SystemAssigned"},
            "deadLetterDestination": {
                "endpointType": "StorageBlob",
                "properties": {
                    "resourceId": data["id"],
                    "blobContainerName": container,
                },
            },
        }
    containers = {one["name"] for one in deployment.of(f"{BLOB_SERVICE}/containers")}
    assert f"{data['name']}/default/{container}" in containers


def test_event_grid_always_reaches_the_dead_letters(deployment: Deployment) -> None:
    """It is a trusted service to the data account, closed or not."""
    data = deployment.account("data")["properties"]

    assert data["publicNetworkAccess"] == "Enabled"
    assert data["networkAcls"]["bypass"] == "AzureServices"


def test_every_role_is_assigned_at_its_smallest_scope(deployment: Deployment) -> None:
    """No role reaches further than the topic, the event subscription or the container."""
    found = {
        (who, expected.ROLES[role], scope)
        for who, role, scope, _ in deployment.role_assignments()
    }

    assert found == (
        set() if deployment.name == "no-role-assignments" else _roles(deployment)
    )
    assert len(found) == len(deployment.of("Microsoft.Authorization/roleAssignments"))


def _roles(deployment: Deployment) -> set[tuple[str, str, str]]:
    topic = deployment.one("Microsoft.EventGrid/namespaces/topics")["id"]
    host = deployment.account("host")["id"]
    containers = f"{deployment.account('data')['id']}/blobServices/default/containers"
    logs = [
        deployment.settings["AUDIT_CONTAINER"],
        deployment.settings["ACTIVITY_CONTAINER"],
    ]
    dead_letters = TOPOLOGY["deadLetterContainer"]
    writer, receiver = "Storage Blob Data Contributor", "EventGrid Data Receiver"
    people = (
        ["developer"] if deployment.name in ("locked-down", "resource-group") else []
    )
    return {
        ("app", "Storage Blob Data Owner", host),
        ("app", "Storage Queue Data Contributor", host),
        ("app", "Storage Table Data Contributor", host),
        (
            "app",
            "Monitoring Metrics Publisher",
            deployment.one("Microsoft.Insights/components")["id"],
        ),
        ("namespace", writer, f"{containers}/{dead_letters}"),
        *(("developer", writer, f"{containers}/{dead_letters}") for _ in people),
        *(
            (who, writer, f"{containers}/{log}")
            for who in ["app", *people]
            for log in logs
        ),
        *((who, "EventGrid Data Sender", topic) for who in ["app", *people]),
        *(
            (who, receiver, f"{topic}/eventSubscriptions/{one['name']}")
            for who in ["app", *people]
            for one in TOPOLOGY["eventSubscriptions"]
        ),
    }


def test_every_role_assignment_can_be_made_again(deployment: Deployment) -> None:
    """Its name follows from scope, principal and role, and it says what the principal is."""
    developers = {"locked-down": "User", "resource-group": "Group"}
    for who, role, scope, one in deployment.role_assignments():
        kind = "ServicePrincipal" if who != "developer" else developers[deployment.name]
        assert one["properties"]["principalType"] == kind
        if who == "developer":
            assert re.fullmatch(
                r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one["name"]
            )
        else:
            assert one["name"].startswith(f"[guid('{scope}', ")
            assert re.search(r"\.(outputs\.)?principalId(\.value)?, ", one["name"])
            assert one["name"].endswith(f", '{role}')]")


def test_the_app_gets_every_setting_that_its_code_reads(deployment: Deployment) -> None:
    """And none that nobody reads."""
    emitted = set(deployment.settings) - expected.CHOSEN_SETTINGS
    wanted = expected.settings_read() - expected.LOCAL_SETTINGS

    assert emitted == wanted | expected.HOST_SETTINGS


def test_the_app_gets_no_setting_that_flex_consumption_forbids(
    deployment: Deployment,
) -> None:
    """And no key and no connection string of anything."""
    for name in set(deployment.settings) - {expected.SECRET_FREE}:
        assert not expected.FORBIDDEN_ON_FLEX.fullmatch(name), name
    assert "linuxFxVersion" not in deployment.app["siteConfig"]
    assert "alwaysOn" not in deployment.app["siteConfig"]


def test_the_apps_own_checks_find_nothing_wrong_with_its_settings(
    deployment: Deployment,
) -> None:
    """What is deployed starts: schedules, budgets, lanes and timeouts agree."""
    known = {"EVENTGRID_ENDPOINT": "https://namespace.region-1.eventgrid.azure.net"}
    environ = deployment.settings | known
    settings = Settings.from_environ(environ, topic="another-topic")
    declared = topology.load()

    assert settings.topic == TOPOLOGY["topic"]
    assert doctor.examine(settings, environ, declared, doctor.function_timeout()) == []


def test_the_host_uses_its_storage_with_the_apps_identity(
    deployment: Deployment,
) -> None:
    """The account by name, the credential and the client id: none may be missing."""
    settings, identity = (
        deployment.settings,
        "[reference('{id}', '2024-11-30').clientId]",
    )
    apps = deployment.one("Microsoft.ManagedIdentity/userAssignedIdentities")["id"]

    assert settings["AzureWebJobsStorage__credential"] == "managedidentity"
    for name in ("AzureWebJobsStorage__clientId", "AZURE_CLIENT_ID"):
        assert settings[name] == identity.replace("{id}", apps)
    assert deployment.one("Microsoft.Web/sites")["identity"] == {
        "type": "UserAssigned",
        "userAssignedIdentities": {apps: {}},
    }


def test_the_app_runs_on_flex_consumption(deployment: Deployment) -> None:
    """Its plan, its Python, and packages that it fetches with its identity."""
    plan = deployment.one("Microsoft.Web/serverfarms")
    site = deployment.one("Microsoft.Web/sites")
    config = deployment.app["functionAppConfig"]
    host = deployment.account("host")["name"]

    assert plan["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    assert plan["properties"]["reserved"] is True
    assert site["kind"] == "functionapp,linux"
    assert deployment.app["serverFarmId"] == plan["id"]
    assert config["runtime"]["name"] == "python"
    assert config["runtime"]["version"] in ("3.12", "3.13")
    storage = config["deployment"]["storage"]
    assert storage["type"] == "blobContainer"
    assert storage["value"] == f"https://{host}.blob.core.windows.net/packages"
    assert storage["authentication"]["type"] == "UserAssignedIdentity"
    assert storage["authentication"]["userAssignedIdentityResourceId"] in json.dumps(
        site["identity"]
    )


def test_every_api_version_is_the_one_we_tried(deployment: Deployment) -> None:
    """A newer one is a decision, with its own reading of what changed."""
    for one in deployment.resources:
        assert one["apiVersion"] == expected.PINS[one["type"]], one["type"]


def test_every_name_is_one_that_azure_takes(deployment: Deployment) -> None:
    """Length and letters; and no two resources are the same."""
    for one in deployment.resources:
        pattern = expected.NAMES.get(one["type"])
        if pattern is not None:
            assert re.fullmatch(pattern, one["name"].split("/")[-1]), one["name"]
    ids = [one["id"].lower() for one in deployment.resources]
    assert len(set(ids)) == len(ids)


def test_everything_belongs_to_its_azd_environment(deployment: Deployment) -> None:
    """azd finds it by tags: the environment on all, the service on the app."""
    for one in deployment.resources:
        if one["type"] not in expected.UNTAGGED:
            assert one["tags"]["azd-env-name"], one["type"]
    assert deployment.one("Microsoft.Web/sites")["tags"]["azd-service-name"] == "app"


def test_everything_is_where_it_was_asked_to_be(deployment: Deployment) -> None:
    """One region; what knows no region is global."""
    regions = {one["location"] for one in deployment.resources if "location" in one}
    assert len(regions - {"global"}) == 1


def test_somebody_is_told_when_events_are_lost_or_about_to_be(
    deployment: Deployment,
) -> None:
    """Dead-lettered, dropped, refused and throttled events, and exceptions of the app."""
    metrics = deployment.of("Microsoft.Insights/metricAlerts")
    [namespace] = deployment.of("Microsoft.EventGrid/namespaces")
    counted = set()
    for one in metrics:
        [criterion] = one["properties"]["criteria"]["allOf"]
        counted.add(criterion["metricName"])
        assert (criterion["operator"], criterion["threshold"]) == ("GreaterThan", 0)
        assert one["properties"]["scopes"] == [namespace["id"]]
        assert criterion["metricName"] in expected.METRICS

    assert counted == {
        "DeadLetteredCount",
        "DroppedEventCount",
        "FailedPublishedEvents",
    }
    queries = [_query(one) for one in _log_alerts(deployment)]
    assert sum("QuotaExceeded" in query for query in queries) == 1
    assert sum("AppExceptions" in query for query in queries) == 1


def test_somebody_is_told_when_an_event_subscription_is_not_drained(
    deployment: Deployment,
) -> None:
    """Every event subscription has an alert that all of its timers together keep quiet."""
    heartbeats = [
        one for one in _log_alerts(deployment) if "AppRequests" in _query(one)
    ]
    patterns = [re.search(r'regex "(.+)"', _query(one)) for one in heartbeats]
    names = ["pull_flagged", "pull_approved", "pull_all_events"]

    assert len(heartbeats) == len(TOPOLOGY["eventSubscriptions"])
    for name in [*names, "pull_flagged_2", "pull_all_events_16"]:
        assert sum(bool(p and re.search(p[1], name)) for p in patterns) == 1, name
    for one in heartbeats:
        [criterion] = one["properties"]["criteria"]["allOf"]
        assert (criterion["operator"], criterion["threshold"]) == ("LessThan", 1)
        assert criterion["timeAggregation"] == "Count"
        assert " and Success " in _query(one)


def test_every_alert_reaches_the_action_group(deployment: Deployment) -> None:
    """It is on, and asks the app's own telemetry, which need not be there yet."""
    group = deployment.one("Microsoft.Insights/actionGroups")["id"]
    [workspace] = deployment.of("Microsoft.OperationalInsights/workspaces")
    app = deployment.one("Microsoft.Web/sites")["name"]
    for one in deployment.of("Microsoft.Insights/metricAlerts"):
        assert one["properties"]["enabled"] is True
        assert one["properties"]["actions"] == [{"actionGroupId": group}]
    for one in _log_alerts(deployment):
        assert one["properties"]["enabled"] is True
        assert one["properties"]["actions"] == {"actionGroups": [group]}
        assert one["properties"]["scopes"] == [workspace["id"]]
        assert one["properties"]["skipQueryValidation"] is True
        assert "isfuzzy=true" in _query(one)
        assert "EGNFailed" in _query(one) or f'AppRoleName =~ "{app}"' in _query(one)


def _log_alerts(deployment: Deployment) -> list[Json]:
    return deployment.of("Microsoft.Insights/scheduledQueryRules")


def _query(alert: Json) -> str:
    return str(alert["properties"]["criteria"]["allOf"][0]["query"])


def test_refused_requests_and_deletions_are_on_record(deployment: Deployment) -> None:
    """The namespace's and the data account's diagnostic settings feed the workspace."""
    workspace = deployment.one("Microsoft.OperationalInsights/workspaces")["id"]
    recorded = {}
    for one in deployment.of("Microsoft.Insights/diagnosticSettings"):
        assert one["properties"]["workspaceId"] == workspace
        [log] = one["properties"]["logs"]
        assert log["enabled"] is True
        recorded[log["category"]] = one["id"].split("/providers/Microsoft.Insights/")[0]

    assert recorded == {
        "FailedHttpDataPlaneOperations": deployment.one(
            "Microsoft.EventGrid/namespaces"
        )["id"],
        "StorageDelete": f"{deployment.account('data')['id']}/blobServices/default",
    }


def test_old_blobs_go_where_a_rule_says_so(deployment: Deployment) -> None:
    """Audit entries and activity are append blobs, dead letters block blobs."""
    if deployment.name == "resource-group":
        assert (
            deployment.of("Microsoft.Storage/storageAccounts/managementPolicies") == []
        )
        return
    policy = deployment.one("Microsoft.Storage/storageAccounts/managementPolicies")
    settings, found = deployment.settings, {}
    for rule in policy["properties"]["policy"]["rules"]:
        [prefix] = rule["definition"]["filters"]["prefixMatch"]
        days = rule["definition"]["actions"]["baseBlob"]["delete"]
        found[prefix] = (rule["definition"]["filters"]["blobTypes"], days)

    year, quarter = ({"daysAfterModificationGreaterThan": days} for days in (365, 90))
    assert found == {
        f"{settings['AUDIT_CONTAINER']}/": (["appendBlob"], year),
        f"{settings['ACTIVITY_CONTAINER']}/": (["appendBlob"], year),
        f"{TOPOLOGY['deadLetterContainer']}/": (["blockBlob"], quarter),
    }


def test_a_private_network_closes_every_door(deployment: Deployment) -> None:
    """With one, endpoints of all five; without one, nothing is closed and nothing billed."""
    host, data = (deployment.account(kind)["properties"] for kind in ("host", "data"))
    if not deployment.has_network:
        assert deployment.of("Microsoft.Network/privateEndpoints") == []
        assert deployment.app["virtualNetworkSubnetId"] is None
        assert host["networkAcls"]["defaultAction"] == "Allow"
        assert data["networkAcls"]["defaultAction"] == "Allow"
        return
    assert host["publicNetworkAccess"] == "Disabled"
    assert host["networkAcls"] == {"bypass": "None", "defaultAction": "Deny"}
    assert data["networkAcls"]["defaultAction"] == "Deny"
    network = deployment.one("Microsoft.Network/virtualNetworks")
    assert deployment.app["virtualNetworkSubnetId"] == f"{network['id']}/subnets/app"
    subnets = {
        one["name"]: one["properties"] for one in network["properties"]["subnets"]
    }
    [delegation] = subnets["app"]["delegations"]
    assert delegation["properties"]["serviceName"] == "Microsoft.App/environments"
    assert subnets["endpoints"]["privateEndpointNetworkPolicies"] == "Disabled"
    assert not any("_" in name for name in subnets)


def test_private_endpoints_lead_to_everything_the_app_talks_to(
    deployment: Deployment,
) -> None:
    """Each with its DNS zone, which the network resolves."""
    if not deployment.has_network:
        assert deployment.of("Microsoft.Network/privateDnsZones") == []
        return
    found = set()
    for one in deployment.of("Microsoft.Network/privateEndpoints"):
        [connection] = one["properties"]["privateLinkServiceConnections"]
        target = connection["properties"]
        found.add((target["privateLinkServiceId"], *target["groupIds"]))
        [zone] = [
            group["properties"]["privateDnsZoneConfigs"][0]["properties"][
                "privateDnsZoneId"
            ]
            for group in deployment.of(
                "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"
            )
            if group["name"].startswith(f"{one['name']}/")
        ]
        kind = "eventgrid" if target["groupIds"] == ["topic"] else target["groupIds"][0]
        assert f"privatelink.{kind}." in zone
    host, data = (deployment.account(kind)["id"] for kind in ("host", "data"))

    assert found == {
        (deployment.one("Microsoft.EventGrid/namespaces")["id"], "topic"),
        *((host, service) for service in ("blob", "queue", "table")),
        (data, "blob"),
    }
    links = deployment.of("Microsoft.Network/privateDnsZones/virtualNetworkLinks")
    assert len(links) == len(deployment.of("Microsoft.Network/privateDnsZones")) == 4


def test_what_is_kept_warm_is_there(deployment: Deployment) -> None:
    """Always-ready groups name functions that these lanes have."""
    ready = deployment.app["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"]
    for one in ready:
        lane = re.fullmatch(r"http|function:(pull_[a-z_]+?)(?:_(\d+))?", one["name"])
        assert lane is not None, one["name"]
        if lane[1]:
            lanes = deployment.settings[f"{lane[1].upper()}_LANES"]
            assert int(lane[2] or 1) <= int(lanes)
