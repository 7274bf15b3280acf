"""TLS and Entra tokens: DefaultAzureCredential for real, without Azure."""

import asyncio
import os
import ssl
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from eventgrid_emulator.app import App
from eventgrid_emulator.auth.identity import Identity
from eventgrid_emulator.auth.token_issuer import AUDIENCE, ISSUER, Issuer
from eventgrid_emulator.settings import Settings
from eventgrid_emulator.topology import topology
from tests.eventgrid_emulator.conftest import TOPOLOGY
from tests.eventgrid_emulator.emulator_process import running
from tests.eventgrid_emulator.wire import EVENT, Wire

pytestmark = pytest.mark.contract


@dataclass(frozen=True, slots=True)
class Secured:
    """An emulator over TLS with its identity."""

    endpoint: str
    identity: Identity

    @property
    def issuer(self) -> Issuer:
        """Return who issues and judges the tokens."""
        return self.identity.tokens

    @property
    def trust(self) -> ssl.SSLContext:
        """Trust the emulator's authority and no other."""
        return ssl.create_default_context(cafile=self.identity.folder / "ca.pem")


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[Secured]:
    """Start an emulator of its own for each test."""
    made = Identity(tmp_path)
    settings = Settings(
        topology.load(TOPOLOGY), check_token=made.tokens.check, tls=made.context
    )
    app = App(settings)
    await app.start()
    await made.start()
    yield Secured(app.endpoint, made)
    await made.stop()
    await app.stop()


CLIENT = """
import asyncio, sys
from azure.eventgrid.aio import EventGridConsumerClient, EventGridPublisherClient
from azure.identity.aio import DefaultAzureCredential

async def main(endpoint):
    topic = {"namespace_topic": "moderation-events"}
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": 1}
    async with (
        DefaultAzureCredential() as credential,
        EventGridPublisherClient(endpoint, credential, **topic) as publisher,
        EventGridConsumerClient(
            endpoint, credential, subscription="sub-all-events", **topic
        ) as consumer,
    ):
        await publisher.send(event)
        [found] = await consumer.receive(max_wait_time=10)
        token = found.broker_properties.lock_token
        settled = await consumer.acknowledge(lock_tokens=[token])
        print(found.event.id, settled.succeeded_lock_tokens == [token])

asyncio.run(main(sys.argv[1]))
"""


async def test_the_sdk_works_with_an_identity_instead_of_a_key(
    secured: Secured,
) -> None:
    """Publish, receive and acknowledge with DefaultAzureCredential over HTTPS.

    In a process of its own, because TLS reads its environment once.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", CLIENT, secured.endpoint),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | secured.identity.environment,
    )

    out, _ = await asyncio.wait_for(process.communicate(), 60)

    assert out.decode().split() == ["1", "True"]


async def status_with(secured: Secured, token: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"}
    connector = aiohttp.TCPConnector(ssl=secured.trust)
    async with aiohttp.ClientSession(
        secured.endpoint, headers=headers, connector=connector
    ) as http:
        status, _, body = await Wire(http).publish(EVENT)
    return status, body.get("error", {}).get("message", "")


async def test_only_a_good_token_of_ours_is_accepted(secured: Secured) -> None:
    """For Event Grid, not expired by the machine's clock, and signed by us."""
    issue = secured.issuer.issue
    claims = {"aud": AUDIENCE, "iss": ISSUER, "exp": int(time.time()) + 3600}
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for token, status, words in (
        (issue(AUDIENCE), 200, ""),
        (issue("https://storage.azure.com"), 401, AUDIENCE),
        (issue(AUDIENCE, -1), 401, "expired"),
        (jwt.encode(claims, key, algorithm="RS256"), 401, "not one of ours"),
        (jwt.encode(claims, "x" * 32, algorithm="HS256"), 401, "not one of ours"),
        (jwt.encode(claims, "", algorithm="none"), 401, "not one of ours"),
        ("not.a.token", 401, "not one of ours"),
        ("", 401, "not one of ours"),
    ):
        found, message = await status_with(secured, token)
        assert (found, words in message) == (status, True), token


async def test_keys_still_work_over_tls(secured: Secured) -> None:
    """Both ways in are open at once, as in the service."""
    key = "bG9jYWwtZGV2ZWxvcG1lbnQta2V5LW5vdC1hLXNlY3JldA=="
    connector = aiohttp.TCPConnector(ssl=secured.trust)
    headers = {"Authorization": f"SharedAccessKey {key}"}
    async with aiohttp.ClientSession(
        secured.endpoint, headers=headers, connector=connector
    ) as http:
        assert (await Wire(http).publish(EVENT))[0] == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"resource": AUDIENCE, "api-version": "2019-08-01"}, 200),
        ({"api-version": "2019-08-01"}, 400),
        ({"resource": AUDIENCE}, 400),
        ({"resource": AUDIENCE, "api-version": "2017-09-01"}, 400),
    ],
)
async def test_the_token_endpoint_answers_like_app_service(
    query: dict[str, str], status: int, secured: Secured
) -> None:
    """The resource and the api-version are both needed."""
    environment = secured.identity.environment
    headers = {"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]}
    async with (
        aiohttp.ClientSession() as http,
        http.get(
            environment["IDENTITY_ENDPOINT"], params=query, headers=headers
        ) as answer,
    ):
        body = await answer.json()
    assert answer.status == status
    if status == 200:
        assert body["token_type"] == "Bearer"
        assert body["resource"] == AUDIENCE
        assert int(body["expires_on"]) > time.time()
        claims = jwt.decode(body["access_token"], options={"verify_signature": False})
        assert claims["aud"] == AUDIENCE


async def test_the_process_writes_what_a_client_needs(tmp_path: Path) -> None:
    """`--tls` prints an https address and leaves ca.pem and identity.env."""
    async with running("--tls", "--tls-folder", str(tmp_path)) as emulator:
        assert emulator.endpoint.startswith("https://127.0.0.1:")
        text = await asyncio.to_thread((tmp_path / "identity.env").read_text)
        environment = dict(line.split("=", 1) for line in text.splitlines())
        trust = ssl.create_default_context(cafile=environment["SSL_CERT_FILE"])
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{emulator.endpoint}/_local/health", ssl=trust) as answer,
        ):
            assert answer.status == 200
    assert environment["IDENTITY_ENDPOINT"].endswith("/msi/token")
