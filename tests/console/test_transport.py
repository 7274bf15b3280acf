"""What is wrong with how a body was sent is told as that, by every call that has one."""

import gzip
import json
from typing import Any

import pytest

from tests.calling import Api
from tests.make import a_result, an_event

PLAIN = "application/json"
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
RESULT = json.dumps(a_result()).encode()
EVENT = json.dumps(an_event()).encode()
PATHS = ["events", "events/check", "why", "peek", "settle", "redrive"]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """The app's API."""
    return Api(monkeypatch)


async def refusal(
    api: Api, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, str]:
    """Return the status and the words of a refusal; a check's stands in its answer."""
    answer = await api.call("POST", path, body, headers=headers)
    said = answer.json()
    if path == "events/check" and answer.status == 200:
        return 415 if not said["valid"] else 200, said["detail"]
    return answer.status, f"{said.get('detail')} {said.get('next')}"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("headers", "body", "says"),
    [
        (
            {"content-encoding": "gzip"},
            gzip.compress(RESULT, mtime=0),
            "encoding 'gzip'",
        ),
        ({"content-encoding": "GZIP"}, RESULT, "encoding 'gzip'"),
        ({"content-encoding": "br"}, b"\x0b\x02", "encoding 'br'"),
        ({"content-encoding": "deflate"}, b"x\x9c", "encoding 'deflate'"),
        ({"content-encoding": "zstd, gzip"}, b"(\xb5", "encoding 'zstd, gzip'"),
        (
            {"content-type": f"{PLAIN}; charset=utf-16"},
            "{}".encode("utf-16"),
            "'utf-16'",
        ),
        ({"content-type": f'{PLAIN};Charset="latin-1"'}, RESULT, "'latin-1'"),
        ({"content-type": PLAIN}, RESULT.decode().encode("utf-16"), "UTF-16"),
        ({"content-type": PLAIN}, RESULT.decode().encode("utf-16-be"), "UTF-16"),
        ({"content-type": PLAIN}, RESULT.decode().encode("utf-16-le"), "UTF-16"),
        ({"content-type": PLAIN}, RESULT.decode().encode("utf-32"), "UTF-16"),
        ({"content-type": "text/xml"}, b"<event/>", "content type 'text/xml'"),
        (
            {"content-type": "application/x-www-form-urlencoded"},
            b"contentId=img-1&category=safe",
            "content type 'application/x-www-form-urlencoded'",
        ),
        (
            {"content-type": "multipart/form-data; boundary=x"},
            b"--x--",
            "content type 'multipart/form-data'",
        ),
    ],
)
async def test_a_body_in_another_form_is_unsupported(
    api: Api, path: str, headers: dict[str, str], body: bytes, says: str
) -> None:
    """Nobody looks for a mistake in their JSON when it is packed."""
    status, words = await refusal(api, path, body, {"content-type": PLAIN} | headers)

    assert status == 415
    assert says in words


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_that_the_host_dropped_is_not_an_empty_one(
    api: Api, path: str
) -> None:
    """
    Common publishers send chunks without being asked; each finds its own name here.
    """
    headers = {"content-type": PLAIN, "transfer-encoding": "chunked"}
    answer = await api.call("POST", path, b"", headers=headers)

    if path == "events/check":
        assert (
            "dropped" in answer.json()["detail"] or "drops" in answer.json()["detail"]
        )
        return
    assert answer.status == 411
    for name in ("PostAsJsonAsync", "httpTransport", "stream", "gateway", "curl"):
        assert name in answer.json()["next"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("events", RESULT),
        ("events/check", RESULT),
        ("why", RESULT),
        ("peek", b'{"subscription": "sub-flagged"}'),
    ],
)
@pytest.mark.parametrize(
    "headers",
    [
        {"content-encoding": "identity"},
        {"content-type": f'{PLAIN}; charset="UTF-8"'},
        {"content-type": f"{PLAIN};charset=us-ascii; x=1"},
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "marked"])
async def test_a_byte_order_mark_and_what_changes_nothing_is_ignored(
    api: Api, path: str, body: bytes, headers: dict[str, str], mark: bytes
) -> None:
    """Editors and PowerShell write the mark; it says what is so anyway."""
    answer = await api.call(
        "POST", path, mark + body, headers={"content-type": PLAIN} | headers
    )

    assert answer.status in (200, 202), answer.body
    assert answer.json().get("valid") is not False


@pytest.mark.parametrize(
    "kind", ["", "application/x-www-form-urlencoded", "text/plain"]
)
async def test_curl_may_ask_without_a_content_type(api: Api, kind: str) -> None:
    """It sends one of its own; where no events are carried, JSON is JSON."""
    body = b'{"subscription": "sub-flagged"}'

    answer = await api.call("POST", "peek", body, headers={"content-type": kind})

    assert answer.status == 200


@pytest.mark.parametrize(
    ("content", "kind", "path", "send"),
    [
        (an_event(), PLAIN, "$", STRUCTURED),
        ([an_event(), an_event(id="2")], PLAIN, "$[0]", BATCHED),
        ([a_result(), an_event()], PLAIN, "$[1]", BATCHED),
        ({"specversion": "1.0", "subject": None}, PLAIN, "$", STRUCTURED),
        (a_result(), STRUCTURED, "$", PLAIN),
        ([an_event(), a_result()], BATCHED, "$[1]", PLAIN),
        ([an_event()], STRUCTURED, "$", BATCHED),
        (
            {"id": "1", "eventType": "x", "dataVersion": "1", "data": a_result()},
            PLAIN,
            "$",
            STRUCTURED,
        ),
    ],
)
async def test_events_of_one_form_sent_as_another_are_one_problem(
    api: Api, content: Any, kind: str, path: str, send: str
) -> None:
    """It says which content type was meant, not what all the payload lacks."""
    answer = await api.call(
        "POST", "events", json.dumps(content).encode(), headers={"content-type": kind}
    )

    assert answer.status == 415
    [problem] = answer.json()["problems"]
    assert problem["path"] == path
    assert send in problem["problem"]
    assert send in answer.json()["detail"]
    assert api.sink.events == []
