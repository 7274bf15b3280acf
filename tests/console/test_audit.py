"""The audit log over HTTP: pages, files, and what is shown to whom."""

import codecs
import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.outcomes import Acknowledge, Disposition, Reject
from moderation.audit import entry as audit_entry
from moderation.events import Verdict
from tests.calling import Answer, Api
from tests.make import NOW, a_delivery, a_result, an_event, minutes

DONE = Acknowledge(Verdict.QUARANTINED)
PAGE = {"x-functions-key": "a key"}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


async def record(
    api: Api, *ids: str, ago: float = 0, disposition: Disposition = DONE, **changes: Any
) -> None:
    now = NOW - minutes(ago)
    entries = [
        audit_entry.entry(
            "sub-flagged",
            a_delivery(an_event(id=event_id, **changes)),
            disposition,
            stamp(now),
        )
        for event_id in ids
    ]
    await api.runtime.audit.record("sub-flagged", entries, now)


async def ask(api: Api, **query: str) -> Answer:
    return await api.call("GET", "audit", params=query, headers=PAGE)


def ids(answer: Answer) -> list[str]:
    return [entry["id"] for entry in answer.json()["entries"]]


async def test_an_entry_tells_what_its_event_says(api: Api) -> None:
    """Category, severity, confidence and model are what operators work with."""
    await record(api, "1")

    [entry] = (await ask(api)).json()["entries"]

    assert entry["category"] == "violence"
    assert entry["severity"] == "medium"
    assert entry["confidence"] == 0.9
    assert entry["model"] == "text-moderator-v2 2.4.0"
    assert (entry["by"], entry["redrive"]) == (None, None)
    assert (entry["contentId"], entry["redacted"]) == ("doc-1", True)
    assert set(entry["event"]["data"]) == {"redacted", "bytes"}


async def test_pages_are_joined_by_their_cursors(api: Api) -> None:
    """
    A batch has one moment; it is cut all the same, and what is new changes nothing.
    """
    await record(api, *"abcdefg", ago=2)
    await record(api, *"hij", ago=1)

    got, cursor, turns = [], "", 0
    while turns == 0 or cursor:
        page = await ask(api, limit="3", **({"cursor": cursor} if cursor else {}))
        got += ids(page)
        cursor = page.json()["cursor"] or ""
        await record(api, f"new-{turns}")
        turns += 1

    assert got == list("jihgfedcba")
    assert page.json()["complete"] is True


async def test_a_cursor_keeps_the_beginning(api: Api) -> None:
    """The last page ends where the first one said, however long the reading takes."""
    await record(api, "old", ago=24 * 60 - 1)
    await record(api, "a", "b", ago=60)

    first = await ask(api, limit="1")
    api.runtime.clock = lambda: NOW + timedelta(hours=2)
    rest = await ask(api, cursor=first.json()["cursor"])

    assert ids(rest) == ["a", "old"]
    assert rest.json()["since"] == first.json()["since"]


@pytest.mark.parametrize(
    "cursor", ["x", "AAAA", "é", "=", "a" * 5000, "k5M", "kwEAoXg", "%00", "__-"]
)
async def test_a_cursor_that_is_none_is_refused(api: Api, cursor: str) -> None:
    """Whatever is sent back: never a fault."""
    answer = await ask(api, cursor=cursor)

    assert answer.status in (200, 400)
    if answer.status == 400:
        assert answer.json()["problems"][0]["path"] == "cursor"


async def test_what_is_revealed_is_noted_before_it_is_shown(api: Api) -> None:
    """Who saw which events, by the name of their key."""
    await record(api, "1", "2")

    answer = await ask(api, reveal="true")

    assert answer.json()["entries"][0]["event"]["data"]["contentId"] == "doc-1"
    [noted] = await api.actions()
    assert (noted["action"], noted["ids"]) == ("reveal", ["2", "1"])
    assert noted["by"].startswith("key ")


async def test_what_cannot_be_noted_is_not_revealed(api: Api) -> None:
    """No record, no data."""
    await record(api, "1")
    api.store.fails = True

    answer = await ask(api, reveal="true")

    assert answer.status == 503
    assert b"doc-1" not in answer.body


@pytest.mark.parametrize(
    ("payloads", "reveal", "found"),
    [
        ("on-request", "false", []),
        ("on-request", "true", ["1"]),
        ("shown", "false", ["1"]),
        ("never", "true", []),
    ],
)
async def test_a_subject_is_searched_where_it_is_shown(
    monkeypatch: pytest.MonkeyPatch, payloads: str, reveal: str, found: list[str]
) -> None:
    """What is redacted must not be guessed by searching for it."""
    api = Api(monkeypatch, PAYLOADS=payloads)
    await record(api, "1", subject="/content/secret-7")

    assert ids(await ask(api, text="secret-7", reveal=reveal)) == found


async def test_an_export_is_a_file_of_lines(api: Api) -> None:
    """A script follows the header to the rest."""
    await record(api, "1", "2", "3")

    first = await ask(api, format="ndjson", limit="2")
    cursor = first.headers["X-Next-Cursor"]
    rest = await ask(api, format="ndjson", limit="2", cursor=cursor)

    lines = (first.body + rest.body).splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["3", "2", "1"]
    assert "X-Next-Cursor" not in rest.headers
    assert first.content_type == "application/x-ndjson"
    saved = 'attachment; filename="audit-20261123T103000Z.ndjson"'
    assert first.headers["Content-Disposition"] == saved


def read_csv(answer: Answer) -> list[dict[str, str]]:
    """The rows as a program reads them that knows the byte order mark."""
    text = io.StringIO(answer.body.decode("utf-8-sig"), newline="")
    return list(csv.DictReader(text))


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@x", "\t1", "\r1", " =1", "\uff1d1", "|x", "\n1"),
        *("\xa0=1", "\ufeff=1", '"=1', "\x00=1", "\uff05x"),
    ],
)
async def test_a_spreadsheet_runs_nothing_of_an_export(api: Api, text: str) -> None:
    """Ids and reasons come from outside."""
    await record(api, text, disposition=Reject(text), data=a_result(category=text))

    answer = await ask(api, format="csv")

    [row] = read_csv(answer)
    assert row["id"] == row["reason"] == row["category"] == f"'{text}"
    assert row["deliveryCount"] == "1"
    assert json.loads(row["event"])["type"].endswith("ContentFlagged")


@pytest.mark.parametrize("cut", [";", "\t", "\n", "\r\n", "\v", "\u2028"])
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", ' "=', "\xa0="])
async def test_a_spreadsheet_that_cuts_elsewhere_runs_nothing_either(
    api: Api, cut: str, start: str
) -> None:
    """
    In many countries the separator is a semicolon; a quote within a cell ends nothing.
    """
    text = f"foo{cut}{start}cmd"
    await record(api, text, disposition=Reject(text), data=a_result(category=text))

    answer = await ask(api, format="csv", reveal="true")

    [row] = read_csv(answer)
    safe = f"foo{cut}'{start}cmd"
    assert row["id"] == row["reason"] == row["category"] == safe
    assert f";{start}" not in row["event"]
    assert json.loads(row["event"])["id"] == text


async def test_cells_keep_what_is_in_them(api: Api) -> None:
    """Quotes, commas, line breaks, NULs and other scripts."""
    text = 'a "b", c\n\u202e\x00é;'
    await record(api, text)

    answer = await ask(api, format="csv")

    [row] = read_csv(answer)
    assert row["id"] == text
    assert answer.body.startswith(codecs.BOM_UTF8)
    assert answer.content_type == "text/csv; charset=utf-8"
