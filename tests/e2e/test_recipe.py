"""A new event subscription is its declaration and its handler, and nothing else."""

import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from moderation import topology
from moderation.function_names import setting
from moderation.timers import EVERY_FIVE_MINUTES
from tests.e2e.stacks import SCHEDULES, Stack, StartStack, make_app, until
from tools.terminal import ROOT

pytestmark = pytest.mark.e2e

NAME = "sub-escalated"
RESULT = {
    "contentId": "doc-1",
    "contentType": "text",
    "modelName": "text-moderator-v2",
    "modelVersion": "2.4.0",
    "confidence": 0.6,
    "category": "hate",
    "severity": "medium",
    "reviewRequired": True,
    "escalationReason": "two models disagree",
}


def block(language: str) -> str:
    """That block of CONTRIBUTING's recipe, as a person would copy it."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipe = page.partition("## A new event subscription or handler")[2]
    found = re.search(rf"```{language}\n(.*?)```", recipe, re.DOTALL)
    assert found is not None
    return dedent(found[1])


def follow_the_recipe(app: Path) -> None:
    """Both steps, in a copy of the app; one that has been taken here is not repeated."""
    file = app / "moderation" / "topology.json"
    declared = json.loads(file.read_bytes())
    if NAME not in [
        subscription["name"] for subscription in declared["eventSubscriptions"]
    ]:
        declared["eventSubscriptions"].append(json.loads(block("json")))
        file.write_text(json.dumps(declared), encoding="utf-8")
        with (app / "moderation" / "handlers.py").open("a", encoding="utf-8") as code:
            code.write(f"\n\n{block('python')}")


def asked(stack: Stack, path: str) -> Any:
    answer = stack.call("GET", path)
    assert answer.status == 200, answer.body
    return answer.json()


def publish(stack: Stack) -> None:
    event = {
        "specversion": "1.0",
        "id": "event-1",
        "source": "/tests",
        "type": "com.contoso.ai.ReviewEscalated",
        "data": RESULT,
    }
    content = "application/cloudevents+json"
    body = json.dumps(event).encode()
    answer = stack.call("POST", "/api/events", body, Content_Type=content)
    assert answer.status == 202, answer.body


def test_an_escalation_is_handled_once_it_is_declared_and_has_a_handler(
    start_stack: StartStack, tmp_path: Path
) -> None:
    """The timer, its schedule, the checks and the page follow by themselves."""
    app = make_app(tmp_path / "app")
    follow_the_recipe(app)
    stack = start_stack(app=app, host_kind="stand-in")

    publish(stack)
    fired = stack.call(
        "POST",
        "/admin/functions/pull_escalated",
        b"{}",
        Content_Type="application/json",
    )
    assert fired.status == 202, fired.body

    entries = until(
        "the escalation to be handled",
        lambda: asked(stack, f"/api/audit?subscription={NAME}")["entries"],
    )
    assert [(entry["id"], entry["verdict"]) for entry in entries] == [
        ("event-1", "sent-to-review")
    ]
    layout = asked(stack, "/api/topology")["subscriptions"]
    [shown] = [subscription for subscription in layout if subscription["name"] == NAME]
    assert shown["schedule"] == SCHEDULES.get(
        setting(NAME, "SCHEDULE"), EVERY_FIVE_MINUTES
    )
    assert (shown["lanes"], shown["problems"]) == (1, [])
    health = asked(stack, "/api/health")
    assert [check for check in health["checks"] if not check["ok"]] == []
    assert f"Event Grid: {NAME}" in [check["name"] for check in health["checks"]]


def test_another_topology_is_for_the_app_and_the_emulator_alike(
    start_stack: StartStack, tmp_path: Path
) -> None:
    """One without a handler is in error, everything says so, and the rest goes on."""
    declared = json.loads(topology.FILE.read_bytes())
    [approved] = [
        subscription
        for subscription in declared["eventSubscriptions"]
        if subscription["name"] == "sub-approved"
    ]
    declared["topic"] = "other-events"
    everything: dict[str, Any] = {"includedEventTypes": None, "filters": []}
    declared["eventSubscriptions"] = [
        approved,
        approved | {"name": "parcels", "filtersConfiguration": everything},
    ]
    file = tmp_path / "other.json"
    file.write_text(json.dumps(declared), encoding="utf-8")

    stack = start_stack("--topology", str(file), host_kind="stand-in")

    publish(stack)
    layout = asked(stack, "/api/topology")
    assert (layout["topic"], layout["inspected"]) == ("other-events", None)
    assert {
        subscription["name"]: subscription["lanes"]
        for subscription in layout["subscriptions"]
    } == {
        "sub-approved": 1,
        "parcels": 0,
    }
    pulled = stack.call("POST", "/api/pull")
    assert pulled.status == 200, pulled.body
    errors = {
        subscription["subscription"]: subscription["error"]
        for subscription in pulled.json()["subscriptions"]
    }
    assert errors["sub-approved"] is None
    assert '@pull.subscription("parcels"' in errors["parcels"]
    assert stack.call("POST", "/api/pull?subscription=parcels").status == 503
    assert stack.call("POST", "/api/inspect").status == 409
    health = asked(stack, "/api/health")
    assert health["status"] == "attention"
    assert {"doctor: parcels", "doctor: sub-flagged"} <= {
        check["name"] for check in health["checks"]
    }
    [alert, *_] = asked(stack, "/api/activity?subscription=parcels")["alerts"]
    assert alert["kind"] == "in-error"


@pytest.mark.parametrize("content", [None, "{", '{"topic": "a b"}'])
def test_a_topology_that_is_none_is_named_in_one_line(
    start_stack: StartStack, tmp_path: Path, content: str | None
) -> None:
    """Nothing is started that would not do."""
    file = tmp_path / "none.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")

    stack = start_stack("--topology", str(file), wait=False)

    assert stack.supervisor.wait(60) == 1
    [line] = [line for line in stack.output().splitlines() if "Cannot run" in line]
    assert str(file) in line
