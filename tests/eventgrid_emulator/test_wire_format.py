"""Raw HTTP: status codes, headers and bodies as the service writes them."""

import asyncio
import base64
import gzip
import json
import re
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from eventgrid_emulator import EmulatedNamespace
from tests.eventgrid_emulator.wire import (
    ALL,
    EVENT,
    FLAGGED,
    SINGLE,
    TOPIC,
    VERSION,
    Answer,
    Wire,
    lock_tokens,
    until,
)

pytestmark = pytest.mark.contract

OBSERVED = json.loads(
    (Path(__file__).parent / "observed-exchanges.json").read_text(encoding="utf-8")
)


async def provoke(wire: Wire, namespace: EmulatedNamespace, what: str) -> Answer:  # noqa: C901
    """Make the exchange that the recording describes against the emulator."""
    match what:
        case "publish ok (structured, batch, binary)":
            return await wire.publish(EVENT)
        case "receive ok":
            await wire.publish(EVENT | {"data": {"Name": "Bob", "Age": 18}})
            return await wire.post(f"{ALL}:receive")
        case "receive, nothing for 60 s":
            waiting = asyncio.create_task(wire.post(f"{ALL}:receive"))
            await namespace_is_asked(namespace)
            await namespace.app.namespace.close()
            return await waiting
        case "acknowledge/release/reject/renewLock ok":
            await wire.publish(EVENT)
            return await wire.settle("acknowledge", lock_tokens(await wire.receive()))
        case "settle an already settled token":
            await wire.publish(EVENT)
            tokens = lock_tokens(await wire.receive())
            await wire.settle("acknowledge", tokens)
            return await wire.settle("acknowledge", tokens)
        case "settle garbage token":
            return await wire.settle("acknowledge", ["faketoken"])
        case "missing source":
            return await wire.publish({**EVENT, "source": None})
        case "missing data (and empty-string id/source/type/specversion)":
            empty = dict.fromkeys(("id", "source", "type", "specversion"), "")
            return await wire.publish(empty)
        case "binary mode without Content-Type":
            return await wire.post(f"{TOPIC}:publish", b"{}", headers={"ce-id": "1"})
        case "unknown topic (publish, receive, acknowledge)":
            return await wire.post("/topics/faketopic:publish", b"")
        case "maxEvents=-20 or maxWaitTime=-20":
            return await wire.post(f"{ALL}:receive", query={"maxEvents": "-20"})
        case "maxWaitTime=9 or 121":
            return await wire.post(f"{ALL}:receive", query={"maxWaitTime": "9"})
    raise AssertionError(f"nobody provokes {what!r}")


async def namespace_is_asked(namespace: EmulatedNamespace) -> None:
    known = namespace.app.namespace.known.values()
    await until(lambda: any(queue.waiters for queue in known))


def shape(value: Any) -> Any:
    """Return the value without what differs from one exchange to the next."""
    text = json.dumps(value)
    text = re.sub(r'"[A-Za-z0-9+/]{79}[A-Za-z0-9+/=]"|"<tok>"', '"<token>"', text)
    return json.loads(text)


@pytest.mark.parametrize("observed", OBSERVED, ids=lambda observed: observed["what"])
async def test_an_exchange_is_answered_as_the_service_answered_it(
    observed: dict[str, Any], wire: Wire, namespace: EmulatedNamespace
) -> None:
    """Status, headers and body match the recording of a live namespace."""
    status, headers, body = await provoke(wire, namespace, observed["what"])

    assert status == observed["status"]
    for name, value in observed.get("headers", {}).items():
        assert headers[name] == value
    if "error" in body:
        assert set(body["error"]) == {"code", "message", "timestamp_utc", "tracking_id"}
        wanted = observed["body"]["error"]
        assert {name: body["error"][name] for name in ("code", "message")} == {
            name: wanted[name] for name in ("code", "message")
        }
        assert headers["broker-errorcode"] == wanted["code"]
    elif observed["what"] == "receive ok":
        [found] = body["value"]
        assert list(found) == ["brokerProperties", "event"]
        assert list(found["event"]["data"]) == ["Age", "Name"]
    else:
        assert shape(body) == shape(observed["body"])


async def test_an_error_has_a_time_and_a_tracking_id(wire: Wire) -> None:
    """Nanoseconds with an offset, and an upper-case GUID, different every time."""
    bodies = [(await wire.post("/topics/faketopic:publish"))[2] for _ in range(2)]

    for body in bodies:
        stamp, tracking = body["error"]["timestamp_utc"], body["error"]["tracking_id"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+00:00", stamp)
        assert str(uuid.UUID(tracking)).upper() == tracking
    assert bodies[0]["error"]["tracking_id"] != bodies[1]["error"]["tracking_id"]


async def test_a_lock_token_is_a_sixty_byte_record(wire: Wire) -> None:
    """80 characters of base64: a GUID shared by all, then 16 bytes of its own."""
    await wire.publish(EVENT, EVENT)
    raws = [base64.b64decode(token) for token in lock_tokens(await wire.receive())]

    for raw in raws:
        assert len(raw) == 60
        assert raw[:4] == b"\x0a\x26\x0a\x24"
        assert raw[40:44] == b"\x12\x12\x0a\x10"
        guid = raw[4:40].decode()
        assert str(uuid.UUID(guid)).upper() == guid
    assert raws[0][:44] == raws[1][:44]
    assert raws[0][44:] != raws[1][44:]


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ({"maxEvents": "0"}, "ArgumentInvalid", "Invalid maxEvents parameter"),
        ({"maxEvents": "101"}, "ArgumentInvalid", "Invalid maxEvents parameter"),
        ({"maxEvents": "-1"}, "BadRequest", "invalid digit found in string"),
        ({"maxEvents": "ten"}, "BadRequest", "invalid digit found in string"),
        ({"maxEvents": ""}, "BadRequest", "cannot parse integer from empty string"),
        ({"maxEvents": "9" * 30}, "BadRequest", "number too large"),
        ({"maxWaitTime": "121"}, "ArgumentInvalid", "Invalid maxWaitTime parameter"),
        ({"maxWaitTime": "-20"}, "BadRequest", "invalid digit found in string"),
    ],
)
async def test_receive_parameters_have_limits(
    query: dict[str, str], code: str, message: str, wire: Wire
) -> None:
    """1 to 100 events, 10 to 120 seconds; what is no number is said to be none."""
    status, _, body = await wire.post(f"{ALL}:receive", query=query)

    assert (status, body["error"]["code"]) == (400, code)
    assert message in body["error"]["message"]


@pytest.mark.parametrize("delay", ["5", "61", "3601", "-1", "x", ""])
async def test_only_five_release_delays_exist(delay: str, wire: Wire) -> None:
    """0, 10, 60, 600 and 3600 seconds; any other releases nothing."""
    await wire.publish(EVENT)
    tokens = lock_tokens(await wire.receive())

    status, _, _ = await wire.settle("release", tokens, releaseDelayInSeconds=delay)

    assert status == 400
    _, _, body = await wire.settle("acknowledge", tokens)
    assert body["succeededLockTokens"] == tokens


@pytest.mark.parametrize("version", ["", "2018-01-01", "2023-06-01-preview", "latest"])
async def test_an_unknown_api_version_is_refused(version: str, wire: Wire) -> None:
    """The error lists the versions that are served."""
    query = {"api-version": version}
    status, _, body = await wire.post(f"{ALL}:receive", query=query)

    assert (status, body["error"]["code"]) == (400, "BadRequest")
    assert "2024-06-01" in body["error"]["message"]


@pytest.mark.parametrize("version", ["2023-10-01-preview", "2023-11-01", "2024-06-01"])
async def test_three_api_versions_serve_every_operation(
    version: str, wire: Wire
) -> None:
    """Renewal and delays included."""
    query = {"api-version": version}
    for operation in ("acknowledge", "release", "reject", "renewLock"):
        body = {"lockTokens": ["x"]}
        status, _, _ = await wire.post(f"{ALL}:{operation}", body, query)
        assert status == 200


async def test_checks_come_in_the_service_s_order(
    wire: Wire, namespace: EmulatedNamespace
) -> None:
    """401, api-version, topic, event subscription, query, body."""
    wrong = {"Authorization": "SharedAccessKey x"}
    bad_version = {"api-version": "1"}
    bad_query = {"maxEvents": "0"}
    nowhere = "/topics/faketopic/eventsubscriptions/none"

    async with aiohttp.ClientSession(namespace.endpoint, headers=wrong) as stranger:
        first = await Wire(stranger).post(f"{nowhere}:receive", query=bad_version)
    second = await wire.post(f"{nowhere}:receive", query=bad_version | bad_query)
    third = await wire.post(f"{nowhere}:receive", query=bad_query)
    fourth = await wire.post(
        f"{TOPIC}/eventsubscriptions/none:receive", query=bad_query
    )
    fifth = await wire.post(f"{ALL}:release", b"?", {"releaseDelayInSeconds": "5"})
    sixth = await wire.post(f"{ALL}:release", b"?")

    answers = [first, second, third, fourth, fifth, sixth]
    assert [status for status, _, _ in answers] == [401, 400, 404, 404, 400, 400]
    assert "api-version" in second[2]["error"]["message"]
    assert third[2]["error"]["message"] == "Topic 'faketopic' is not found"
    assert fourth[2]["error"]["message"] == "Event subscription 'none' is not found"
    assert "releaseDelayInSeconds" in fifth[2]["error"]["message"]
    assert "lockTokens" in sixth[2]["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"lockTokens": 1}', b'{"lockTokens": [1]}', b"\xff"],
)
async def test_a_settlement_needs_a_list_of_tokens(body: bytes, wire: Wire) -> None:
    """Anything else is a 400 that shows the shape."""
    status, _, answer = await wire.post(f"{ALL}:acknowledge", body)

    assert status == 400
    assert "lockTokens" in answer["error"]["message"]


async def test_a_settlement_takes_one_to_a_hundred_tokens(wire: Wire) -> None:
    """None or 101 settle nothing at all."""
    await wire.publish(EVENT)
    tokens = lock_tokens(await wire.receive())

    too_many = await wire.settle("acknowledge", tokens + ["x"] * 100)
    none = await wire.settle("acknowledge", [])

    assert (too_many[0], none[0]) == (400, 400)
    _, _, body = await wire.settle("acknowledge", tokens)
    assert body["succeededLockTokens"] == tokens


async def test_a_token_named_twice_succeeds_once(wire: Wire) -> None:
    """The second mention is lost."""
    await wire.publish(EVENT)
    [token] = lock_tokens(await wire.receive())

    _, _, body = await wire.settle("acknowledge", [token, token])

    assert body["succeededLockTokens"] == [token]
    assert body["failedLockTokens"][0]["error"]["code"] == "TokenLost"


async def test_a_token_of_another_event_subscription_is_lost(wire: Wire) -> None:
    """A lock belongs to the event subscription that gave it."""
    await wire.publish(EVENT | {"type": "com.contoso.ai.ContentFlagged"})
    tokens = lock_tokens(await wire.receive(path=FLAGGED))

    _, _, body = await wire.settle("acknowledge", tokens)

    assert body["failedLockTokens"][0]["error"]["code"] == "TokenLost"


async def test_an_under_filled_batch_is_not_held_back(wire: Wire) -> None:
    """Two events answer a receive for a hundred at once."""
    await wire.publish(EVENT, EVENT)

    assert len(await wire.receive(100)) == 2


async def test_no_receiver_that_waits_is_starved(
    wire: Wire, namespace: EmulatedNamespace
) -> None:
    """Receivers are served in the order in which they came."""
    answered: list[int] = []
    queue = namespace.app.namespace.subscription("moderation-events", "sub-all-events")

    async def wait(number: int) -> None:
        assert await wire.receive(1)
        answered.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(wait(number))
            await until(lambda: len(queue.waiters) == number + 1)  # noqa: B023
        for number in range(5):
            await wire.publish(EVENT)
            await until(lambda: len(answered) == number + 1)  # noqa: B023
    assert answered == [0, 1, 2, 3, 4]


async def test_a_receiver_that_went_away_takes_no_event(
    wire: Wire, namespace: EmulatedNamespace
) -> None:
    """Its place in the line is given up with its connection."""
    queue = namespace.app.namespace.subscription("moderation-events", "sub-all-events")
    waiting = asyncio.create_task(wire.receive(1))
    await namespace_is_asked(namespace)
    waiting.cancel()
    await until(lambda: not queue.waiters)
    await wire.publish(EVENT)

    assert queue.queue.depth().ready == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 404),
        ("POST", "/topics/moderation-events", 404),
        ("POST", "/topics/moderation-events:receive", 404),
        ("POST", f"{ALL}:publish", 404),
        ("POST", f"{ALL}:renewlock", 404),
        ("POST", "/topics/a/b/c:publish", 404),
        ("GET", f"{TOPIC}:publish", 405),
        ("PUT", f"{ALL}:receive", 405),
    ],
)
async def test_what_is_no_operation_is_refused(
    method: str, path: str, status: int, wire: Wire
) -> None:
    """Unknown paths are 404, other methods 405, in the service's error shape."""
    async with wire.http.request(method, path, params=VERSION) as answer:
        body = await answer.json()
    assert answer.status == status
    assert answer.headers["broker-errorcode"] == body["error"]["code"]


ODD_BODIES = [
    ({"Content-Encoding": "gzip"}, b"not gzip", 415),
    ({"Content-Encoding": "gzip"}, gzip.compress(b"x" * 50_000_000, mtime=0), 415),
    (
        {"Content-Encoding": "gzip"},
        gzip.compress(json.dumps(EVENT).encode(), mtime=0),
        415,
    ),
    ({"Content-Encoding": "deflate, br"}, b"x", 415),
    ({"Content-Encoding": "Identity"}, json.dumps(EVENT).encode(), 200),
    ({"Expect": "100-continue"}, json.dumps(EVENT).encode(), 200),
]


@pytest.mark.parametrize(("headers", "body", "status"), ODD_BODIES)
async def test_a_packed_body_is_refused_unread(
    headers: dict[str, str], body: bytes, status: int, namespace: EmulatedNamespace
) -> None:
    """Packed, garbled or announced with `Expect`: an answer, never a hang."""
    host, port = namespace.endpoint.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    sent = headers | {
        "Host": "localhost",
        "Authorization": f"SharedAccessKey {namespace.key}",
        "Content-Type": SINGLE,
        "Content-Length": str(len(body)),
    }
    lines = [f"POST {TOPIC}:publish?api-version=2024-06-01 HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in sent.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    async with asyncio.timeout(10):
        if "Expect" in headers:
            assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
        writer.write(body)
        answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    writer.close()
    await writer.wait_closed()


async def test_too_many_query_parameters_are_refused(wire: Wire) -> None:
    """A hundred is more than anybody needs."""
    query = {f"x{number}": "" for number in range(150)}
    status, _, body = await wire.post(f"{ALL}:receive", query=query)
    assert (status, body["error"]["code"]) == (400, "BadRequest")


async def test_headers_and_body_are_one_write(namespace: EmulatedNamespace) -> None:
    """An answer arrives in one piece, so that Nagle's algorithm never holds its end back."""
    host, port = namespace.endpoint.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    request = (
        f"POST {ALL}:acknowledge?api-version=2024-06-01 HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: SharedAccessKey {namespace.key}\r\nContent-Length: 20\r\n\r\n"
        '{"lockTokens":["x"]}'
    )
    writer.write(request.encode())

    first = await reader.read(65536)

    head, _, body = first.partition(b"\r\n\r\n")
    assert b"200 OK" in head
    assert json.loads(body)["failedLockTokens"]
    writer.close()
    await writer.wait_closed()
