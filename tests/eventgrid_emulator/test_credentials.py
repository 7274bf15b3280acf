"""Keys and shared access signatures."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

import pytest

from eventgrid_emulator.auth.credentials import Access, Resource, sign
from eventgrid_emulator.errors import Refusal

KEY, SECOND = "Zmlyc3Q=", "c2Vjb25k"
HOST = "127.0.0.1:6500"
NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
TOPIC = Resource("orders")
SUBSCRIPTION = Resource("orders", "sub-a")


def status(
    headers: Mapping[str, str],
    query: Mapping[str, str] | None = None,
    resource: Resource = TOPIC,
) -> int:
    """Return 200 for a request that may go on, else the status of its refusal."""
    try:
        headers = {"Host": HOST, **headers}
        Access((KEY, SECOND)).check(headers, query or {}, resource, NOW)
    except Refusal as refusal:
        return refusal.code.status
    return 200


def a_token(path: str = "", expiry: str = "1/2/2026 6:20:15 PM", key: str = KEY) -> str:
    signed = f"r={quote_plus(f'https://{HOST}{path}')}&e={quote_plus(expiry)}"
    return f"{signed}&s={quote_plus(sign(signed, key))}"


@pytest.mark.parametrize("key", [KEY, SECOND])
def test_both_keys_open_in_all_three_places(key: str) -> None:
    """`Authorization`, the `aeg-sas-key` header and the query parameter."""
    assert status({"Authorization": f"SharedAccessKey {key}"}) == 200
    assert status({"Authorization": f"sharedaccesskey {key}"}) == 200
    assert status({"aeg-sas-key": key}) == 200
    assert status({}, {"aeg-sas-key": key}) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "SharedAccessKey wrong"},
        {"Authorization": "SharedAccessKey"},
        {"Authorization": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": "Bearer x.y.z"},
        {"aeg-sas-key": "wrong"},
        {"aeg-sas-token": "wrong"},
        {"Authorization": "SharedAccessKey \udcff"},
    ],
)
def test_anything_else_is_a_401(headers: dict[str, str]) -> None:
    """Missing, wrong or of an unknown scheme."""
    assert status(headers) == 401


@pytest.mark.parametrize(
    ("path", "publish", "receive"),
    [
        ("", 200, 200),
        ("/", 200, 200),
        ("/topics/orders", 200, 200),
        ("/topics/orders/eventsubscriptions/sub-a", 403, 200),
        ("/topics/orders/eventsubscriptions/other", 403, 403),
        ("/topics/other", 403, 403),
    ],
)
def test_a_sas_token_opens_its_resource_and_what_is_below(
    path: str, publish: int, receive: int
) -> None:
    """The host opens everything, a topic both directions, a subscription receiving."""
    for headers in (
        {"Authorization": f"SharedAccessSignature {a_token(path)}"},
        {"aeg-sas-token": a_token(path)},
    ):
        assert status(headers, resource=TOPIC) == publish
        assert status(headers, resource=SUBSCRIPTION) == receive


@pytest.mark.parametrize(
    ("expiry", "answer"),
    [
        ("6/15/2027 6:20:15 PM", 200),
        ("06/15/2027 18:20:15", 200),
        ("2027-06-15T18:20:15Z", 200),
        ("2027-06-15T18:20:15+02:00", 200),
        ("2027-06-15 18:20:15", 200),
        ("12/31/2025 11:59:59 PM", 401),
        ("2025-12-31", 401),
        ("later", 401),
    ],
)
def test_an_expiry_is_read_in_both_forms(expiry: str, answer: int) -> None:
    """The documentation's own code writes en-US and ISO 8601; what is past is refused."""
    assert status({"aeg-sas-token": a_token(expiry=expiry)}) == answer


def test_a_token_that_was_changed_or_signed_by_another_is_refused() -> None:
    """The signature is checked over the bytes as they were sent."""
    assert status({"aeg-sas-token": a_token(key=SECOND)}) == 200
    assert status({"aeg-sas-token": a_token(key="b3RoZXI=")}) == 401
    assert status({"aeg-sas-token": a_token("/topics/x").replace("x", "orders")}) == 401
    signed = f"r={quote(f'https://{HOST}', safe='')}&e=2027-01-01"
    token = f"{signed}&s={quote(sign(signed, KEY), safe='')}"
    assert status({"aeg-sas-token": token}) == 200


def test_a_token_for_another_host_is_refused() -> None:
    """With a good signature it is a 403."""
    signed = f"r={quote_plus('https://other.example')}&e=2027-01-01"
    token = f"{signed}&s={quote_plus(sign(signed, KEY))}"
    assert status({"aeg-sas-token": token}) == 403
