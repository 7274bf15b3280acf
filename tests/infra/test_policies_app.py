"""What is true of the function app in every deployment, and of the network around it.

Each claim looks at what the compiler predicts; test_mutations.py breaks the Bicep and
asks the same claims.
"""

import json
import re

from moderation import function_names, topology
from moderation.checks import config_check
from moderation.runtime import handled
from moderation.settings import Settings
from tests.infra import expected
from tests.infra.deployment import Deployment
from tests.infra.expected import TOPOLOGY


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


def test_the_app_has_only_site_properties_that_flex_consumption_takes(
    deployment: Deployment,
) -> None:
    """Azure refuses ftpsState and four others in some regions, and means to in all (ARM 51021)."""
    assert set(deployment.app["siteConfig"]) <= expected.SITE_CONFIG_ON_FLEX


def test_the_apps_own_checks_find_nothing_wrong_with_its_settings(
    deployment: Deployment,
) -> None:
    """What is deployed starts: schedules, budgets, lanes and timeouts agree."""
    known = {"EVENTGRID_ENDPOINT": "https://namespace.region-1.eventgrid.azure.net"}
    environ = deployment.settings | known
    settings = Settings.from_environ(environ, topic="another-topic")
    declared = topology.load()

    assert settings.topic == TOPOLOGY["topic"]
    assert config_check.examine(settings, environ, declared, handled()) == []


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
    assert config["runtime"]["version"] == "3.13"
    storage = config["deployment"]["storage"]
    assert storage["type"] == "blobContainer"
    assert storage["value"] == f"https://{host}.blob.core.windows.net/packages"
    assert storage["authentication"]["type"] == "UserAssignedIdentity"
    assert storage["authentication"]["userAssignedIdentityResourceId"] in json.dumps(
        site["identity"]
    )


def test_what_is_kept_warm_is_there(deployment: Deployment) -> None:
    """Always-ready groups name functions that these lanes have."""
    ready = deployment.app["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"]
    for instance in ready:
        lane = re.fullmatch(
            r"http|function:(pull_[a-z_]+?)(?:_(\d+))?", instance["name"]
        )
        assert lane is not None, instance["name"]
        if lane[1]:
            lanes = deployment.settings[f"{lane[1].upper()}_LANES"]
            assert int(lane[2] or 1) <= int(lanes)


def test_every_event_subscription_has_its_settings(
    deployment: Deployment,
) -> None:
    """Exception or not: what is deployed shows, and nothing is left to a default."""
    for declared in TOPOLOGY["eventSubscriptions"]:
        prefix = function_names.function(declared["name"]).upper()
        schedule = deployment.settings[f"{prefix}_SCHEDULE"]
        lanes = deployment.settings[f"{prefix}_LANES"]
        is_large = deployment.name == "large"
        assert schedule == ("0 * * * * *" if is_large else "0 */5 * * * *")
        assert lanes == ("16" if is_large else "1")
        manner, pace = (
            deployment.settings[f"{prefix}_{what}"] for what in ("MANNER", "PACE")
        )
        assert (manner, pace) == (("stay", "0.2") if is_large else ("visit", "0.8"))


def test_a_private_network_closes_every_door(deployment: Deployment) -> None:
    """But that of the dead letters; without a network, nothing is closed."""
    host, data = (deployment.account(kind)["properties"] for kind in ("host", "data"))
    if not deployment.is_private:
        assert deployment.of("Microsoft.Network/privateEndpoints") == []
        assert host["networkAcls"]["defaultAction"] == "Allow"
        assert data["networkAcls"]["defaultAction"] == "Allow"
        return
    exceptions = data["networkAcls"]["ipRules"]
    assert host["publicNetworkAccess"] == "Disabled"
    assert host["networkAcls"]["ipRules"] == []
    assert data["publicNetworkAccess"] == ("Enabled" if exceptions else "Disabled")
    for account in (host, data):
        assert account["networkAcls"]["bypass"] == "None"
        assert account["networkAcls"]["defaultAction"] == "Deny"


def test_a_network_that_is_made_has_what_policies_ask_for(
    deployment: Deployment,
) -> None:
    """A subnet for the app alone, one for endpoints, and a security group on both."""
    for network in deployment.of("Microsoft.Network/virtualNetworks"):
        subnets = {
            subnet["name"]: subnet["properties"]
            for subnet in network["properties"]["subnets"]
        }
        assert subnets.keys() == {"app", "endpoints"}
        assert deployment.app["virtualNetworkSubnetId"] == (
            f"{network['id']}/subnets/app"
        )
        [delegation] = subnets["app"]["delegations"]
        assert delegation["properties"]["serviceName"] == "Microsoft.App/environments"
        assert subnets["endpoints"]["privateEndpointNetworkPolicies"] == "Disabled"
        group = deployment.one("Microsoft.Network/networkSecurityGroups")["id"]
        for subnet in subnets.values():
            assert subnet.get("networkSecurityGroup") == {"id": group}


def test_private_endpoints_lead_to_everything_the_app_talks_to(
    deployment: Deployment,
) -> None:
    """Each with its DNS zone, which the network resolves."""
    if not deployment.is_private:
        assert deployment.of("Microsoft.Network/privateDnsZones") == []
        return
    found = set()
    groups = deployment.of("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    zone_of = {
        group["name"]: group["properties"]["privateDnsZoneConfigs"][0]["properties"][
            "privateDnsZoneId"
        ]
        for group in groups
    }
    for endpoint in deployment.of("Microsoft.Network/privateEndpoints"):
        [connection] = endpoint["properties"]["privateLinkServiceConnections"]
        target = connection["properties"]
        [group] = target["groupIds"]
        found.add((target["privateLinkServiceId"], group))
        kind = "eventgrid" if group == "topic" else group
        assert f"privatelink.{kind}." in zone_of[f"{endpoint['name']}/default"]

    assert found == {
        (deployment.one("Microsoft.EventGrid/namespaces")["id"], "topic"),
        *((deployment.account(k)["id"], "blob") for k in ("host", "data", "letters")),
    }
    zones = deployment.of("Microsoft.Network/privateDnsZones")
    links = deployment.of("Microsoft.Network/privateDnsZones/virtualNetworkLinks")
    assert len(links) == len(zones) == (0 if deployment.name == "landing-zone" else 2)
