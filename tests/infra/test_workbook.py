"""The workbook by rules of our own: no package brings its schema."""

import pytest

from tests.infra import expected
from tests.infra.deployment import Deployment, Json
from tools import bicep

KINDS = {1: "text", 3: "query", 9: "parameters", 10: "metric"}


@pytest.fixture
def items(default: Deployment) -> list[Json]:
    """Everything that the workbook shows."""
    found: list[Json] = default.workbook["items"]
    return found


def test_every_item_is_of_a_known_kind_and_has_its_own_name(
    items: list[Json],
) -> None:
    """Text, query, parameters or metric."""
    assert {item["type"] for item in items} <= set(KINDS)
    names = [item["name"] for item in items]
    assert len(set(names)) == len(names)


def test_every_metric_is_one_that_the_namespace_has(
    default: Deployment, items: list[Json]
) -> None:
    """Older pages of the documentation name others."""
    namespace = default.one("Microsoft.EventGrid/namespaces")["id"]
    shown = set()
    for item in items:
        if KINDS[item["type"]] == "metric":
            assert item["content"]["version"] == "MetricsItem/2.0"
            assert item["content"]["resourceIds"] == [namespace]
            for metric in item["content"]["metrics"]:
                space, _, name = metric["metric"].partition("--")
                assert space == metric["namespace"] == "microsoft.eventgrid/namespaces"
                shown.add(name)

    assert shown <= expected.METRICS
    assert {"DeadLetteredCount", "DroppedEventCount", "MatchedEventCount"} <= shown


def test_every_query_goes_without_tables_that_are_not_there_yet(
    default: Deployment, items: list[Json]
) -> None:
    """And asks the workspace about this app only."""
    queries = [item["content"] for item in items if KINDS[item["type"]] == "query"]
    for content in queries:
        assert content["version"] == "KqlItem/1.0"
        assert content["crossComponentResources"] == [default.workspace]
        assert content["query"].startswith("union isfuzzy=true (datatable(")
        table = content["query"].split("), ", 1)[1].split(" ")[0]
        assert table in ("AppTraces", "AppRequests", "EGNFailedHttpDataPlaneOperations")
        app = default.one("Microsoft.Web/sites")["name"]
        assert table.startswith("EGN") or f'AppRoleName =~ "{app}"' in content["query"]
    assert len(queries) >= 5


def test_the_time_range_is_chosen_once(items: list[Json]) -> None:
    """Every chart and table follows it."""
    for item in items:
        if KINDS[item["type"]] in ("query", "metric"):
            assert item["content"]["timeContextFromParameter"] == "TimeRange"


def test_drains_are_read_as_the_app_writes_them(items: list[Json]) -> None:
    """The words between the values are those of the log line."""
    library = bicep.INFRA.parent / "eventgrid_pull"
    code = (library / "draining" / "drain_parts.py").read_text("utf-8")
    [drains] = [item["content"]["query"] for item in items if item["name"] == "drains"]

    assert '"drained %s: received %d, settled %s, failed %s, stopped: %s"' in code
    for words in (
        '"drained "',
        '": received "',
        '", settled "',
        '", failed "',
        '", stopped: "',
    ):
        assert words in drains


def test_the_workbook_is_everybodys_and_of_its_workspace(
    deployment: Deployment,
) -> None:
    """Wherever the logs are, it is found there."""
    workbook = deployment.one("Microsoft.Insights/workbooks")

    assert deployment.workbook["version"] == "Notebook/1.0"
    assert deployment.workbook["fallbackResourceIds"] == [deployment.workspace]
    assert workbook["kind"] == "shared"
    assert workbook["properties"]["sourceId"] == deployment.workspace
