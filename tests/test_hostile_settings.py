"""Whatever is in the environment, what is wrong is named; nothing that looks at it dies."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.endpoints.app import health
from console.endpoints.app import settings as settings_endpoint
from eventgrid_pull import EventGridPull
from eventgrid_pull.events.cloudevents import Problem
from moderation import runtime, timers, topology
from moderation.checks import config_check
from moderation.runtime import handled
from moderation.settings import SETTINGS, Settings, SettingsInvalid
from moderation.storage import logs
from tests import schedule_cases
from tests.own_topology import own_topology  # noqa: F401

ROOT = Path(__file__).parents[1]
EXAMPLE: dict[str, str] = json.loads(
    (ROOT / "local.settings.json.example").read_text(encoding="utf-8")
)["Values"]
AZURE = EXAMPLE | {
    "EVENTGRID_ENDPOINT": "https://ns.westeurope-1.eventgrid.azure.net",
    "EVENTGRID_KEY": "",
    "AUDIT_STORAGE_CONNECTION_STRING": "",
    "AUDIT_STORAGE_ACCOUNT_URL": "https://acc.blob.core.windows.net",
}
NAMES = [
    *(setting.name for setting in SETTINGS),
    *(setting.name for setting in timers.settings("sub-flagged")),
    *("AzureWebJobsStorage", "AzureFunctionsJobHost__functionTimeout"),
    *("AZURE_TOKEN_CREDENTIALS", "AZURE_AUTHORITY_HOST", "WEBSITE_HOSTNAME"),
]
VALUES = st.one_of(
    st.sampled_from(
        [
            *("", " ", "\t", "\n", "0", "-1", "9" * 5000, "\u0661", "1e3", "NaN"),
            *("\udcff", "true", "null", "{}", "[]", '"', "'", "%", "%X%"),
            *("@Microsoft.KeyVault(x)", "https://", "https://[", "https://[::1"),
            *("http://127.0.0.1:1", "https://a:b", "https://\u00e4.example"),
            *("https://a.example\n", "//a", "https://a/%00?#"),
            *("UseDevelopmentStorage=true", '"UseDevelopmentStorage=true"', "a=b;"),
            *(";", "AccountName=a;AccountKey=b", "AccountName=;AccountKey="),
            "AccountName=\udcff",
            *("BlobEndpoint=https://[;AccountName=a;AccountKey=YQ==", "audit", "Audit"),
        ]
    ),
    schedule_cases.EVERYTHING.filter(lambda text: "\0" not in text),
)


@settings(deadline=None)
@given(
    st.sampled_from([EXAMPLE, AZURE]),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4),
)
def test_whatever_is_in_the_environment_is_named(
    base: dict[str, str], changes: dict[str, str]
) -> None:
    """A 503 says which setting it is; "a fault of this app" would say nothing."""
    environ, declared = base | changes, topology.load()
    named: list[Problem] = []

    async def look() -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name in changes.keys() & {
                "AZURE_TOKEN_CREDENTIALS",
                "AZURE_AUTHORITY_HOST",
            }:
                try:
                    patch.setenv(name, changes[name])
                except (UnicodeEncodeError, ValueError):
                    return
            logs.identity.cache_clear()
            found = Settings.from_environ(environ, topic=declared.topic)
            pull = EventGridPull(topic=found.topic, environ=environ)
            kept = logs.of(found)
            await runtime.build(found, declared, kept, pull.consumer).close()
        config_check.examine(found, environ, declared, handled())

    settings_endpoint.describe(environ, declared)
    try:
        asyncio.run(look())
    except SettingsInvalid as error:
        named = error.problems
    finally:
        logs.identity.cache_clear()
    assert all(problem.path and problem.problem for problem in named)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "AUDIT_STORAGE_CONNECTION_STRING",
            '"DefaultEndpointsProtocol=https;AccountName=a"',
        ),
        ("AUDIT_STORAGE_CONNECTION_STRING", "AccountName=a;AccountKey=notbase64"),
        ("EVENTGRID_ENDPOINT", "https://[::1"),
    ],
)
async def test_health_names_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """It is what people look at when nothing works."""
    for known, given_value in (EXAMPLE | {name: value}).items():
        monkeypatch.setenv(known, given_value)

    found = await health.probe_everything()

    assert not found.is_well()
    assert [check.detail.partition(" ")[0] for check in found.checks] == [name]
