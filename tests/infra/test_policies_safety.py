"""What is safe in every deployment, whatever its parameters, and where to find it.

Each claim looks at what the compiler predicts; test_mutations.py breaks the Bicep and
asks the same claims.
"""

import re

from tests.infra import expected
from tests.infra.deployment import Deployment

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
    """TLS 1.2 at least."""
    for account in deployment.of("Microsoft.Storage/storageAccounts"):
        assert account["properties"]["minimumTlsVersion"] == "TLS1_2"
        assert account["properties"]["supportsHttpsTrafficOnly"] is True
    namespace = deployment.one("Microsoft.EventGrid/namespaces")["properties"]
    assert namespace["minimumTlsVersionAllowed"] == "1.2"
    assert deployment.app["httpsOnly"] is True
    assert deployment.app["siteConfig"]["minTlsVersion"] == "1.2"


def test_telemetry_needs_an_identity(deployment: Deployment) -> None:
    """The connection string alone writes nothing into Application Insights."""
    component = deployment.one("Microsoft.Insights/components")["properties"]

    assert component["DisableLocalAuth"] is True
    for workspace in deployment.of("Microsoft.OperationalInsights/workspaces"):
        assert component["WorkspaceResourceId"] == workspace["id"]
        assert workspace["properties"]["features"]["disableLocalAuth"] is True
    authentication = deployment.settings["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"]
    assert authentication.endswith(".clientId)]")
    assert "ClientId={0};Authorization=AAD" in authentication


def test_what_is_deleted_can_be_brought_back(deployment: Deployment) -> None:
    """Soft delete is on for blobs and containers of all three accounts."""
    services = deployment.of(BLOB_SERVICE)
    assert len(services) == 3
    for service in services:
        for policy in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
            assert service["properties"][policy]["enabled"] is True
            assert service["properties"][policy]["days"] >= 7


def test_every_api_version_is_the_one_we_tried(deployment: Deployment) -> None:
    """A newer one is a decision, with its own reading of what changed."""
    for resource in deployment.resources:
        assert resource["apiVersion"] == expected.PINS[resource["type"]], resource[
            "type"
        ]


def test_every_name_is_one_that_azure_takes(deployment: Deployment) -> None:
    """Length and letters; and no two resources are the same."""
    for resource in deployment.resources:
        pattern = expected.NAMES.get(resource["type"])
        if pattern is not None:
            assert re.fullmatch(pattern, resource["name"].split("/")[-1]), resource[
                "name"
            ]
    ids = [resource["id"].lower() for resource in deployment.resources]
    assert len(set(ids)) == len(ids)


def test_everything_belongs_to_its_azd_environment(deployment: Deployment) -> None:
    """azd finds it by tags: the environment on all, the service on the app."""
    for resource in deployment.resources:
        if resource["type"] not in expected.UNTAGGED:
            assert resource["tags"]["azd-env-name"], resource["type"]
    assert deployment.one("Microsoft.Web/sites")["tags"]["azd-service-name"] == "app"


def test_everything_is_where_it_was_asked_to_be(deployment: Deployment) -> None:
    """One region; what knows no region is global."""
    regions = {
        resource["location"]
        for resource in deployment.resources
        if "location" in resource
    }
    assert len(regions - {"global"}) == 1
