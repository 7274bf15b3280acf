"""When each event subscription was drained last, as Application Insights heard it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from eventgrid_pull.settings.cron import next_due
from tools.azure.checks.resources import is_running
from tools.azure.deployment import Deployment, Json
from tools.azure.finding import Finding, Level

NEVER = datetime.min.replace(tzinfo=UTC)
HEARD_AFTER = timedelta(minutes=10)  # telemetry takes its time
LOOK = (
    "look at the app's exceptions and at `GET /api/health`; if the host is silent too, "
    "restart the app: `az functionapp restart --name {app} --resource-group {group}`"
)


def check(actual: Deployment) -> Iterator[Finding]:
    """Yield event subscriptions whose drains fail, or have not run in time."""
    if not actual.functions or not actual.was_answered("drains", "settings"):
        return
    if not is_running(actual):
        return  # the reason is known, and there is nothing else to do
    if actual.drains is None:
        yield Finding(
            actual.group,
            "has no Log Analytics workspace: when drains ran is unknown",
            "deploy with monitoring, or ask `GET /api/activity`",
            Level.UNKNOWN,
        )
        return
    heard = last_drains(actual.drains)
    for timer in actual.timers():
        lanes = [at for name, at in heard.items() if name in timer.functions]
        success = max((ok for _, ok in lanes), default=NEVER)
        if timer.functions and _is_late(timer.schedule, success, actual.now):
            yield _late(timer.subscription, lanes, actual)


def last_drains(answer: Json) -> dict[str, tuple[datetime, datetime]]:
    """Return, by function, its last run and success, year 1 where there was none."""
    table = answer["tables"][0]
    columns = [column["name"] for column in table["columns"]]
    rows = [dict(zip(columns, row, strict=True)) for row in table["rows"]]
    return {
        row["Name"]: (_time(row["lastRun"]), _time(row["lastSuccess"])) for row in rows
    }


def _time(text: Any) -> datetime:
    return datetime.fromisoformat(text) if text else NEVER


def _is_late(schedule: str, success: datetime, now: datetime) -> bool:
    """Return whether a second drain after the last good one is overdue."""
    if success == NEVER:
        return True
    due = next_due(schedule, success)
    due = due and next_due(schedule, due)
    return due is not None and due + HEARD_AFTER < now


def _late(
    name: str, lanes: list[tuple[datetime, datetime]], actual: Deployment
) -> Finding:
    do = LOOK.format(app=actual.app, group=actual.group)
    where = f"event subscription {name}"
    if not lanes:
        return Finding(where, "was not drained within the last day", do)
    run = max(run for run, _ in lanes)
    success = max(success for _, success in lanes)
    problem = f"was last drained at {success:%Y-%m-%d %H:%M} UTC"
    if success == NEVER:
        problem = "had no successful drain within the last day"
    if run > success:
        problem += f", and its drains fail: the last at {run:%Y-%m-%d %H:%M} UTC"
    return Finding(where, problem, do)
