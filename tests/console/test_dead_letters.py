"""Dead letters over HTTP: listed, opened, exported and redriven."""

import json
from datetime import timedelta
from typing import Any

import pytest

from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.outcomes import Reject
from eventgrid_pull.publishing.publish_stamp import add_stamps
from moderation.audit import entry as audit_entry
from moderation.audit.actions import action
from moderation.event_key import EventKey
from moderation.events import PROBE_MARK
from moderation.inspection.recognition import SEEN
from tests.calling import Answer, Api
from tests.dead_letters import InMemoryDeadLetters
from tests.make import NOW, a_delivery, a_result, an_event

ROOT = "local/moderation-events/sub-flagged/2026/11/23/10/"
NAME = f"{ROOT}a.json"
KEY = {"x-functions-key": "secret"}
LAST_ATTEMPT = NOW - timedelta(minutes=1)


class DeadLetterApi(Api):
    """The API over dead letters in memory."""

    def put(self, name: str, *events: Any) -> None:
        """A blob with a dead letter for each event, as Event Grid writes it."""
        said = {
            "deadletterreason": "Event was rejected.",
            "deliveryattempts": 1,
            "deliveryresult": "Event was rejected.",
            "publishutc": "2026-11-23T10:28:00.0000000Z",
            "deliveryattemptutc": stamp(LAST_ATTEMPT),
        }
        letters = [{"deadLetterProperties": said, "event": event} for event in events]
        store = self.runtime.dead_letters
        assert isinstance(store, InMemoryDeadLetters)
        store.put(name, json.dumps(letters).encode(), NOW)

    async def list(self, **params: str) -> Any:
        answer = await self.call("GET", "deadletters", params=params)
        assert answer.status == 200, answer.body
        return answer.json()

    async def redrive(self, *names: str, **more: Any) -> Answer:
        chosen = [{"name": name, "index": 0} for name in names]
        body = json.dumps({"deadLetters": chosen, **more}).encode()
        return await self.call("POST", "redrive", body, headers=KEY)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> DeadLetterApi:
    """With one dead letter of today."""
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED", raising=False)
    found = DeadLetterApi(monkeypatch)
    found.put(NAME, an_event(a_result(contentId="img-1"), id="a"))
    return found


async def test_the_dead_letters_of_today_are_listed(api: DeadLetterApi) -> None:
    """With all that Event Grid says, and without what the event is about."""
    answer = await api.list()

    assert answer["day"] == "2026-11-23"
    assert (answer["complete"], answer["cursor"]) == (True, None)
    assert answer["days"] == ["2026-11-23"]
    [letter] = answer["deadLetters"]
    event = letter.pop("event")
    assert event["data"] == {"redacted": True, "bytes": 193}
    assert letter == {
        "name": NAME,
        "index": 0,
        "subscription": "sub-flagged",
        "at": "2026-11-23T10:30:00.000000Z",
        "id": "a",
        "source": "/tests",
        "type": "com.contoso.ai.ContentFlagged",
        "contentId": "img-1",
        "reason": "Event was rejected.",
        "deliveryAttempts": 1,
        "result": "Event was rejected.",
        "publishedAt": "2026-11-23T10:28:00.000000Z",
        "lastAttemptAt": "2026-11-23T10:29:00.000000Z",
        "ourReason": None,
        "traceparent": None,
        "unreadable": None,
        "redacted": True,
        "archived": False,
        "redriven": [],
    }


async def test_what_is_no_longer_declared_is_listed_by_its_folder(
    api: DeadLetterApi,
) -> None:
    """An event subscription that was removed leaves its dead letters behind."""
    api.put(NAME.replace("sub-flagged", "sub-former"), an_event())
    api.put(NAME.replace("sub-flagged", "SUB-APPROVED"), an_event())

    found = (await api.list())["deadLetters"]

    names = {letter["subscription"] for letter in found}
    assert names == {"sub-former", "sub-approved", "sub-flagged"}


@pytest.mark.parametrize("seconds", [0.2, 200])
async def test_our_own_reason_is_joined_in(api: DeadLetterApi, seconds: float) -> None:
    """Event Grid keeps none; the audit log has it, near the last delivery."""
    at = LAST_ATTEMPT + timedelta(seconds=seconds)
    delivery = a_delivery(an_event(id="a"))
    entry = audit_entry.entry("sub-flagged", delivery, Reject("no good"), stamp(at))
    await api.runtime.audit.record("sub-flagged", [entry], at)

    [letter] = (await api.list())["deadLetters"]

    assert letter["ourReason"] == "no good"


async def test_events_without_an_id_are_told_apart_by_what_they_are(
    api: DeadLetterApi,
) -> None:
    """The reason of one is not shown as that of another."""
    events: list[Any] = [{"id": "", "note": "one"}, {"id": "", "note": "two"}]
    api.put(NAME, *events)
    delivery = a_delivery(events[1])
    entry = audit_entry.entry(
        "sub-flagged", delivery, Reject("no"), stamp(LAST_ATTEMPT)
    )
    await api.runtime.audit.record("sub-flagged", [entry], LAST_ATTEMPT)

    letters = (await api.list())["deadLetters"]

    assert [letter["ourReason"] for letter in letters] == [None, "no"]


async def test_what_is_revealed_is_noted_with_who_asked(api: DeadLetterApi) -> None:
    """Before it is shown."""
    params = {"name": NAME, "reveal": "true"}
    answer = await api.call("GET", "deadletter", params=params, headers=KEY)

    letter = answer.json()
    assert (letter["redacted"], letter["event"]["data"]["contentId"]) == (
        False,
        "img-1",
    )
    [action] = await api.actions()
    assert (action["action"], action["ids"]) == ("reveal", ["a"])


async def test_a_day_without_any_is_empty(api: DeadLetterApi) -> None:
    """The days that have some are told."""
    answer = await api.list(day="2026-11-20")

    assert answer["deadLetters"] == []
    assert answer["days"] == ["2026-11-23"]


async def test_pages_go_on_with_the_cursor(api: DeadLetterApi) -> None:
    """The days are on the first page only."""
    for letter in "bcd":
        api.put(f"{ROOT}{letter}.json", an_event(id=letter))

    first = await api.list(limit="3")
    second = await api.list(limit="3", cursor=first["cursor"])

    ids = [letter["id"] for page in (first, second) for letter in page["deadLetters"]]
    assert sorted(ids) == ["a", "b", "c", "d"]
    assert (second["complete"], second["cursor"], second["days"]) == (True, None, None)


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
async def test_they_are_exported(api: DeadLetterApi, kind: str) -> None:
    """With the cursor in a header."""
    api.put(f"{ROOT}b.json", an_event(id="b"))
    params = {"format": kind, "limit": "1"}
    answer = await api.call("GET", "deadletters", params=params)

    assert answer.status == 200
    assert "dead-letters-" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Next-Cursor"]
    assert len(answer.body.splitlines()) == (2 if kind == "csv" else 1)


@pytest.mark.parametrize(
    "letter",
    [
        {"event": '{"data": "secret"'},
        {"Event": ["secret"], "deadLetterProperties": {}},
        {"text": "secret"},
        "secret",
    ],
)
async def test_what_cannot_be_read_is_not_shown_in_part(
    api: DeadLetterApi, letter: Any
) -> None:
    """Nobody knows what of it is private."""
    store = api.runtime.dead_letters
    assert isinstance(store, InMemoryDeadLetters)
    store.put(NAME, json.dumps([letter]).encode(), NOW)

    answer = await api.call("GET", "deadletters", params={})

    [told] = answer.json()["deadLetters"]
    assert told["unreadable"]
    assert told["event"]["redacted"] is True
    assert b"secret" not in answer.body


async def test_what_is_revealed_has_a_name_where_its_event_has_none(
    api: DeadLetterApi,
) -> None:
    """Who saw what is on record, whatever it was."""
    store = api.runtime.dead_letters
    assert isinstance(store, InMemoryDeadLetters)
    store.put(NAME, json.dumps([5, an_event(id="b")]).encode(), NOW)

    await api.list(reveal="true")

    [action] = await api.actions()
    assert (action["action"], action["ids"]) == ("reveal", [f"{NAME}#0", "b"])


async def test_garbage_is_listed_as_such(api: DeadLetterApi) -> None:
    """Its text is shown only to who may see events, too."""
    store = api.runtime.dead_letters
    assert isinstance(store, InMemoryDeadLetters)
    store.put(NAME, b"<b>\xff", NOW)

    [letter] = (await api.list())["deadLetters"]
    [shown] = (await api.list(reveal="true"))["deadLetters"]

    assert letter["unreadable"].startswith("not a list of dead letters")
    assert (letter["id"], letter["event"]) == (None, {"redacted": True, "bytes": 4})
    assert shown["event"] == "<b>�"


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("deadletters", {"day": "tomorrow"}),
        ("deadletters", {"day": "2026-02-30"}),
        ("deadletters", {"limit": "201"}),
        ("deadletters", {"cursor": "nonsense"}),
        ("deadletters", {"cursor": "lAHDAaExAA"}),
        ("deadletters", {"subscription": "sub-other"}),
        ("deadletters", {"format": "xml"}),
        ("deadletter", {}),
        ("deadletter", {"name": "../audit/x"}),
        ("deadletter", {"name": NAME, "index": "1"}),
        ("deadletter", {"name": NAME, "index": "-1"}),
        ("deadletter", {"name": NAME.replace("a.json", "z.json")}),
    ],
)
async def test_a_query_that_is_none_is_refused(
    api: DeadLetterApi, path: str, params: dict[str, str]
) -> None:
    """With what is wrong."""
    answer = await api.call("GET", path, params=params)

    assert answer.status == 400
    assert answer.json()["problems"]


async def test_a_dry_run_is_what_is_done_by_default(api: DeadLetterApi) -> None:
    """It notes nothing, because nothing happens."""
    answer = await api.redrive(NAME)

    assert answer.json()["dryRun"] is True
    [result] = answer.json()["results"]
    assert (result["outcome"], result["id"]) == ("notBegun", "a")
    assert await api.actions() == []


async def test_a_redrive_is_noted_done_and_seen(api: DeadLetterApi) -> None:
    """The dead letter is in the archive then, with who redrove it."""
    answer = await api.redrive(NAME, dryRun=False)

    [result] = answer.json()["results"]
    assert (result["outcome"], result["archived"]) == ("acknowledge", True)
    [action] = await api.actions()
    assert (action["action"], action["ids"]) == ("redrive", ["a"])
    assert action["by"].startswith("key ")
    assert (await api.list())["deadLetters"] == []
    [letter] = (await api.list(archived="true"))["deadLetters"]
    assert letter["archived"]
    assert [(redrive["by"], redrive["outcome"]) for redrive in letter["redriven"]] == [
        (action["by"], "acknowledge")
    ]
    opened = await api.call("GET", "deadletter", params={"name": NAME})
    assert opened.json()["archived"]


async def test_a_redriven_probe_is_still_a_probe_and_no_activity(
    api: DeadLetterApi,
) -> None:
    """It keeps its stamp and its mark: no handler acts on it, and no chart counts it."""
    probe = an_event(id="probe") | {PROBE_MARK: "inspect"}
    event, key = add_stamps([probe], NOW)[0], EventKey("/tests", "probe")
    line = action("inspect", "x", NOW, subscription="sub-flagged", events=[key])
    await api.runtime.actions.note(line, NOW)
    api.put(NAME, event)

    answer = await api.redrive(NAME, dryRun=False)

    [result] = answer.json()["results"]
    assert (result["outcome"], result["reason"]) == ("reject", SEEN)
    [entry] = (await api.call("GET", "audit", params={"reveal": "true"})).json()[
        "entries"
    ]
    assert entry["event"] == event
    assert (await api.call("GET", "activity")).json()["minutes"] == []


async def test_an_id_of_a_megabyte_is_noted_in_short(api: DeadLetterApi) -> None:
    """Whoever publishes an event gives it any id."""
    api.put(NAME, an_event(id="x" * 1_000_000))

    answer = await api.redrive(NAME, dryRun=False)
    await api.list(archived="true", reveal="true")

    assert answer.json()["results"][0]["outcome"] == "acknowledge"
    reveal, redriven = await api.actions()
    assert (reveal["action"], redriven["action"]) == ("reveal", "redrive")
    assert reveal["ids"] == redriven["ids"] == ["x" * 512]


async def test_what_cannot_be_noted_is_not_done(api: DeadLetterApi) -> None:
    """Nobody acts without leaving a name."""
    api.store.fails = True

    answer = await api.redrive(NAME, dryRun=False)

    assert answer.status == 503
    assert await api.runtime.dead_letters.ledger(NAME) == b""


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"deadLetters": []},
        {"deadLetters": [{"name": NAME}] * 51},
        {"deadLetters": [{"name": NAME, "index": -1}]},
        {"deadLetters": [{"index": 0}]},
        {"deadLetters": [{"name": ""}]},
        {"deadLetters": "all"},
        {"deadLetters": [{"name": NAME}], "dryRun": "no"},
        {"deadLetters": [{"name": NAME}], "subscription": "sub-flagged"},
    ],
)
async def test_a_body_that_is_none_is_refused(
    api: DeadLetterApi, body: dict[str, Any]
) -> None:
    """Nothing is redriven by mistake."""
    answer = await api.call("POST", "redrive", json.dumps(body).encode())

    assert answer.status == 400
    assert answer.json()["problems"]


async def test_a_body_of_nothing_but_mistakes_is_answered_shortly(
    api: DeadLetterApi,
) -> None:
    """An answer is never many times as large as what was asked."""
    names = {f"name-{number}": 1 for number in range(10_000)}

    answer = await api.call("POST", "redrive", json.dumps(names).encode())
    large = await api.call("POST", "redrive", b" " * 2_000_000 + b"{}")

    assert answer.status == 400
    assert len(answer.json()["problems"]) < 100
    assert large.status == 413
