"""The whole app with an identity instead of a key: no secret anywhere but tokens."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stacks import SCHEDULES
from tests.eventgrid_emulator import emulator_process
from tests.functions_host.hosting import RunningHost, blob_storage, running

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def an_app(folder: Path) -> Path:
    """The function app as it is deployed, with no settings file beside it."""
    folder.mkdir()
    for name in ("function_app.py", "host.json"):
        shutil.copy(ROOT / name, folder / name)
    ignored = shutil.ignore_patterns("__pycache__")
    for package in ("eventgrid_pull", "moderation", "console"):
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    return folder


@contextlib.asynccontextmanager
async def an_emulator(folder: Path) -> AsyncIterator[dict[str, str]]:
    """An emulator over TLS; the settings of an app that uses it by identity."""
    arguments = ("--tls", "--tls-folder", str(folder), "--key", "bm9ib2R5LWtub3dz")
    async with emulator_process.running(*arguments) as emulator:
        text = await asyncio.to_thread((folder / "identity.env").read_text)
        identity = dict(line.split("=", 1) for line in text.splitlines())
        yield {
            **identity,
            "EVENTGRID_ENDPOINT": emulator.endpoint,
            "EVENTGRID_TOPIC_NAME": "moderation-events",
            "EVENTGRID_KEY": "",
        }


def story(host: RunningHost) -> Any:
    """Publishes the samples, pulls, and looks at the app's health."""
    headers = {"Content-Type": "application/json"}
    published = host.call("POST", "/api/events/samples", headers, b"")
    assert published.status == 202, published.body
    pulled = host.call("POST", "/api/pull", headers, b"")
    assert pulled.status == 200, pulled.body
    health = host.get("/api/health")
    assert health.status == 200, health.body
    return pulled.json


async def test_the_app_runs_with_an_identity_instead_of_a_key(tmp_path: Path) -> None:
    """Published, pulled 2 / 2 / 5 and healthy with DefaultAzureCredential over TLS."""
    (tmp_path / "tls").mkdir()
    (tmp_path / "azurite").mkdir()
    app = an_app(tmp_path / "app")
    with blob_storage(tmp_path / "azurite") as storage:
        async with an_emulator(tmp_path / "tls") as settings:
            environment = settings | {
                "FUNCTIONS_WORKER_RUNTIME": "python",
                "AzureWebJobsStorage": storage,
                "AUDIT_STORAGE_CONNECTION_STRING": storage,
                "AUDIT_CONTAINER": "audit",
                "PULL_BUDGET_SECONDS": "25",
                **SCHEDULES,
            }
            with running(app, environment=environment) as host:
                pulled = await asyncio.to_thread(story, host)
                log = host.log

    received = {
        subscription["subscription"]: subscription["received"]
        for subscription in pulled["subscriptions"]
    }
    wanted = {"sub-flagged": 2, "sub-approved": 2, "sub-all-events": 5}
    assert received.items() >= wanted.items()
    assert "Bearer" not in log
