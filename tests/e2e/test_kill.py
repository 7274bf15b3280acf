"""Hosts are killed while their timers drain, and everything is counted afterwards."""

import json
import os
import random
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from tests.e2e.stacks import (
    Host,
    Stack,
    launch_host,
    make_app,
    running,
    until,
)

pytestmark = pytest.mark.e2e

ROUNDS, EVENTS = 30, 10_000
CHUNK = 50
FLAGGED, ALL = "sub-flagged", "sub-all-events"
TIMERS = {FLAGGED: "pull_flagged", ALL: "pull_all_events"}
POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGTERM")

type StartHost = Callable[..., Host]

SLOW = """
    await asyncio.sleep(2 if event.id.startswith("soon") else 60)
    return Acknowledge(Verdict.QUARANTINED)
"""


def decides(code: str, body: str) -> str:
    """The code of handlers.py, in which flagged events are decided about like that."""
    code = code.replace(
        "\nfrom eventgrid_pull", "\nimport asyncio\n\nfrom eventgrid_pull", 1
    )
    head, begins, rest = code.partition("async def flagged(")
    first, ends, after = rest.partition(":\n")
    return "".join([head, begins, first, ends, body.lstrip("\n"), after])


class Books:
    """What the emulator says, and what the audit log says."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._service = BlobServiceClient.from_connection_string(stack.storage)
        self._container = self._service.get_container_client("audit")
        self._read: dict[str, int] = {}
        self.entries: list[dict[str, Any]] = []

    def emulator(self, name: str) -> dict[str, Any]:
        """Depths and counts of one event subscription."""
        found = self._ask("/_local/subscriptions")["topics"][0]["eventSubscriptions"]
        return next(
            subscription for subscription in found if subscription["name"] == name
        )

    def advance(self, seconds: float) -> None:
        """The emulator's clock moves: locks end."""
        self._ask("/_local/clock", {"advance": seconds})

    def life(self, event_id: str, name: str) -> list[str]:
        """What happened to an event on one event subscription."""
        steps = self._ask(f"/_local/events?id={event_id}")["steps"]
        return [step["what"] for step in steps if step.get("subscription") == name]

    def _ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.stack.emulator + path, data, 30) as answer:
            return json.load(answer)

    def read(self) -> None:
        """Take in what the audit log has got since the last look."""
        if not self._container.exists():
            return
        for blob in self._container.list_blobs():
            if blob.name.startswith("actions/"):
                continue  # what people did
            start = self._read.get(blob.name, 0)
            if blob.size > start:
                grown = self._container.download_blob(blob.name, offset=start)
                content = grown.readall()
                self._read[blob.name] = start + len(content)
                self.entries += map(json.loads, content.splitlines())

    def recorded(self, name: str, disposition: str = "acknowledge") -> Counter[str]:
        """How many entries say so of each event id."""
        return Counter(
            entry["id"]
            for entry in self.entries
            if (entry["subscription"], entry["disposition"]) == (name, disposition)
        )

    def check_that_nothing_is_settled_without_an_entry(self) -> None:
        """The emulator has not acknowledged more events than are on record."""
        told = {name: self.emulator(name)["acknowledged"] for name in TIMERS}
        self.read()
        for name, acknowledged in told.items():
            assert acknowledged <= len(self.recorded(name))

    def left(self) -> int:
        """How many events the emulator still holds for both event subscriptions."""
        found = [self.emulator(name) for name in TIMERS]
        return sum(
            subscription["ready"] + subscription["locked"] + subscription["delayed"]
            for subscription in found
        )

    def close(self) -> None:
        """Close the connections."""
        self._service.close()


@pytest.fixture(scope="module")
def stack(host_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Emulator, storage and a host that publishes, while others drain and die."""
    with running(tmp_path_factory.mktemp("kill"), host_kind=host_kind) as started:
        yield started


@pytest.fixture
def books(stack: Stack) -> Iterator[Books]:
    """The books of this test; it reads the audit log from its beginning."""
    made = Books(stack)
    yield made
    made.close()


@pytest.fixture
def start_host(stack: Stack, tmp_path: Path) -> Iterator[StartHost]:
    """Starts hosts beside the stack; none outlives the test."""
    started: list[Host] = []

    def start(app: Path | None = None, **settings: str) -> Host:
        folder = tmp_path / f"host-{len(started)}"
        started.append(launch_host(stack, folder, app=app, **settings))
        return started[-1]

    yield start
    for host in started:
        if host.process.poll() is None:
            host.kill()


def publish(stack: Stack, ids: list[str]) -> None:
    """These events are in: Event Grid took them."""
    for start in range(0, len(ids), CHUNK):
        events = [an_event(event_id) for event_id in ids[start : start + CHUNK]]
        answer = stack.call(
            "POST",
            "/api/events",
            json.dumps(events).encode(),
            Content_Type="application/cloudevents-batch+json",
        )
        assert answer.status == 202, answer.body


def an_event(event_id: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/tests",
        "type": "com.contoso.ai.ContentFlagged",
        "data": {
            "contentId": f"doc-{event_id}",
            "contentType": "text",
            "modelName": "text-moderator-v2",
            "modelVersion": "2.4.0",
            "confidence": 0.9,
            "category": "violence",
            "severity": "high",
            "reviewRequired": True,
        },
    }


def drain_with(host: Host) -> None:
    for function in TIMERS.values():
        host.fire(function)


def test_nothing_is_lost_by_thirty_kills(
    stack: Stack, books: Books, start_host: StartHost
) -> None:
    """
    Killed at random points while 10,000 events go through, twice each; a second
    delivery and a second entry is all it may cost.
    """
    seed = int(os.environ.get("KILL_SEED") or time.time_ns() % 1_000_000)
    print(f"KILL_SEED={seed}")  # noqa: T201 - shown when the test fails
    chance = random.Random(seed)
    before = {name: books.emulator(name) for name in TIMERS}
    ids = [f"{seed}-{number}" for number in range(EVENTS)]
    hosts = [start_host(), start_host()]
    cut_off = 0
    for number in range(ROUNDS):
        mine = ids[number * EVENTS // ROUNDS : (number + 1) * EVENTS // ROUNDS]
        host = hosts.pop(0)
        publishing = Thread(target=publish, args=[stack, mine])
        drain_with(host)
        publishing.start()
        publishing.join(timeout=chance.uniform(0.0, 0.3))
        host.kill()
        hosts.append(start_host())
        publishing.join()
        cut_off += any(books.emulator(name)["locked"] for name in TIMERS)
        books.check_that_nothing_is_settled_without_an_entry()
        books.advance(61)
    drain_with(hosts[0])

    until("everything to be drained", lambda: books.left() == 0)
    hosts[0].kill()

    books.check_that_nothing_is_settled_without_an_entry()
    for name in TIMERS:
        recorded = books.recorded(name)
        assert set(ids) - recorded.keys() == set(), "lost"
        settled = books.emulator(name)["acknowledged"] - before[name]["acknowledged"]
        assert settled == EVENTS + before[name]["ready"]
    twice = sum(count - 1 for count in books.recorded(FLAGGED).values())
    print(f"{cut_off} kills with events in hand, {twice} recorded twice")  # noqa: T201
    assert cut_off, "no kill met a drain that had anything in hand"


def test_a_drain_beside_one_that_is_killed_loses_nothing(
    stack: Stack, books: Books, start_host: StartHost
) -> None:
    """
    A host is killed and started again while another drain of the same event
    subscriptions goes on: all of them compete safely, and the other one ends by itself.
    """
    ids = [f"orphan-{number}" for number in range(600)]
    orphan = start_host(PULL_BUDGET_SECONDS="12")
    host, again = start_host(), start_host()
    drain_with(orphan)
    drain_with(host)
    publish(stack, ids[:200])
    host.kill()
    publish(stack, ids[200:400])
    drain_with(again)
    publish(stack, ids[400:])

    def ended() -> bool:
        return all(f"drained {name}:" in orphan.log() for name in TIMERS)

    until("the orphan's drains to end", ended, patience=30)
    books.advance(61)

    def drained() -> bool:
        drain_with(again)
        return books.left() == 0

    until("everything to be drained", drained)
    books.check_that_nothing_is_settled_without_an_entry()
    for name in TIMERS:
        assert books.recorded(name).keys() >= set(ids)
        assert books.life("orphan-599", name).count("acknowledged") == 1


@POSIX
def test_a_host_that_is_told_to_stop_settles_what_it_has_in_hand(
    stack: Stack, books: Books, start_host: StartHost, tmp_path: Path
) -> None:
    """
    What can be finished within the grace is; the rest is handed back with an entry,
    and nothing new is taken.
    """
    if stack.host_kind == "func":
        pytest.skip("func passes no SIGTERM on to its worker: nothing may depend on it")
    app = make_app(tmp_path / "slow-app")
    handlers = app / "moderation" / "handlers.py"
    handlers.write_text(decides(handlers.read_text(encoding="utf-8"), SLOW))
    in_hand = ["soon-1", "soon-2", "late-1", "late-2", "late-3"]
    before = books.emulator(FLAGGED)
    host = start_host(app)
    publish(stack, in_hand)
    host.fire(TIMERS[FLAGGED])
    until("the handlers to work", lambda: books.emulator(FLAGGED)["locked"] == 5)

    host.process.send_signal(signal.SIGTERM)
    until("the app to hear it", lambda: "SIGTERM: nothing more" in host.log())
    publish(stack, ["new-1", "new-2"])

    assert host.process.wait(20) == 0
    after = books.emulator(FLAGGED)
    books.read()
    assert after["received"] - before["received"] == 5
    assert (after["locked"], after["ready"]) == (0, 3 + 2)
    assert books.recorded(FLAGGED).keys() >= {"soon-1", "soon-2"}
    released = [entry for entry in books.entries if entry["disposition"] == "release"]
    assert {entry["id"]: entry["reason"] for entry in released} == dict.fromkeys(
        in_hand[2:], "the app is stopping"
    )
    assert after["acknowledged"] - before["acknowledged"] == 2
    assert "Traceback" not in host.log()
