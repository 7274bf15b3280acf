"""Timers of a running host: on time, kept in blobs, and not stopped by lost storage."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from tests.functions_host.hosting import (
    RunningHost,
    a_free_port,
    an_app,
    blob_storage,
    running,
    until,
)
from tools.stack.parts.services import connection_string

pytestmark = pytest.mark.contract

RECORDED: dict[str, Any] = json.loads(
    Path(__file__).with_name("host-answers.json").read_text(encoding="utf-8")
)["schedules"]
# Spans that fire without pause: see tests/functions_host/test_cron.py and docs/host.md.
REFUSED = {"-00:00:10", "00:00:00"}

HEAD = """
import asyncio, json, os, time
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
ran = []
gate = asyncio.Event()


def note(name, timer, **more):
    seen = {"past_due": timer.past_due, "status": timer.schedule_status}
    ran.append({"name": name, "at": time.time(), **seen, **more})


@app.route("ran")
async def tell(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(ran))


@app.route("open")
async def open_gate(req: func.HttpRequest) -> func.HttpResponse:
    gate.set()
    return func.HttpResponse("open")
"""

EVERY_SECOND = """
@app.timer_trigger("timer", "* * * * * *")
async def tick(timer: func.TimerRequest) -> None:
    note("tick", timer)
"""

HOURLY = """
@app.timer_trigger("timer", "0 0 * * * *")
async def hourly(timer: func.TimerRequest) -> None:
    note("hourly", timer)
"""

HELD = """
@app.timer_trigger("timer", "0 0 * * * *", run_on_startup=True)
async def held(timer: func.TimerRequest) -> None:
    note("held", timer)
    await gate.wait()
"""


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run an Azurite for this module; give its connection string."""
    with blob_storage(tmp_path_factory.mktemp("azurite")) as connection_string:
        yield connection_string


def runs(host: RunningHost, name: str, count: int = 1) -> list[dict[str, Any]]:
    """Return the function's runs, as soon as there are so many."""

    def enough() -> list[dict[str, Any]] | None:
        found = [run for run in host.get("/api/ran").json if run["name"] == name]
        return found if len(found) >= count else None

    found: list[dict[str, Any]] = until(enough)
    return found


def status_blob(storage: str, host: RunningHost, function: str) -> Any:
    """Return the blob in which the function's status is kept."""
    container = ContainerClient.from_connection_string(storage, "azure-webjobs-hosts")
    host_id = host.get("/admin/host/status").json["id"]
    name = f"timers/{host_id}/Host.Functions.{function}/status"
    return container.get_blob_client(name)


def test_ticks_come_with_the_second(tmp_path: Path) -> None:
    """Never early, and soon after it; a schedule of seconds needs no storage."""
    with running(an_app(tmp_path, HEAD + EVERY_SECOND)) as host:
        found = runs(host, "tick", 4)

    seconds = [int(run["at"]) for run in found]
    assert seconds == sorted(set(seconds))
    assert min(run["at"] % 1 for run in found) < 0.2
    assert [run["past_due"] for run in found] == [False] * len(found)
    assert found[0]["status"] == {}


def test_a_status_is_kept_where_and_as_microsofts_host_keeps_it(
    tmp_path: Path, storage: str
) -> None:
    """Another host of the same id goes on from it."""
    with running(
        an_app(tmp_path, HEAD + HOURLY), environment={"AzureWebJobsStorage": storage}
    ) as host:
        blob = status_blob(storage, host, "hourly")
        kept = json.loads(
            until(lambda: blob.exists() and blob.download_blob().readall())
        )

    assert list(kept) == ["Last", "Next", "LastUpdated"]
    assert kept["Last"] == "0001-01-01T00:00:00+00:00"
    following = datetime.fromisoformat(kept["Next"])
    assert following > datetime.now(UTC)  # noqa: TID251 - the host has the real time
    assert (following.minute, following.second) == (0, 0)


def test_occurrences_missed_while_down_are_one_past_due_run(
    tmp_path: Path, storage: str
) -> None:
    """After a long pause the function runs once at once, and its status moves on."""
    settings = {"AzureWebJobsStorage": storage}
    app = an_app(tmp_path, HEAD + HOURLY)
    with running(app, environment=settings) as host:
        blob = status_blob(storage, host, "hourly")
        until(blob.exists)
        assert host.stop() == 0
    missed = {
        "Last": "2026-11-20T08:00:00.0123456+00:00",
        "Next": "2026-11-20T09:00:00+00:00",
        "LastUpdated": "2026-11-20T08:00:00.0123456+00:00",
    }
    blob.upload_blob(json.dumps(missed).encode(), overwrite=True)

    with running(app, environment=settings) as host:
        [run] = runs(host, "hourly")
        kept = until(lambda: moved_on(blob, missed))

    assert run["past_due"] is True
    assert run["status"]["Next"] == missed["Next"]
    assert kept["Last"] == kept["LastUpdated"] > missed["Last"]


def moved_on(blob: Any, before: dict[str, str]) -> dict[str, str] | None:
    """Return the status if it is not the one before."""
    kept: dict[str, str] = json.loads(blob.download_blob().readall())
    return None if kept["LastUpdated"] == before["LastUpdated"] else kept


def test_http_is_served_while_timers_wait_for_storage(tmp_path: Path) -> None:
    """Their status says what they wait for, the log says it once."""
    settings = {"AzureWebJobsStorage": connection_string(a_free_port())}
    code = HEAD + HELD + EVERY_SECOND
    with running(an_app(tmp_path, code), environment=settings) as host:
        status = until(lambda: host.get("/admin/functions/held/status").json)
        assert "AzureWebJobsStorage is not available" in status["errors"][0]
        runs(host, "tick")
        assert host.log.count("AzureWebJobsStorage is not available") == 1
        assert host.stop() == 0


def test_timers_start_when_storage_does(tmp_path: Path) -> None:
    """Storage may come up after the host."""
    port = a_free_port()
    settings = {"AzureWebJobsStorage": connection_string(port)}
    others = HELD.replace("held", "other") + HELD.replace("held", "third")
    app = an_app(tmp_path / "app", HEAD + HELD + others)
    with running(app, environment=settings) as host:
        until(lambda: "AzureWebJobsStorage is not available" in host.log)
        with blob_storage(tmp_path, port):
            runs(host, "held")
            runs(host, "other")
            runs(host, "third")
            assert host.log.count("AzureWebJobsStorage is available again") == 1
            assert host.log.count("AzureWebJobsStorage is not available") == 1


def test_losing_storage_stops_nothing(tmp_path: Path) -> None:
    """The host says so once and goes on."""
    (tmp_path / "blobs").mkdir()
    app = an_app(tmp_path / "app", HEAD + HELD)
    with ExitStack() as up:
        storage = up.enter_context(blob_storage(tmp_path / "blobs"))
        with running(app, environment={"AzureWebJobsStorage": storage}) as host:
            runs(host, "held")
            up.close()
            host.get("/api/open")
            until(lambda: "timers go on" in host.log)
            assert host.get("/admin/functions/held/status").json == {}
            assert host.stop() == 0


def test_a_monitored_timer_without_storage_is_in_error(tmp_path: Path) -> None:
    """It alone; the error names the setting."""
    with running(an_app(tmp_path, HEAD + HOURLY)) as host:
        [error] = host.get("/admin/functions/hourly/status").json["errors"]

        assert "AzureWebJobsStorage is not set" in error
        assert host.get("/api/ran").json == []


def test_a_run_by_hand_goes_beside_a_scheduled_one(tmp_path: Path) -> None:
    """It is not past due and does not wait for its turn."""
    code = HEAD + HELD.replace("run_on", "use_monitor=False, run_on")
    with running(an_app(tmp_path, code)) as host:
        runs(host, "held")
        headers = {"content-type": "application/json"}
        assert host.call("POST", "/admin/functions/held", headers, b"{}").status == 202

        found = runs(host, "held", 2)

    assert [run["past_due"] for run in found] == [False, False]


def test_a_disabled_timer_runs_only_by_hand(tmp_path: Path) -> None:
    """The setting stops its schedule."""
    off = {"AzureWebJobs_tick_Disabled": "1"}
    code = HEAD + EVERY_SECOND + EVERY_SECOND.replace("tick", "tock")
    with running(an_app(tmp_path, code), environment=off) as host:
        runs(host, "tock", 2)
        headers = {"content-type": "application/json"}
        host.call("POST", "/admin/functions/tick", headers, b"{}")

        assert len(runs(host, "tick")) == 1


def test_a_retry_policy_is_carried_out(tmp_path: Path) -> None:
    """Each attempt knows its number and what went wrong before."""
    code = HEAD + (
        '\n@app.timer_trigger("timer", "0 0 * * * *", use_monitor=False, '
        "run_on_startup=True)\n"
        '@app.retry(strategy="fixed_delay", max_retry_count="2", '
        'delay_interval="00:00:01")\n'
        "async def failing(timer: func.TimerRequest, context: func.Context) -> None:\n"
        "    retry = context.retry_context\n"
        "    why = retry.rpc_exception and retry.rpc_exception.message\n"
        '    note("failing", timer, retry=retry.retry_count, why=why)\n'
        '    raise ValueError("boom")\n'
    )
    with running(an_app(tmp_path, code)) as host:
        found = runs(host, "failing", 3)

        assert [run["retry"] for run in found] == [0, 1, 2]
        assert found[0]["why"] is None
        assert "boom" in found[2]["why"]
        assert until(lambda: host.log.count("ERROR failed: ValueError: boom") == 3)


def test_a_bad_schedule_is_its_own_functions_error(tmp_path: Path) -> None:
    """All recorded schedules in one app: those in error are, the others run."""
    code = HEAD
    for number, case in enumerate(RECORDED["cases"]):
        code += (
            f"\n@app.timer_trigger('timer', {case['schedule']!r}, use_monitor=False)\n"
            f"async def timer_{number}(timer: func.TimerRequest) -> None: ...\n"
        )
    code += HOURLY.replace("0 0 * * * *", "%NOT_THERE%")
    with running(an_app(tmp_path, code)) as host:
        for number, case in enumerate(RECORDED["cases"]):
            status = host.get(f"/admin/functions/timer_{number}/status").json
            in_error = "error" in case or case["schedule"] in REFUSED
            assert ("errors" in status) == in_error, case["schedule"]
        [error] = host.get("/admin/functions/hourly/status").json["errors"]
        assert "%NOT_THERE% does not resolve" in error
