"""Settings are read from a mapping, and every problem is named at once."""

import json
from pathlib import Path

import pytest

from moderation.settings import Settings, SettingsInvalid

ROOT = Path(__file__).parents[2]
EXAMPLE: dict[str, str] = json.loads(
    (ROOT / "local.settings.json.example").read_text(encoding="utf-8")
)["Values"]
ENDPOINT = "https://ns.westeurope-1.eventgrid.azure.net"
AZURE = EXAMPLE | {
    "EVENTGRID_ENDPOINT": ENDPOINT,
    "EVENTGRID_KEY": "",
    "AUDIT_STORAGE_CONNECTION_STRING": "",
    "AUDIT_STORAGE_ACCOUNT_URL": "https://acc.blob.core.windows.net",
}


def settings(environ: dict[str, str]) -> Settings:
    return Settings.from_environ(environ, topic="moderation-events")


def test_the_example_is_complete_and_valid() -> None:
    """`dev.py run` copies it as it is."""
    found = settings(EXAMPLE)

    assert found.pull_budget == 900
    assert found.audit_account_url is None


def test_in_azure_no_key_and_no_connection_string_are_needed() -> None:
    """The app's identity does for both."""
    found = settings(AZURE)

    assert found.audit_account_url == "https://acc.blob.core.windows.net"


def test_secrets_are_not_shown() -> None:
    """A settings object may end up in a log line."""
    shown = repr(
        settings(
            EXAMPLE
            | {"AUDIT_STORAGE_CONNECTION_STRING": "AccountName=a;AccountKey=c2VjcmV0"}
        )
    )

    assert EXAMPLE["EVENTGRID_KEY"] not in shown
    assert "c2VjcmV0" not in shown


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EVENTGRID_ENDPOINT", "", "is not set"),
        ("EVENTGRID_ENDPOINT", "http://ns.example.com", "https://"),
        ("EVENTGRID__endpoint", "ns.example.com", "scheme"),
        ("EVENTGRID_KEY", "first\nsecond", "one line"),
        ("EVENTGRID_TOPIC_NAME", "a/b", "must match"),
        ("AUDIT_CONTAINER", "Audit", "must match"),
        ("AUDIT_STORAGE_ACCOUNT_URL", "http://acc.blob.core.windows.net", "as https"),
        ("AUDIT_STORAGE_ACCOUNT_URL", "", "set one"),
        (
            "AUDIT_STORAGE_CONNECTION_STRING",
            "UseDevelopmentStorage=true",
            "set only one",
        ),
        ("PULL_BUDGET_SECONDS", "9", "from 10 to 1800"),
        ("PULL_BUDGET_SECONDS", "ten", "from 10 to 1800"),
        ("ACTIVITY_CONTAINER", "audit", "use two"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_should_be(
    name: str, value: str, said: str
) -> None:
    """The message alone is enough to mend it."""
    with pytest.raises(SettingsInvalid) as caught:
        settings(AZURE | {name: value})

    problems = {problem.path: problem.problem for problem in caught.value.problems}
    assert any(said in problem for problem in problems.values()), problems


def test_the_namespace_may_be_named_as_functions_names_a_connection() -> None:
    """The library reads it, so the app asks for no other name."""
    given = AZURE | {"EVENTGRID_ENDPOINT": "", "EVENTGRID__endpoint": ENDPOINT}

    assert settings(given) == settings(AZURE)


KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
ACCOUNT = f"AccountName=a;AccountKey={KEY}"


@pytest.mark.parametrize(
    "value",
    [
        "UseDevelopmentStorage=true",
        ACCOUNT,
        f"DefaultEndpointsProtocol=https;{ACCOUNT};EndpointSuffix=core.windows.net",
        f"accountname=a;accountkey={KEY};",
        f"  {ACCOUNT}\n",
        f"BlobEndpoint=http://127.0.0.1:10000/a;{ACCOUNT}",
        f"BlobEndpoint=http://[::1]:10000/a;{ACCOUNT}",
        "BlobEndpoint=https://a.example.com;SharedAccessSignature=sv=1&sig=2",
        "AccountName=a",
    ],
)
def test_a_connection_string_that_the_storage_client_takes_is_taken(value: str) -> None:
    """There is no second reader of it."""
    name = "AUDIT_STORAGE_CONNECTION_STRING"

    assert settings(EXAMPLE | {name: value}).audit_connection_string == value.strip()


@pytest.mark.parametrize(
    "value",
    [
        "nonsense",
        "a=b",
        ";;",
        f'"{ACCOUNT}"',
        f'"DefaultEndpointsProtocol=https;{ACCOUNT};EndpointSuffix=core.windows.net"',
        "'UseDevelopmentStorage=true'",
        "UseDevelopmentStorage=yes",
        "https://a.blob.core.windows.net",
        f"AccountKey={KEY}",
        "AccountName=a;AccountKey=notbase64",
        "AccountName=;AccountKey=",
        f"AccountName=a b;AccountKey={KEY}",
        f"AccountName=\u00e4;AccountKey={KEY}",
        f"{ACCOUNT};EndpointSuffix=core.windows.net'",
        f"BlobEndpoint=https://[::1;{ACCOUNT}",
        f"BlobEndpoint=https://a:99999/;{ACCOUNT}",
        f"DefaultEndpointsProtocol=ftp;{ACCOUNT};EndpointSuffix=x\u0007",
        "FileEndpoint=https://a;SharedAccessSignature=x",
    ],
)
def test_a_connection_string_that_it_does_not_take_is_named(value: str) -> None:
    """Before anything is asked of the storage, and without showing what is secret."""
    with pytest.raises(SettingsInvalid) as caught:
        settings(EXAMPLE | {"AUDIT_STORAGE_CONNECTION_STRING": value})

    [problem] = caught.value.problems
    assert problem.path == "AUDIT_STORAGE_CONNECTION_STRING"
    assert KEY not in problem.problem


def test_all_problems_are_named_at_once() -> None:
    """An app without any settings says what it needs."""
    with pytest.raises(SettingsInvalid) as caught:
        settings({})

    assert {problem.path for problem in caught.value.problems} == {
        "EVENTGRID_ENDPOINT",
        "AUDIT_STORAGE_ACCOUNT_URL",
    }
