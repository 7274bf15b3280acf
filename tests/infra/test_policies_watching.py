"""What is noticed and recorded in every deployment, and for how long.

Each claim looks at what the compiler predicts; test_mutations.py breaks the Bicep and
asks the same claims.
"""

import re

from moderation import function_names
from tests.infra import expected
from tests.infra.deployment import Deployment, Json
from tests.infra.expected import TOPOLOGY

WAKES = 1  # a severity of 0 or 1


def test_somebody_is_told_when_events_are_lost_or_about_to_be(
    deployment: Deployment,
) -> None:
    """Lost events wake; an event that is rejected, or refused to its publisher, does not."""
    [namespace] = deployment.of("Microsoft.EventGrid/namespaces")
    counted = {}
    for alert in deployment.of("Microsoft.Insights/metricAlerts"):
        [criterion] = alert["properties"]["criteria"]["allOf"]
        counted[criterion["metricName"]] = alert["properties"]["severity"] <= WAKES
        assert (criterion["operator"], criterion["threshold"]) == ("GreaterThan", 0)
        assert alert["properties"]["scopes"] == [namespace["id"]]
        assert criterion["metricName"] in expected.METRICS

    assert counted == {
        "DroppedEventCount": True,
        "DeadLetteredCount": False,
        "FailedPublishedEvents": False,
    }


def test_somebody_is_told_what_only_the_logs_know(deployment: Deployment) -> None:
    """Nobody can publish, nobody drains: both wake. Throttling and exceptions do not."""
    found = {}
    for alert in _log_alerts(deployment):
        [criterion] = alert["properties"]["criteria"]["allOf"]
        name = alert["name"].removeprefix("alert-").partition("-" + _suffix(deployment))
        found[name[0]] = alert["properties"]["severity"] <= WAKES
        assert (criterion["operator"], criterion["threshold"]) == ("GreaterThan", 0)
        assert criterion["timeAggregation"] == "Count"

    assert found == {
        "publishing-fails": True,
        "no-drain": True,
        "throttled": False,
        "exceptions": False,
    }


def _suffix(deployment: Deployment) -> str:
    name: str = deployment.one("Microsoft.Insights/actionGroups")["name"]
    return name.removeprefix("ag-")


def test_somebody_is_told_when_an_event_subscription_is_not_drained(
    deployment: Deployment,
) -> None:
    """All of its timers together keep the alert quiet, and it says when the last drain was."""
    [alert] = [
        alert for alert in _log_alerts(deployment) if "no-drain" in alert["name"]
    ]
    [criterion] = alert["properties"]["criteria"]["allOf"]
    patterns = re.findall(r'Name matches regex "([^"]+)", "([^"]+)"', _query(alert))

    for declared in TOPOLOGY["eventSubscriptions"]:
        for lane in function_names.LANES:
            function = function_names.function(declared["name"], lane)
            drains = [name for text, name in patterns if re.search(text, function)]
            assert drains == [declared["name"]], function
    for function in ("pull_now", "pull_flagged_17", "pull_flagged_02"):
        assert not any(re.search(text, function) for text, _ in patterns), function
    assert alert["properties"]["overrideQueryTimeRange"] == "P2D"
    assert criterion["dimensions"] == [
        {"name": name, "operator": "Include", "values": ["*"]}
        for name in ("EventSubscription", "LastDrain")
    ]


def test_every_alert_reaches_the_action_group(deployment: Deployment) -> None:
    """It is on, and asks the app's own telemetry, which need not be there yet."""
    group = deployment.one("Microsoft.Insights/actionGroups")["id"]
    app = deployment.one("Microsoft.Web/sites")["name"]
    namespace = deployment.one("Microsoft.EventGrid/namespaces")["id"]
    for alert in deployment.of("Microsoft.Insights/metricAlerts"):
        assert alert["properties"]["enabled"] is True
        assert alert["properties"]["actions"] == [{"actionGroupId": group}]
    for alert in _log_alerts(deployment):
        assert alert["properties"]["enabled"] is True
        assert alert["properties"]["actions"] == {"actionGroups": [group]}
        assert alert["properties"]["scopes"] == [deployment.workspace]
        assert alert["properties"]["skipQueryValidation"] is True
        assert "isfuzzy=true" in _query(alert)
        query = _query(alert)
        assert (
            f'AppRoleName =~ "{app}"' in query
            or f'_ResourceId =~ "{namespace}"' in query
        )


def _log_alerts(deployment: Deployment) -> list[Json]:
    return deployment.of("Microsoft.Insights/scheduledQueryRules")


def _query(alert: Json) -> str:
    return str(alert["properties"]["criteria"]["allOf"][0]["query"])


def test_refused_requests_and_deletions_are_on_record(deployment: Deployment) -> None:
    """The namespace's and two accounts' diagnostic settings feed the workspace."""
    recorded = set()
    for setting in deployment.of("Microsoft.Insights/diagnosticSettings"):
        assert setting["properties"]["workspaceId"] == deployment.workspace
        [log] = setting["properties"]["logs"]
        assert log["enabled"] is True
        scope = setting["id"].split("/providers/Microsoft.Insights/")[0]
        recorded.add((log["category"], scope))

    assert recorded == {
        (
            "FailedHttpDataPlaneOperations",
            deployment.one("Microsoft.EventGrid/namespaces")["id"],
        ),
        *(
            ("StorageDelete", f"{deployment.account(kind)['id']}/blobServices/default")
            for kind in ("data", "letters")
        ),
    }


def test_old_blobs_go_where_a_rule_says_so(deployment: Deployment) -> None:
    """Dead letters are block blobs; what is kept in lines is in append blobs."""
    found = {}
    for policy in deployment.of("Microsoft.Storage/storageAccounts/managementPolicies"):
        account = policy["name"].partition("/")[0]
        for rule in policy["properties"]["policy"]["rules"]:
            [prefix] = rule["definition"]["filters"]["prefixMatch"]
            days = rule["definition"]["actions"]["baseBlob"]["delete"]
            types = rule["definition"]["filters"]["blobTypes"]
            found[f"{account}/{prefix}"] = (types, days)

    year, quarter = ({"daysAfterModificationGreaterThan": days} for days in (365, 90))
    settings = deployment.settings
    data, letters = (deployment.account(kind)["name"] for kind in ("data", "letters"))
    wanted = {
        f"{data}/{settings['AUDIT_CONTAINER']}/": (["appendBlob"], year),
        f"{data}/{settings['ACTIVITY_CONTAINER']}/": (["appendBlob"], year),
        f"{letters}/{TOPOLOGY['deadLetterContainer']}/": (
            ["blockBlob", "appendBlob"],
            quarter,
        ),
    }
    assert found == ({} if deployment.name == "landing-zone" else wanted)


def test_everything_has_the_tags_that_were_asked_for(deployment: Deployment) -> None:
    """What can have tags has them, beside azd's own."""
    owner = {"owner": "moderation@example.com"}
    wanted = {
        "landing-zone": {"costCentre": "4711"} | owner,
        "locked-down": owner,
    }.get(deployment.name, {})
    for resource in deployment.resources:
        if resource["type"] not in expected.UNTAGGED:
            tags = {
                name: text
                for name, text in resource["tags"].items()
                if "azd" not in name
            }
            assert tags == wanted, resource["type"]
