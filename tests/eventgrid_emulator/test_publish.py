"""Raw HTTP: what a publish request may hold, and what is delivered of it."""

import json
from typing import Any

import pytest

from eventgrid_emulator import EmulatedNamespace
from tests.eventgrid_emulator.wire import BATCH, EVENT, SINGLE, TOPIC, Wire

pytestmark = pytest.mark.contract


@pytest.mark.parametrize("missing", ["id", "source", "specversion", "type"])
async def test_a_missing_attribute_refuses_the_whole_batch(
    missing: str, wire: Wire, namespace: EmulatedNamespace
) -> None:
    """One bad event, and none of its neighbours is published."""
    bad = {name: value for name, value in EVENT.items() if name != missing}
    status, _, body = await wire.publish(EVENT, bad)

    assert status == 400
    assert body["error"]["message"] == f"`{missing}` attribute is required"
    queue = namespace.app.namespace.subscription("moderation-events", "sub-all-events")
    assert len(queue.queue) == 0


async def test_a_batch_must_be_a_list_and_a_single_event_an_object(wire: Wire) -> None:
    """The content type says which of the two is sent."""
    batch = await wire.post(f"{TOPIC}:publish", EVENT, headers={"Content-Type": BATCH})
    single = await wire.post(
        f"{TOPIC}:publish", [EVENT], headers={"Content-Type": SINGLE}
    )
    broken = await wire.post(f"{TOPIC}:publish", b"[{", headers={"Content-Type": BATCH})
    right = await wire.post(f"{TOPIC}:publish", EVENT, headers={"Content-Type": SINGLE})

    assert [answer[0] for answer in (batch, single, broken, right)] == [
        400,
        400,
        400,
        200,
    ]


@pytest.mark.parametrize(
    "kind",
    [
        "application/cloudevents-batch+json",
        "Application/CloudEvents-Batch+JSON;charset=UTF-8",
        'application/cloudevents-batch+json ; charset="utf-8"',
    ],
)
async def test_media_types_are_compared_as_http_does(kind: str, wire: Wire) -> None:
    """Case, parameters and quotes make no difference."""
    status, _, _ = await wire.post(
        f"{TOPIC}:publish", [EVENT], headers={"Content-Type": kind}
    )

    assert status == 200


BINARY = {"ce-id": "1", "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0"}


@pytest.mark.parametrize(
    ("kind", "body", "delivered"),
    [
        ("application/json", b'{"b":1,"a":2}', {"data": {"a": 2, "b": 1}}),
        ("application/vnd.x+json; v=1", b"[1]", {"data": [1]}),
        ("text/json", b"true", {"data": True}),
        ("text/plain", "é".encode(), {"data": "é"}),
        ("application/customcontenttype", b"\x00\x01", {"data_base64": "AAE="}),
        ("image/png", b"{}", {"data_base64": "e30="}),
    ],
)
async def test_a_binary_mode_event_is_delivered_structured(
    kind: str, body: bytes, delivered: dict[str, Any], wire: Wire
) -> None:
    """JSON stays JSON, text becomes a string, the rest `data_base64`."""
    extra = {"ce-extensiondataint": "101", "ce-subject": "caf%C3%A9"}
    status, _, _ = await wire.post(
        f"{TOPIC}:publish", body, headers={"Content-Type": kind, **BINARY, **extra}
    )

    assert status == 200
    [found] = await wire.receive()
    assert found["event"] == {
        "id": "1",
        "source": "/s",
        "type": "t",
        "specversion": "1.0",
        "datacontenttype": kind,
        "extensiondataint": "101",
        "subject": "café",
        **delivered,
    }


@pytest.mark.parametrize(
    ("headers", "body", "message"),
    [
        ({"ce-id": ""}, b"{", "not valid JSON"),
        ({"ce-datacontenttype": "text/plain"}, b"{}", "ce-datacontenttype"),
        ({"ce-much-too-long-and-odd": "1"}, b"{}", "attribute name"),
        ({}, b"", "'data' attribute is required"),
    ],
)
async def test_a_bad_binary_mode_request_is_refused(
    headers: dict[str, str], body: bytes, message: str, wire: Wire
) -> None:
    """The answer says what is wrong with it."""
    sent = {**BINARY, **headers}
    status, _, answer = await wire.post(
        f"{TOPIC}:publish", body, headers={"Content-Type": "application/json", **sent}
    )

    assert status == 400
    assert message in answer["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "body", "status", "message"),
    [
        ({"Content-Encoding": "gzip"}, b"\x1f\x8b", 415, "'gzip'"),
        ({"Content-Type": f"{SINGLE}6"}, b"{}", 415, "'utf-86'"),
        ({"Content-Type": "application/json;Charset=utf-16"}, b"{}", 415, "'utf-16'"),
        ({"Content-Type": 'text/plain; charset="latin-1"'}, b"\xe9", 415, "'latin-1'"),
        ({"Content-Type": "application/json"}, b"[]", 400, "needs `ce-*` headers"),
        ({"Content-Type": SINGLE}, b"\xef\xbb\xbf{}", 400, "byte order mark"),
        ({"Content-Type": SINGLE}, "{}".encode("utf-16"), 400, "byte order mark"),
        ({"Content-Type": "image/png; charset=x"}, b"\xff\xfe", 200, None),
    ],
)
async def test_a_body_of_another_kind_is_refused_with_the_reason(
    headers: dict[str, str],
    body: bytes,
    status: int,
    message: str | None,
    wire: Wire,
) -> None:
    """Nobody looks for the mistake in the event when it is in the encoding."""
    sent = BINARY if message is None or "json" not in str(headers) else {}

    found, _, answer = await wire.post(
        f"{TOPIC}:publish", body, headers={"Content-Type": SINGLE, **sent, **headers}
    )

    assert found == status
    assert message is None or message in answer["error"]["message"]


@pytest.mark.parametrize("where", ["publish", "binary", "explain", "settle"])
async def test_no_depth_breaks_the_emulator(where: str, wire: Wire) -> None:
    """Around the limits of the decoder and of the encoder: an event, or a refusal."""
    for depth in [500, *range(9_970, 10_005), 50_000]:
        deep = b"[" * depth + b"]" * depth
        match where:
            case "publish":
                body = json.dumps(EVENT).encode().replace(b"{}", deep)
                path, headers = f"{TOPIC}:publish", {"Content-Type": SINGLE}
            case "binary":
                body, path = deep, f"{TOPIC}:publish"
                headers = BINARY | {"Content-Type": "application/json"}
            case "explain":
                body, path, headers = b'{"type":%b}' % deep, "/_local/explain", {}
            case _:
                body, headers = b'{"lockTokens":%b}' % deep, {}
                path = f"{TOPIC}/eventsubscriptions/sub-all-events:acknowledge"
        status, _, _ = await wire.post(path, body, headers=headers)
        assert status in (200, 400), depth
    assert status == 400


async def test_the_limit_of_a_request_is_a_megabyte(wire: Wire) -> None:
    """1,048,576 bytes are taken, one more is refused with 413 and nothing published."""
    frame = len(json.dumps(EVENT | {"data": ""}))
    largest = EVENT | {"data": "x" * (1_048_576 - frame)}
    too_large = EVENT | {"data": "x" * (1_048_577 - frame)}

    first = await wire.post(
        f"{TOPIC}:publish", largest, headers={"Content-Type": SINGLE}
    )
    second = await wire.post(
        f"{TOPIC}:publish", too_large, headers={"Content-Type": SINGLE}
    )

    assert (first[0], second[0]) == (200, 413)
    assert second[1]["broker-errorcode"] == "RequestEntityTooLarge"
    assert len(await wire.receive()) == 1


async def test_a_request_holds_a_thousand_events(wire: Wire) -> None:
    """One more is refused, and nothing is published."""
    assert (await wire.publish(*[EVENT] * 1001))[0] == 400
    assert (await wire.publish(*[EVENT] * 1000))[0] == 200
    assert (await wire.publish())[0] == 200
