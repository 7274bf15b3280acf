"""Connections as Functions spells them; each message names the setting to look at."""

import sys

import pytest
from azure.core.credentials import AzureKeyCredential

from eventgrid_pull import ConnectionInvalid
from eventgrid_pull.settings import connection

ENDPOINT = "https://shop.westeurope-1.eventgrid.azure.net"
LOCAL = "http://127.0.0.1:6500"

# Settings, and what they say: endpoint, key, whether a managed identity, its client id.
SPELLINGS: list[tuple[dict[str, str], tuple[str, str | None, bool, str | None]]] = [
    ({"SHOP__endpoint": ENDPOINT}, (ENDPOINT, None, False, None)),
    (
        {"SHOP__endpoint": ENDPOINT, "SHOP__key": "a2V5"},
        (ENDPOINT, "a2V5", False, None),
    ),
    (
        {"SHOP__endpoint": ENDPOINT, "SHOP__credential": "managedidentity"},
        (ENDPOINT, None, True, None),
    ),
    (
        {
            "SHOP__endpoint": ENDPOINT,
            "SHOP__credential": "ManagedIdentity",
            "SHOP__clientId": "c1",
        },
        (ENDPOINT, None, True, "c1"),
    ),
    ({"SHOP_ENDPOINT": LOCAL, "SHOP_KEY": "a2V5"}, (LOCAL, "a2V5", False, None)),
    ({"shop__ENDPOINT": LOCAL, "Shop__Key": "a2V5"}, (LOCAL, "a2V5", False, None)),
    (
        {"SHOP__endpoint": f" {ENDPOINT} ", "SHOP__key": " "},
        (ENDPOINT, None, False, None),
    ),
    (
        {"SHOP__endpoint": ENDPOINT, "SHOP_ENDPOINT": LOCAL},
        (ENDPOINT, None, False, None),
    ),
]


@pytest.mark.parametrize(("environ", "meant"), SPELLINGS)
def test_a_connection_is_spelt_as_functions_spells_it(
    environ: dict[str, str], meant: tuple[str, str | None, bool, str | None]
) -> None:
    """Or as the app's settings have been from the beginning, in any case."""
    found = connection.read("SHOP", environ)

    identity = found.is_managed_identity, found.client_id
    assert (found.endpoint, found.key, *identity) == meant
    assert "a2V5" not in repr(found)


WRONG: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["SHOP__endpoint is not set"]),
    ({"SHOP__endpoint": "  "}, ["SHOP__endpoint is not set"]),
    ({"SHOP__key": "a2V5"}, ["SHOP__endpoint is not set"]),
    ({"SHOP__endpoint": "shop.example.com"}, ["SHOP__endpoint must be a URL"]),
    ({"SHOP_ENDPOINT": "shop.example.com"}, ["SHOP_ENDPOINT must be a URL"]),
    ({"SHOP__endpoint": "https://a b"}, ["SHOP__endpoint must be a URL"]),
    ({"SHOP__endpoint": "https://x:99999"}, ["SHOP__endpoint must be a URL"]),
    (
        {"SHOP__endpoint": "http://shop.example.com"},
        ["SHOP__endpoint must begin with https"],
    ),
    (
        {"SHOP__endpoint": LOCAL},
        ["SHOP__endpoint is http, where only a key is sent: set SHOP__key"],
    ),
    (
        {"SHOP_ENDPOINT": LOCAL},
        ["SHOP_ENDPOINT is http, where only a key is sent: set SHOP_KEY"],
    ),
    (
        {"SHOP__endpoint": ENDPOINT, "SHOP__key": "schlüssel"},
        ["SHOP__key must be one line"],
    ),
    ({"SHOP__endpoint": ENDPOINT, "SHOP__key": "a\nb"}, ["SHOP__key must be one line"]),
    (
        {"SHOP__endpoint": ENDPOINT, "SHOP__credential": "key"},
        ["SHOP__credential must be managedidentity"],
    ),
    (
        {
            "SHOP__endpoint": ENDPOINT,
            "SHOP__credential": "managedidentity",
            "SHOP_KEY": "a2V5",
        },
        ["SHOP__credential is set, and so is SHOP_KEY"],
    ),
    (
        {"SHOP__endpoint": ENDPOINT, "SHOP__clientId": "c1"},
        ["SHOP__clientId needs SHOP__credential=managedidentity"],
    ),
    (
        {"SHOP__key": "ü", "SHOP__clientId": "c1"},
        ["SHOP__endpoint is not set", "SHOP__key must", "SHOP__clientId needs"],
    ),
]


@pytest.mark.parametrize(("environ", "problems"), WRONG)
def test_what_is_missing_or_contradicts_itself_is_named(
    environ: dict[str, str], problems: list[str]
) -> None:
    """All of it at once, and never a value of a key."""
    with pytest.raises(ConnectionInvalid) as caught:
        connection.read("SHOP", environ)

    found = caught.value.problems
    assert len(found) == len(problems)
    for problem, beginning in zip(found, problems, strict=True):
        assert problem.startswith(beginning)
    assert not any(value in str(caught.value) for value in ("schlüssel", "a2V5"))


def test_a_connection_gives_what_a_client_signs_in_with() -> None:
    """A key as it is; otherwise an identity, the app's own or the default one."""
    kinds = [
        ({"SHOP__key": "a2V5"}, AzureKeyCredential.__name__),
        ({"SHOP__credential": "managedidentity"}, "ManagedIdentityCredential"),
        ({}, "DefaultAzureCredential"),
    ]
    for settings, kind in kinds:
        found = connection.read("SHOP", {"SHOP__endpoint": ENDPOINT} | settings)
        assert type(found.credential()).__name__ == kind


def test_an_identity_without_its_package_names_the_extra_and_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody has to guess which of the two was meant."""
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    found = connection.read("SHOP", {"SHOP__endpoint": ENDPOINT})

    with pytest.raises(
        ConnectionInvalid, match=r"SHOP__key .*eventgrid-pull\[identity\]"
    ):
        found.credential()


def test_invalid_settings_of_an_identity_are_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As azure-identity reads them, at the first tick and not as a traceback."""
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "nobody")
    found = connection.read("SHOP", {"SHOP__endpoint": ENDPOINT})

    with pytest.raises(ConnectionInvalid, match="settings of the identity"):
        found.credential()


def test_a_topic_may_be_a_setting() -> None:
    """Messages name the setting, or the topic where it is none."""
    environ = {"shop_topic": " orders "}

    assert connection.read_topic("%SHOP_TOPIC%", environ) == ("orders", "SHOP_TOPIC")
    assert connection.read_topic("orders", {}) == (
        "orders",
        "the topic's name (orders)",
    )
    with pytest.raises(ConnectionInvalid, match="SHOP_TOPIC is not set"):
        connection.read_topic("%SHOP_TOPIC%", {"SHOP_TOPIC": " "})


def test_what_is_given_is_not_looked_up() -> None:
    """An endpoint, a credential, or both; the other one comes from settings."""
    key = AzureKeyCredential("a2V5")
    environ = {"SHOP__endpoint": LOCAL, "SHOP__key": "a2V5"}

    assert connection.read("SHOP", environ, ENDPOINT).endpoint == ENDPOINT
    assert connection.read("SHOP", environ, ENDPOINT).key == "a2V5"
    assert connection.read("SHOP", environ, None, key).credential() is key
    assert connection.read("SHOP", {}, ENDPOINT, key).endpoint == ENDPOINT
    for endpoint, message in (
        ("shop", "endpoint= must be a URL"),
        ("http://x.org", "https"),
    ):
        with pytest.raises(ConnectionInvalid, match=message):
            connection.read("SHOP", {}, endpoint, key)
