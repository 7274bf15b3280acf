"""Every query against what Microsoft's host was seen to send, and the namespace is said to.

An HTTP function that answers 503 is a *successful* request with 503 in ResultCode; a
drain that fails is a failed one with 0 in it, and two exceptions of one operation.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.infra import kql
from tests.infra.deployment import Deployment
from tests.infra.kql import Row

RECORDED = json.loads(
    Path(__file__).with_name("telemetry.json").read_text(encoding="utf-8")
)["items"]
APP, SOON = "func-mod-x", datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
LATER = SOON + timedelta(hours=1)
SEVERITIES = ("Verbose", "Information", "Warning", "Error", "Critical")
# Its columns, as Azure Monitor's table reference has them; one row for a minute.
REFUSED = {
    "TimeGenerated": SOON,
    "_ResourceId": "",
    "OperationName": "Publish",
    "ResultSignature": "QuotaExceeded",
    "AuthenticationType": "EntraIdAccessToken",
    "TotalOperations": "7",
}


def rows(table: str) -> list[Row]:
    """The recorded items of a table, by the names of its columns."""
    return [_row(item) for item in RECORDED if item["name"] == table]


def _row(item: dict[str, Any]) -> Row:
    data, tags = item["data"]["baseData"], item["tags"]
    row = {
        "TimeGenerated": datetime.fromisoformat(item["time"]),
        "AppRoleName": tags["ai.cloud.role"],
        "ItemCount": 1,
        "OperationId": tags.get("ai.operation.id"),
        "OperationName": tags.get("ai.operation.name"),
    }
    if item["name"] == "AppRequests":
        hours, minutes, seconds = map(float, data["duration"].split(":"))
        row |= {"Name": data["name"], "Success": data["success"]}
        row |= {"ResultCode": data["responseCode"]}
        row |= {"DurationMs": (hours * 3600 + minutes * 60 + seconds) * 1000}
    if item["name"] == "AppTraces":
        severity = SEVERITIES.index(data["severityLevel"])
        row |= {"Message": data["message"], "SeverityLevel": severity}
    return row


def tables(*without: str) -> dict[str, list[Row]]:
    """Every table that a query may ask, without the requests of some functions."""
    requests = [row for row in rows("AppRequests") if row["Name"] not in without]
    return {
        "AppRequests": requests,
        "AppTraces": rows("AppTraces"),
        "AppExceptions": rows("AppExceptions"),
        "EGNFailedHttpDataPlaneOperations": [REFUSED],
    }


@pytest.fixture
def alerts(default: Deployment) -> dict[str, str]:
    """The queries of the alerts, asked about the app that was recorded."""
    queries = {}
    for alert in default.of("Microsoft.Insights/scheduledQueryRules"):
        [criterion] = alert["properties"]["criteria"]["allOf"]
        name = alert["name"].removeprefix("alert-").partition("-dev-")[0]
        queries[name] = criterion["query"]
    return about_the_recorded(default, queries)


@pytest.fixture
def workbook(default: Deployment) -> dict[str, str]:
    """The queries of the workbook, asked about the app that was recorded."""
    queries = {
        item["name"]: item["content"]["query"]
        for item in default.workbook["items"]
        if item["type"] == 3
    }
    return about_the_recorded(default, queries)


def about_the_recorded(default: Deployment, queries: dict[str, str]) -> dict[str, str]:
    """Queries about a deployment, asked about the app that was recorded."""
    name = default.one("Microsoft.Web/sites")["name"]
    namespace = default.one("Microsoft.EventGrid/namespaces")["id"]
    return {
        what: query.replace(name, APP).replace(namespace, "")
        for what, query in queries.items()
    }


def test_a_publish_that_fails_is_noticed(alerts: dict[str, str]) -> None:
    """When it is the only one, or five have; not one among others, and not for a bad event."""
    query, recorded = alerts["publishing-fails"], tables()
    [failed] = [row for row in recorded["AppRequests"] if row["ResultCode"] == "503"]
    bad = failed | {"ResultCode": "400"}

    def fires(requests: list[Row]) -> bool:
        return kql.run(query, recorded | {"AppRequests": requests}, SOON) != []

    assert failed["Success"] is True
    assert fires([failed])
    assert fires([failed] * 5 + [failed | {"ResultCode": "202"}] * 100)
    assert fires([failed | {"ItemCount": 5}, bad])
    assert not fires(recorded["AppRequests"])
    assert not fires([bad] * 20)
    assert not fires([])


def test_a_silence_is_noticed_after_a_first_drain(alerts: dict[str, str]) -> None:
    """With the moment of the last good one; a drain that failed is none."""
    query, recorded = alerts["no-drain"], tables()
    last = {"EventSubscription": "sub-flagged", "LastDrain": "2026-11-27 08:58:20"}

    [late] = kql.run(query, recorded, LATER)

    assert late.items() >= last.items()
    assert kql.run(query, recorded, SOON) == []
    assert kql.run(query, tables("pull_flagged"), LATER) == []
    failed = [row for row in recorded["AppRequests"] if not row["Success"]]
    assert kql.run(query, recorded | {"AppRequests": failed}, LATER) == []


def test_one_failure_is_one_exception(alerts: dict[str, str]) -> None:
    """Though it is sent as two."""
    recorded = tables()

    assert len(recorded["AppExceptions"]) == 2
    assert kql.run(alerts["exceptions"], recorded, SOON) == [
        {
            "OperationId": "554e4aa41be3aebeb67b6bdf8d64a086",
            "OperationName": "pull_flagged",
        }
    ]


def test_throttling_is_told_from_other_refusals(alerts: dict[str, str]) -> None:
    """By the class that Azure Monitor gives a refusal."""
    table = "EGNFailedHttpDataPlaneOperations"
    other = [REFUSED | {"ResultSignature": "ClientError"}]

    assert kql.run(alerts["throttled"], tables(), SOON) == [REFUSED]
    assert kql.run(alerts["throttled"], tables() | {table: other}, SOON) == []


def test_the_workbook_counts_failures_as_they_are(workbook: dict[str, str]) -> None:
    """An answer of 503 and a drain that failed are failures; a 404 is none."""
    found = {
        row["Name"]: (row["Calls"], row["Failed"], row["Refused"])
        for row in kql.run(workbook["functions"], tables(), SOON)
    }

    assert found == {
        "publish": (2, 1, 0),
        "web": (1, 0, 1),
        "pull_flagged": (2, 1, 0),
    }


def test_the_workbook_weighs_lines_that_were_sampled(workbook: dict[str, str]) -> None:
    """One of ten that was kept counts for ten."""
    [drained] = [
        row for row in rows("AppTraces") if row["Message"].startswith("drained ")
    ]
    sampled = drained | {
        "ItemCount": 10,
        "Message": drained["Message"].replace("received 0", "received 7"),
    }
    recorded = tables() | {"AppTraces": [drained, sampled]}

    [drains] = kql.run(workbook["drains"], recorded, SOON)
    [minute] = kql.run(workbook["per minute"], recorded, SOON)

    assert (drains["Drains"], drains["Received"]) == (11, 70)
    assert minute["Received"] == 70


def test_every_query_asks_for_what_is_sent(
    alerts: dict[str, str], workbook: dict[str, str]
) -> None:
    """Each table and each column was recorded, or is in Azure Monitor's reference."""
    for query in [*alerts.values(), *workbook.values()]:
        kql.run(query, tables(), LATER)
    warnings = kql.run(workbook["warnings"], tables(), SOON)
    assert {row["SeverityLevel"] for row in warnings} == {2, 3}
    [refused] = kql.run(workbook["refused"], tables(), SOON)
    assert refused["Requests"] == 7
