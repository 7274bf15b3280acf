"""A website that a developer visits can neither read, act, nor use up a delivery."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from eventgrid_emulator import EmulatedNamespace
from eventgrid_emulator.auth.identity import Identity
from tests.eventgrid_emulator.emulator_process import running
from tests.eventgrid_emulator.test_admin import another_address
from tests.eventgrid_emulator.wire import ALL, EVENT, TOPIC, Wire, emulated

pytestmark = pytest.mark.contract

DECLARED = {
    "topic": "moderation-events",
    "eventSubscriptions": [{"name": "sub-all-events"}],
}
FOREIGN = [
    *({"Host": name} for name in ("evil.example", "localhost.evil.example", "[::1")),
    *({"Host": f"{name}:6500"} for name in ("evil.example", "8.8.8.8", "0.0.0.0")),
    *({"Origin": o} for o in ("https://evil.example", "null", "http://[x", "file://")),
    *({"Origin": o} for o in ("http://127.0.0.1:1", "http://localhost", "127.0.0.1")),
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Site": "anything"},
]
OURS = [
    {},
    *({"Host": f"{name}:1"} for name in ("localhost", "LOCALHOST", "127.9.9.9")),
    *({"Host": name} for name in ("[::1]:6500", "a.localhost", "localhost.", "given")),
    {"Host": "localhost:6500", "Origin": "http://localhost:6500"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Mode": "cors"},  # Node's fetch says so, and nothing more
]


def basic(credentials: str) -> str:
    """Return the header's value for a user name and a password."""
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """Start an emulator with one more name, and a session with its key."""
    async with emulated(DECLARED, names=("given",)) as (_, wire):
        yield wire


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_website_does_nothing(headers: dict[str, str], wire: Wire) -> None:
    """Though it knows the key and its browser adds what browsers add."""
    await wire.publish(EVENT)
    body = b"[]"
    for path in (f"{TOPIC}:publish", f"{ALL}:receive", f"{ALL}:acknowledge"):
        status, _, answer = await wire.post(path, body, headers=headers)
        assert (status, answer["error"]["code"]) == (403, "Forbidden"), path
    for path in ("/_local/clock", "/_local/faults"):
        async with wire.http.post(path, json={}, headers=headers) as answer:
            assert answer.status == 403

    [found] = await wire.receive()
    assert found["brokerProperties"]["deliveryCount"] == 1


@pytest.mark.parametrize("headers", OURS)
async def test_what_runs_here_is_answered(headers: dict[str, str], wire: Wire) -> None:
    """Whatever it calls this machine, and the emulator's own page."""
    status, _, _ = await wire.post(
        f"{TOPIC}:publish",
        [],
        headers=headers | {"Content-Type": "application/cloudevents-batch+json"},
    )
    assert status == 200
    async with wire.http.get("/_local/subscriptions", headers=headers) as answer:
        assert answer.status == 200


async def test_a_link_to_the_page_may_stand_anywhere(wire: Wire) -> None:
    """Following one shows the page; its parts cannot be drawn in elsewhere."""
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    drawn_in = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    async with wire.http.get("/_local/", headers=followed) as answer:
        assert answer.status == 200
    async with wire.http.get("/_local/page.js", headers=drawn_in) as answer:
        assert answer.status == 403


async def test_elsewhere_it_answers_for_addresses_and_the_names_given() -> None:
    """A container is reached by its address or by the name it was given."""
    address = another_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    async with running("--host", "0.0.0.0", "--name", "events.test") as emulator:
        port = emulator.endpoint.rpartition(":")[2]
        async with aiohttp.ClientSession(f"http://{address}:{port}") as http:
            for host, status in (
                (f"{address}:{port}", 401),
                ("events.test:6500", 401),
                ("localhost:6500", 401),
                ("evil.example", 403),
            ):
                path = f"{TOPIC}:publish"
                async with http.post(path, headers={"Host": host}) as answer:
                    assert answer.status == status, host


@pytest.mark.parametrize(
    ("key", "credentials", "status"),
    [
        (None, None, 403),
        (None, basic(":opens"), 403),
        ("opens", None, 401),
        ("opens", basic(":opens"), 200),
        ("opens", basic("anybody:opens"), 200),
        ("opens", basic("opens:"), 401),
        ("opens", basic(":other"), 401),
        ("opens", "Basic !!!", 401),
        ("opens", "Basic", 401),
        ("opens", "Bearer opens", 401),
    ],
)
async def test_other_machines_need_the_control_key(
    key: str | None, credentials: str | None, status: int
) -> None:
    """A container's tests reset it, and nobody else; a browser asks for the password."""
    address = another_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    namespace = EmulatedNamespace(DECLARED, control_key=key)
    await namespace.app.start("0.0.0.0")
    evil = {"Origin": "https://evil.example"}
    try:
        port = namespace.endpoint.rpartition(":")[2]
        headers = {"Authorization": credentials} if credentials else {}
        async with aiohttp.ClientSession(
            f"http://{address}:{port}", headers=headers
        ) as http:
            async with http.post("/_local/reset") as answer:
                assert answer.status == status
                assert ("WWW-Authenticate" in answer.headers) == (status == 401)
            async with http.post("/_local/reset", headers=evil) as answer:
                assert answer.status in (401, 403)
            local = {"Host": "127.0.0.1"}
            async with http.get("/_local/clock", headers=local) as answer:
                assert answer.status == status
            async with http.get("/_local/health") as answer:
                assert answer.status == 200
    finally:
        await namespace.app.stop()


@pytest.mark.parametrize(
    ("host", "name", "answered"),
    [("127.0.0.1", "127.0.0.1", "localhost"), ("0.0.0.0", "given", "given")],
)
async def test_tokens_are_for_names_that_nobody_else_has(
    host: str, name: str, answered: str, tmp_path: Path
) -> None:
    """The token endpoint answers for this machine and a --name, with its header only."""
    identity = Identity(tmp_path, host, ("given",))
    await identity.start(host, name)
    url = identity.environment["IDENTITY_ENDPOINT"]
    assert url.startswith(f"http://{name}:")
    path = "/" + url.split("/", 3)[3]
    port = url.split(":")[2].partition("/")[0]
    query = {"api-version": "2019-08-01", "resource": "https://eventgrid.azure.net"}
    secret = {"X-IDENTITY-HEADER": identity.tokens.header}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        for headers, status in (
            (secret | {"Host": answered}, 200),
            (secret | {"Host": "evil"}, 403),
            (secret | {"Host": answered, "Origin": "https://evil.example"}, 403),
            ({"Host": answered}, 401),
        ):
            async with http.get(path, params=query, headers=headers) as answer:
                assert answer.status == status, headers
    await identity.stop()
