"""What is noticed and recorded in every deployment, and for how long.

Each claim looks at what the compiler predicts; test_mutations.py breaks the Bicep and
asks the same claims.
"""

import re

from tests.infra import expected
from tests.infra.deployment import Deployment, Json
from tests.infra.expected import TOPOLOGY


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
    """Dead letters are block blobs; what is kept in lines is in append blobs."""
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
        f"{TOPOLOGY['deadLetterContainer']}/": (["blockBlob", "appendBlob"], quarter),
    }
