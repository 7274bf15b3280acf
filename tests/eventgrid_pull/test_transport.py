"""The door to Event Grid gives up in time, whatever the other side of the wire does."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any, ClassVar, cast

import pytest
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import ServiceResponseError
from azure.core.rest import HttpRequest
from azure.core.settings import settings as core_settings

from eventgrid_pull.wire import client, transport
from eventgrid_pull.wire.client import Namespace, Subscription
from eventgrid_pull.wire.error_messages import SettingNames
from eventgrid_pull.wire.http_retry import EventGridError
from eventgrid_pull.wire.sending import on_sending
from tests.eventgrid_pull.orders import read

pytestmark = pytest.mark.contract

type Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

NAMES = SettingNames("EVENTGRID_ENDPOINT", "EVENTGRID_KEY", "the topic")
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
EMPTY = OK + b'Content-Length: 12\r\n\r\n{"value":[]}'


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[Subscription]:
    """An event subscription behind a server that does as it is told."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    namespace = Namespace(address, AzureKeyCredential("a2V5"), NAMES)
    subscription = namespace.subscription("topic", "sub", read)
    try:
        yield subscription
    finally:
        await namespace.close()
        server.close()
        server.close_clients()
        await server.wait_closed()


def sending(*answers: bytes) -> tuple[Answer, list[bytes]]:
    """Answers each request with the next of these, then hangs up; and the requests."""
    left, asked = list(answers), []

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(left.pop(0))
        await writer.drain()
        writer.close()

    return answer, asked


async def receive(subscription: Subscription, within: float = 11) -> list[object]:
    async with asyncio.timeout(15):
        return [*await subscription.receive(10, 10, within=within)]


async def test_a_request_is_as_the_service_expects_it() -> None:
    """Path, version, key, user agent and an id of its own to ask support about."""
    answer, asked = sending(EMPTY, EMPTY)

    async with listening(answer) as subscription:
        await receive(subscription)
        await receive(subscription)

    line, *headers = asked[0].decode().split("\r\n")
    path = "/topics/topic/eventsubscriptions/sub:receive"
    query = "api-version=2024-06-01&maxEvents=10&maxWaitTime=10"
    assert line == f"POST {path}?{query} HTTP/1.1"
    named = {
        name.lower(): value for name, _, value in (h.partition(": ") for h in headers)
    }
    assert named["authorization"] == "SharedAccessKey a2V5"
    assert named["content-length"] == "0"
    assert named["user-agent"].startswith("azsdk-python-eventgrid/4.22.1 Python/")
    request_id = named["x-ms-client-request-id"]
    assert str(uuid.UUID(request_id)) not in asked[1].decode()


async def test_a_receive_tells_when_it_is_on_its_way() -> None:
    """Connecting, or waiting for a token, is not waiting for events."""
    answer, _ = sending(EMPTY, EMPTY)
    notes: list[float | None] = []

    async def receive_and_listen(subscription: Subscription) -> None:
        on_sending.set(notes.append)
        await receive(subscription)

    async with listening(answer) as subscription:
        await asyncio.gather(receive_and_listen(subscription), receive(subscription))

    assert notes[0] is None
    [connected] = notes[1:]
    assert connected
    assert connected > 0


@pytest.mark.parametrize(
    "torn",
    [
        OK + b'Content-Length: 500\r\n\r\n{"value":[',
        OK + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"val',
        b"HTTP/1.1 200",
        b"",
        b"no http at all\r\n\r\n",
    ],
)
async def test_a_torn_answer_is_asked_for_again(torn: bytes) -> None:
    """A receive whose answer was lost costs only the locks' time."""
    answer, asked = sending(torn, EMPTY)

    async with listening(answer) as subscription:
        assert await receive(subscription, within=14) == []

    assert len(asked) == 2


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "EVENTGRID_KEY"), (403, "EventGrid Data Receiver"), (404, "deployed")],
)
async def test_a_refusal_is_not_repeated_and_says_what_to_look_at(
    status: int, advice: str
) -> None:
    """One request, one line for whoever mends it."""
    answer, asked = sending(
        b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status, EMPTY
    )

    async with listening(answer) as subscription:
        with pytest.raises(EventGridError, match=advice):
            await receive(subscription)

    assert len(asked) == 1


def an_answer(body: bytes) -> bytes:
    return OK + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize(
    ("item", "tokens"),
    [
        (b'{"brokerProperties":{"lockToken":"a","deliveryCount":null}}', ["a", "z"]),
        (b'{"brokerProperties":{"lockToken":"\xff"},"event":{}}', ["z"]),
        (b'{"brokerProperties":{"lockToken":7},"event":{}}', ["z"]),
        (b'{"brokerProperties":{"lockToken":"a"},"event":"\xff"}', ["a", "z"]),
        (b'{"brokerProperties":{"lockToken":"a","x":1},"event":{},"y":2}', ["a", "z"]),
        *((item, ["z"]) for item in (b"null", b"[]", b"5", b'"text"', b"{}")),
        *((item, ["z"]) for item in (b'{"event":{}}', b'{"brokerProperties":{}}')),
        (b'{"brokerProperties":{"deliveryCount":1}}', ["z"]),
    ],
)
async def test_an_odd_item_does_not_strand_the_tokens_of_the_others(
    item: bytes, tokens: list[str]
) -> None:
    """What has a lock token is delivered, whatever else is odd about it."""
    good = b'{"brokerProperties":{"lockToken":"z","deliveryCount":1},"event":{}}'
    answer, _ = sending(an_answer(b'{"value":[%s,%s]}' % (item, good)))

    async with listening(answer) as subscription:
        deliveries = await subscription.receive(10, 10, within=11)

    assert [delivery.lock_token for delivery in deliveries] == tokens
    assert {delivery.delivery_count for delivery in deliveries} == {1}


@pytest.mark.parametrize(
    ("body", "failed"),
    [
        (b'{"succeededLockTokens":null,"failedLockTokens":null}', {}),
        (
            b'{"failedLockTokens":[{"lockToken":"a","error":null}]}',
            {"a": "Unknown"},
        ),
        (b'{"failedLockTokens":[{"lockToken":"a"}],"x":1}', {"a": "Unknown"}),
        (b'{"failedLockTokens":[{"lockToken":"a","error":{}}]}', {"a": "Unknown"}),
        (
            b'{"failedLockTokens":[{"lockToken":"a","error":{"code":"Odd"}}]}',
            {"a": "Odd"},
        ),
        (b"{}", {}),
    ],
)
async def test_a_settlement_with_fields_left_out_is_read(
    body: bytes, failed: dict[str, str]
) -> None:
    """Other emulators leave out what the service always says."""
    answer, _ = sending(an_answer(body))

    async with listening(answer) as subscription:
        settled = await subscription.acknowledge(["a"])

    assert (settled.succeeded, settled.failed) == (frozenset(), failed)


async def test_what_event_grid_asks_to_wait_is_read() -> None:
    """Throttled clients that come back too soon stay throttled."""
    throttled = b"HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    answer, _ = sending(throttled)

    async with listening(answer) as subscription:
        with pytest.raises(EventGridError) as caught:
            await subscription.probe()

    assert caught.value.retry_after == 7


async def test_a_redirect_is_not_followed() -> None:
    """The key must not be sent to where someone points."""
    answer, asked = sending(
        b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    )

    async with listening(answer) as subscription:
        with pytest.raises(EventGridError, match="307"):
            await receive(subscription)

    assert len(asked) == 1


async def test_a_server_that_accepts_and_says_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A hanging namespace must not hold a drain beyond its budget."""
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.2)
    hung: list[asyncio.StreamWriter] = []

    async def says_nothing(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        hung.append(writer)
        await reader.read()

    async with listening(says_nothing) as subscription, asyncio.timeout(5):
        with pytest.raises(EventGridError, match="EVENTGRID_ENDPOINT"):
            await subscription.probe()

    assert len(hung) == 1


async def test_a_long_poll_is_waited_for_as_long_as_it_was_asked_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given up sooner, events would be locked for an answer that nobody reads."""
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.2)
    asked = 0

    async def answers_late(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        await asyncio.sleep(0.8)
        writer.write(EMPTY)
        writer.close()

    async with listening(answers_late) as subscription, asyncio.timeout(5):
        await subscription.receive(10, 1, within=3)

    assert asked == 1


async def test_a_receive_that_is_cut_off_closes_its_connection() -> None:
    """So that Event Grid locks nothing for an answer that nobody reads."""
    asked, closed = asyncio.Event(), asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()
        closed.set()

    async with listening(waits) as subscription, asyncio.timeout(5):
        receiving = asyncio.create_task(subscription.receive(10, 10, within=11))
        await asked.wait()
        receiving.cancel()
        await closed.wait()


async def test_an_answer_that_only_trickles_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A byte now and then must not hold a drain for ever."""
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.5)

    async def trickles(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Length: 500\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.1)

    async with listening(trickles) as subscription, asyncio.timeout(5):
        with pytest.raises(EventGridError, match="TimeoutError"):
            await subscription.probe()


async def test_a_challenge_is_answered_and_its_connection_used_again() -> None:
    """The body of the 401 comes late; nobody but the transport reads it."""
    requests = 0

    async def challenges(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal requests
        for answer in (b"HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\n", EMPTY):
            await reader.readuntil(b"\r\n\r\n")
            requests += 1
            writer.write(answer)
            if answer is not EMPTY:
                await asyncio.sleep(0.1)
                writer.write(b"hello")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(challenges, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with transport.LeanTransport() as door, asyncio.timeout(5):
        for status in (401, 200):
            answer = await door.send(HttpRequest("POST", url, content=b""))
            assert answer.status_code == status
    server.close()
    await server.wait_closed()

    assert requests == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_publish_says_soon_that_nothing_listens_here(host: str) -> None:
    """
    Whoever forgot to start the local stack reads how, before they look elsewhere.
    """
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        namespace = Namespace(f"http://{host}:{port}", AzureKeyCredential("a2V5"))
        topic = namespace.topic("topic")
        async with asyncio.timeout(2):
            with pytest.raises(EventGridError, match=f"port {port} .*dev.py run"):
                await topic.publish([b"{}"])
        await namespace.close()


async def test_no_proxy_of_the_environment_gets_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    It is not looked for on every request either, which would cost a thread each time.
    """
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    answer, asked = sending(EMPTY)

    async with listening(answer) as subscription:
        assert await receive(subscription) == []

    assert len(asked) == 1


class Signing:
    """A credential that remembers what it was asked a token for."""

    def __init__(self) -> None:
        self.scopes: list[str] = []
        self.is_closed = False

    async def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.scopes += scopes
        return AccessToken("t", 2**33)

    async def close(self) -> None:
        self.is_closed = True

    async def __aenter__(self) -> "Signing":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""


async def test_an_identity_signs_in_for_event_grid_and_nothing_else() -> None:
    """A token of another audience would be refused in Azure, and only there."""
    identity = Signing()
    namespace = Namespace("https://127.0.0.1:1", identity)
    subscription = namespace.subscription("topic", "sub", read)

    with pytest.raises(EventGridError, match="ClientConnectorError"):
        await subscription.probe()
    await namespace.close()

    assert identity.scopes == ["https://eventgrid.azure.net/.default"]


@pytest.mark.parametrize("is_ours", [True, False])
async def test_an_identity_is_closed_by_who_made_it(is_ours: bool) -> None:
    """One that is given may be at work elsewhere."""
    identity = Signing()

    await Namespace("https://x.org", identity, closes_credential=is_ours).close()

    assert identity.is_closed == is_ours


class Span:
    """As much of a tracing plugin as the SDK needs to put its trace on a request."""

    span_instance = None
    statuses: ClassVar[list[int]] = []
    errors: ClassVar[list[type[BaseException] | None]] = []

    def __init__(self, name: str = "", **_: object) -> None:
        self.name = name

    @classmethod
    def change_context(cls, _: object) -> AbstractContextManager[None]:
        return nullcontext()

    def to_header(self) -> dict[str, str]:
        return {"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"}

    def set_http_attributes(self, request: object, response: Any) -> None:
        if response is not None:
            self.statuses.append(response.status_code)

    def add_attribute(self, name: str, value: object) -> None:
        """Not kept."""

    def finish(self) -> None:
        """Nothing to send."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.errors.append(kind)


@pytest.fixture
def tracing() -> Iterator[None]:
    """The SDK's tracing, turned on before the clients are made."""
    Span.statuses.clear()
    Span.errors.clear()
    core_settings.tracing_implementation.set_value(cast(Any, Span))
    yield
    core_settings.tracing_implementation.unset_value()


@pytest.mark.usefixtures("tracing")
async def test_the_sdk_s_tracing_sees_every_request() -> None:
    """Whoever turns it on gets the SDK's spans, and a `traceparent` on the request."""
    answer, asked = sending(EMPTY)

    async with listening(answer) as subscription:
        await receive(subscription)

    assert b"traceparent: 00-1111" in asked[0]
    assert Span.statuses == [200]


@pytest.mark.usefixtures("tracing")
async def test_the_sdk_s_tracing_sees_a_request_that_is_not_answered() -> None:
    """A span that nobody ends would hide what went wrong."""
    answer, _ = sending(b"")

    async with listening(answer) as subscription:
        with pytest.raises(EventGridError):
            await subscription.probe()

    assert Span.errors == [ServiceResponseError]
