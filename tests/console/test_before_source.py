"""What an older version wrote is read as what is written now, also mixed with it in one hour.

`tests/recorded/before-source` was written by the app at 8579043, before an audit entry had the source of its event.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eventgrid_pull.blob import log_paths
from eventgrid_pull.blob.append_log import InMemoryAppendLog
from eventgrid_pull.outcomes import Acknowledge
from moderation.audit import entry
from moderation.events import Verdict
from tests.calling import Api
from tests.dead_letters import InMemoryDeadLetters
from tests.make import NOW, a_delivery, a_result, an_event, minutes

RECORDED = Path(__file__).parents[1] / "recorded" / "before-source"


@pytest.fixture
async def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API over the recorded blobs."""
    found = Api(monkeypatch)
    await _load("audit", found.store)
    assert isinstance(found.runtime.activity._log, InMemoryAppendLog)
    await _load("activity", found.runtime.activity._log)
    store = found.runtime.dead_letters = InMemoryDeadLetters()
    for path in (RECORDED / "dead-letters").rglob("*.*"):
        name = path.relative_to(RECORDED / "dead-letters").as_posix()
        store.put(name, path.read_bytes(), NOW - minutes(19))
    return found


async def _load(container: str, log: InMemoryAppendLog) -> None:
    for path in (RECORDED / container).rglob("*.ndjson"):
        name = path.relative_to(RECORDED / container).as_posix()
        hour: datetime = log_paths.hour_of_blob(name)
        await log.append(name.partition("/")[0], hour, path.read_bytes())


async def ask(api: Api, path: str, **query: str) -> Any:
    answer = await api.call("GET", path, params=query)
    assert answer.status == 200, answer.body
    return answer.json()


async def test_entries_say_what_they_say_now(api: Api) -> None:
    """
    Source, category and the rest come from the event where the line has none of it.
    """
    entries = (await ask(api, "audit", subscription="sub-flagged"))["entries"]

    by_source = {entry["source"]: entry for entry in entries if entry["id"] == "A234"}
    assert set(by_source) == {"/team-a", "/team-b"}
    assert by_source["/team-b"]["category"] == "violence"
    assert by_source["/team-b"]["model"] == "text-moderator-v2 2.4.0"
    [odd] = [entry for entry in entries if entry["id"] == "odd"]
    assert (odd["source"], odd["category"]) == ("/team-b", None)
    assert {entry["source"] for entry in entries if not entry["id"]} == {""}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"category": "safe"}, 2),
        ({"text": "/TEAM-B"}, 4),
        ({"id": "A234"}, 5),
        ({"id": "A234", "source": "/team-a"}, 2),
        ({"source": "/elsewhere"}, 1),
        ({"text": "/content/texts", "reveal": "true"}, 8),
        ({"text": "/content/texts"}, 0),
    ],
)
async def test_they_are_filtered_like_others(
    api: Api, query: dict[str, str], count: int
) -> None:
    """By what their events say; by the subject only where it is shown."""
    assert len((await ask(api, "audit", **query))["entries"]) == count


async def test_their_lives_are_told_apart(api: Api) -> None:
    """
    One was rejected, one acknowledged and redriven, of one only its publication is known.
    """
    several = await ask(api, "life", id="A234")
    rejected = await ask(api, "life", id="A234", source="/team-a")
    handled = await ask(api, "life", id="A234", source="/team-b")
    waiting = await ask(api, "life", id="A234", source="/team-c")

    assert {event["source"] for event in several["events"]} == {"/team-a", "/team-b"}
    assert [kind(step) for step in rejected["steps"]] == [
        *("published", "delivery reject", "dead-lettered", "redriven reject"),
    ]
    assert [kind(step) for step in handled["steps"]] == [
        "published",
        "delivery acknowledge",
        "delivery acknowledge",
        "redriven acknowledge",
    ]
    assert [kind(step) for step in waiting["steps"]] == ["published"]
    assert (rejected["waiting"], handled["waiting"]) == (["sub-all-events"], [])


def kind(step: dict[str, Any]) -> str:
    return " ".join(filter(None, (step["kind"], step["disposition"])))


async def test_dead_letters_keep_their_reasons_and_redrives(api: Api) -> None:
    """The reason is that of the event itself, not of a namesake."""
    [letter] = (await ask(api, "deadletters"))["deadLetters"]
    [archived] = (await ask(api, "deadletters", archived="true"))["deadLetters"]

    assert (letter["source"], archived["source"]) == ("/team-a", "/team-b")
    assert letter["ourReason"].startswith("a contradiction")
    assert archived["ourReason"] is None
    assert [redrive["outcome"] for redrive in letter["redriven"]] == ["reject"]
    assert [redrive["outcome"] for redrive in archived["redriven"]] == ["acknowledge"]


async def test_what_was_counted_is_shown(api: Api) -> None:
    """The activity of that time."""
    totals = (await ask(api, "activity", minutes="60"))["totals"]

    assert totals["dispositions"] == {"acknowledge": 4, "release": 0, "reject": 3}


async def test_old_lines_and_new_ones_are_one_log(api: Api) -> None:
    """
    In one hour: an append that was repeated by the newer version is one entry still.
    """
    [old] = (await ask(api, "audit", id="P1"))["entries"]
    before = len((await ask(api, "audit"))["entries"])
    now = datetime.fromisoformat(old["at"])
    done = Acknowledge(Verdict.QUARANTINED)
    raw = json.dumps(an_event(a_result(contentId="img-p"), id="P1", source="/team-p"))
    again = a_delivery(raw.encode(), 2)
    token = msgspec.structs.replace(again, lock_token=old["lockToken"])
    lines = [
        entry.entry("sub-flagged", token, done, old["at"]),
        entry.entry(
            "sub-flagged",
            a_delivery(an_event(id="A234", source="/team-d")),
            done,
            old["at"],
        ),
    ]
    await api.runtime.audit.record("sub-flagged", lines, now)

    entries = (await ask(api, "audit"))["entries"]
    several = await ask(api, "life", id="A234")

    assert len(entries) == before + 1
    assert {event["source"] for event in several["events"]} == {
        *("/team-a", "/team-b", "/team-d")
    }
