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
        resource["name"].split("/")[2]: resource["properties"]
        for resource in deployment.of(kind)
    }

    names = [subscription["name"] for subscription in TOPOLOGY["eventSubscriptions"]]
    assert list(deployed) == ([] if deployment.name == "no-role-assignments" else names)
    if not deployed:
        return
    for declared in TOPOLOGY["eventSubscriptions"]:
        one = deployed[declared["name"]]
        queue = one["deliveryConfiguration"]["queue"]
        assert one["eventDeliverySchema"] == "CloudEventSchemaV1_0"
        assert one["deliveryConfiguration"]["deliveryMode"] == "Queue"
        filters = declared["filtersConfiguration"]
        assert one["filtersConfiguration"] == {
            "includedEventTypes": filters.get("includedEventTypes"),
            "filters": filters.get("filters") or [],
        }
        for limit in (
            "receiveLockDurationInSeconds",
            "maxDeliveryCount",
            "eventTimeToLive",
        ):
            assert queue[limit] == declared[limit], (declared["name"], limit)


def test_every_event_subscription_dead_letters_with_the_namespaces_identity(
    deployment: Deployment,
) -> None:
    """Into the topology's container of an account of its own, which is there."""
    container = TOPOLOGY["deadLetterContainer"]
    letters = deployment.account("letters")
    namespace = deployment.one("Microsoft.EventGrid/namespaces")

    assert namespace["identity"] == {"type": "SystemAssigned"}
    for subscription in deployment.of(
        "Microsoft.EventGrid/namespaces/topics/eventSubscriptions"
    ):
        queue = subscription["properties"]["deliveryConfiguration"]["queue"]
        assert queue["deadLetterDestinationWithResourceIdentity"] == {
            "identity": {"type": "SystemAssigned"},
            "deadLetterDestination": {
                "endpointType": "StorageBlob",
                "properties": {
                    "resourceId": letters["id"],
                    "blobContainerName": container,
                },
            },
        }
    containers = [
        container["name"] for container in deployment.of(f"{BLOB_SERVICE}/containers")
    ]
    assert [name for name in containers if name.startswith(letters["name"])] == [
        f"{letters['name']}/default/{container}"
    ]


def test_event_grid_always_reaches_the_dead_letters(deployment: Deployment) -> None:
    """No network rule is in its way: Microsoft's list of trusted services has no namespaces."""
    letters = deployment.account("letters")["properties"]

    assert letters["publicNetworkAccess"] == "Enabled"
    assert letters["networkAcls"]["defaultAction"] == "Allow"


def test_every_role_is_assigned_at_its_smallest_scope(deployment: Deployment) -> None:
    """No role reaches further than the topic or the container, but two over whole accounts."""
    found = {
        (who, expected.ROLES[role], scope)
        for who, role, scope, _ in deployment.role_assignments()
    }
    nobody = deployment.name in ("no-role-assignments", "landing-zone")

    assert found == (set() if nobody else _roles(deployment))
    assert len(found) == len(deployment.of("Microsoft.Authorization/roleAssignments"))


def _roles(deployment: Deployment) -> set[tuple[str, str, str]]:
    topic = deployment.one("Microsoft.EventGrid/namespaces/topics")["id"]
    data = f"{deployment.account('data')['id']}/blobServices/default/containers"
    letters = deployment.account("letters")["id"]
    rejected = TOPOLOGY["deadLetterContainer"]
    containers = [
        f"{data}/{deployment.settings['AUDIT_CONTAINER']}",
        f"{data}/{deployment.settings['ACTIVITY_CONTAINER']}",
        f"{letters}/blobServices/default/containers/{rejected}",
    ]
    component = deployment.one("Microsoft.Insights/components")["id"]
    writer = "Storage Blob Data Contributor"
    users = ["app"] if deployment.name == "closed" else ["app", "developer"]
    return {
        ("app", "Storage Blob Data Owner", deployment.account("host")["id"]),
        ("app", "Monitoring Metrics Publisher", component),
        ("namespace", writer, letters),
        *((who, writer, container) for who in users for container in containers),
        *((who, "EventGrid Data Sender", topic) for who in users),
        *((who, "EventGrid Data Receiver", topic) for who in users),
    }


def test_what_is_recorded_can_only_be_appended_to(deployment: Deployment) -> None:
    """Of the five data actions of the role, reading and adding are left for the two logs."""
    logs = {
        deployment.settings["AUDIT_CONTAINER"],
        deployment.settings["ACTIVITY_CONTAINER"],
    }
    for _, _, scope, assignment in deployment.role_assignments():
        condition = assignment["properties"]["condition"]
        if scope.rpartition("/")[2] not in logs:
            assert condition is None
            continue
        assert assignment["properties"]["conditionVersion"] == "2.0"
        assert set(re.findall(r"!\(ActionMatches\{'([^']+)'\}\)", condition)) == {
            f"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/{action}"
            for action in ("write", "delete", "move/action")
        }
        # These three only in a container that cannot be; all others anywhere.
        assert condition.endswith("containers:name] StringEquals '-'))")
        assert condition.count("(") == condition.count(")")


def test_every_role_assignment_can_be_made_again(deployment: Deployment) -> None:
    """Its name follows from scope, principal and role; only new identities need a type."""
    for who, role, scope, assignment in deployment.role_assignments():
        kind = None if who == "developer" else "ServicePrincipal"
        assert assignment["properties"]["principalType"] == kind
        if re.fullmatch(
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", assignment["name"]
        ):
            assert deployment.name == "locked-down"  # which names its developer
            continue
        principal = (
            r"deployer\(\)\.objectId"
            if who == "developer"
            else r"\.(outputs\.)?principalId(\.value)?"
        )
        assert assignment["name"].startswith(f"[guid('{scope}', ")
        assert re.search(f"{principal}, '{role}'\\)\\]$", assignment["name"])
