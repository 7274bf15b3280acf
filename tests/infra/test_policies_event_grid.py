"""What every deployment makes of the topology, and who may use it.

Each claim looks at what the compiler predicts; test_mutations.py breaks the Bicep and
asks the same claims.
"""

import re

from tests.infra import expected
from tests.infra.deployment import Deployment
from tests.infra.expected import TOPOLOGY

BLOB_SERVICE = "Microsoft.Storage/storageAccounts/blobServices"


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
        *(
            (who, writer, f"{containers}/{container}")
            for who in ["app", *people]
            for container in [*logs, dead_letters]
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
