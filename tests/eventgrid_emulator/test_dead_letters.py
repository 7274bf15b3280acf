"""Dead letters: where they go, what they hold, and what happens when that is down."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from eventgrid_emulator import EmulatedNamespace
from eventgrid_emulator.dead_letters.destinations import BlobStorage
from eventgrid_emulator.events.cloudevents import read_batch
from tests.eventgrid_emulator.wire import EVENT, Wire, emulated, lock_tokens, until
from tests.functions_host.hosting import blob_storage

pytestmark = pytest.mark.contract

DECLARED = {
    "topic": "moderation-events",
    "deadLetterContainer": "dead-letters",
    "eventSubscriptions": [{"name": "sub-all-events", "maxDeliveryCount": 2}],
}
PATH = re.compile(
    r"local/moderation-events/sub-all-events/(\d+)/([1-9]\d?)/([1-9]\d?)/(0|[1-9]\d?)/"
    r"[0-9a-f]{8}-[0-9a-f-]{27}\.json"
)


class Emulator:
    """A namespace with a dead-letter destination."""

    def __init__(self, namespace: EmulatedNamespace, wire: Wire) -> None:
        self.namespace = namespace
        self.wire = wire

    @property
    def counts(self) -> tuple[int, int]:
        """Return how many were dead-lettered and how many dropped."""
        known = self.namespace.app.namespace
        counts = known.subscription("moderation-events", "sub-all-events").counts
        return counts.dead_lettered, counts.dropped

    @property
    def waiting(self) -> int:
        """Return how many dead letters wait for their destination."""
        return len(self.namespace.app.namespace.dead_lettering.outbox)


@contextlib.asynccontextmanager
async def opened(
    to: str | None, data: Path | None = None, declared: Any = DECLARED
) -> AsyncIterator[Emulator]:
    async with emulated(declared, dead_letters=to, data=data) as (namespace, wire):
        yield Emulator(namespace, wire)


@pytest.fixture
async def emulator(tmp_path: Path) -> AsyncIterator[Emulator]:
    """Start an emulator whose dead letters go to a folder."""
    async with opened(str(tmp_path / "letters")) as made:
        yield made


def letters(folder: Path) -> list[tuple[str, list[Any]]]:
    root = folder / "letters" / "dead-letters"
    return [
        (path.relative_to(root).as_posix(), json.loads(path.read_text()))
        for path in sorted(root.rglob("*.json"))
    ]


UNSETTLED = "Event was not acknowledged nor rejected."


@pytest.mark.parametrize(
    ("how", "attempts", "reason", "result"),
    [
        ("rejected", 1, "Event was rejected.", "Event was rejected."),
        ("worn out", 2, "Maximum delivery attempts was exceeded.", UNSETTLED),
        ("expired", 0, "Time to live was exceeded.", UNSETTLED),
    ],
)
async def test_an_event_that_ended_becomes_a_document(
    how: str,
    attempts: int,
    reason: str,
    result: str,
    emulator: Emulator,
    tmp_path: Path,
) -> None:
    """Under the service's path, in the service's words, with the event as delivered."""
    await emulator.wire.publish(EVENT)
    for _ in range(attempts):
        tokens = lock_tokens(await emulator.wire.receive())
        if how == "worn out":
            await emulator.namespace.advance(60)
    if how == "rejected":
        await emulator.wire.settle("reject", tokens)
    await emulator.namespace.advance(7 * 86_400)
    await until(lambda: emulator.counts == (1, 0))

    [(name, items)] = letters(tmp_path)
    assert PATH.fullmatch(name)
    [item] = items
    assert list(item) == ["deadLetterProperties", "event"]
    assert item["event"] == EVENT
    properties = item["deadLetterProperties"]
    assert (properties["deadletterreason"], properties["deliveryresult"]) == (
        reason,
        result,
    )
    assert properties["deliveryattempts"] == attempts
    for stamp in (properties["publishutc"], properties["deliveryattemptutc"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", stamp)
    was_delivered = properties["deliveryattemptutc"] > properties["publishutc"]
    assert was_delivered == (attempts > 0)


async def test_without_a_container_events_are_dropped_and_counted() -> None:
    """For rejects, expiry and the last delivery alike."""
    dropping = DECLARED | {"deadLetterContainer": False}
    async with opened(None, declared=dropping) as emulator:
        await emulator.wire.publish(EVENT)
        await emulator.wire.settle("reject", lock_tokens(await emulator.wire.receive()))
        assert emulator.counts == (0, 1)


async def test_a_destination_that_is_down_is_tried_again(
    emulator: Emulator, tmp_path: Path
) -> None:
    """After 10 s, 1 min, 5 min and every 5 min; nothing is lost meanwhile."""
    (tmp_path / "letters").write_text("a file stands where the folder should be")
    await emulator.wire.publish(EVENT)
    await emulator.wire.settle("reject", lock_tokens(await emulator.wire.receive()))
    queue = emulator.namespace.app.namespace.dead_lettering.outbox
    for failures, pause in enumerate([10, 60, 300, 300], start=1):
        await until(lambda: queue.failures == failures)  # noqa: B023
        await emulator.namespace.advance(pause - 2)
        await asyncio.sleep(0)
        assert queue.failures == failures
        await emulator.namespace.advance(2)
    await until(lambda: queue.failures == 5)
    assert emulator.waiting == 1

    (tmp_path / "letters").unlink()
    await emulator.namespace.advance(300)
    await until(lambda: emulator.counts == (1, 0))
    assert len(letters(tmp_path)) == 1


async def test_a_container_that_is_down_holds_up_no_other(tmp_path: Path) -> None:
    """Each topic's dead letters arrive as its own container allows."""
    (tmp_path / "broken").write_text("a file stands where the container should be")
    topics = [
        {
            "topic": f"topic-{container}",
            "deadLetterContainer": container,
            "eventSubscriptions": [{"name": "sub-all"}],
        }
        for container in ("broken", "whole")
    ]
    async with EmulatedNamespace(
        {"topics": topics}, dead_letters=str(tmp_path)
    ) as namespace:
        known = namespace.app.namespace
        [event] = read_batch(json.dumps([EVENT]).encode())
        for topic in known.topics.values():
            await known.publish(topic, [event])
        await namespace.advance(7 * 86_400)
        counts = known.subscription("topic-whole", "sub-all").counts
        await until(lambda: counts.dead_lettered == 1)
        assert len(known.dead_lettering.outbox) == 1


async def test_a_blob_does_not_grow_without_end(
    emulator: Emulator, tmp_path: Path
) -> None:
    """Large dead letters are spread over several blobs."""
    large = EVENT | {"data": "x" * 900_000}
    for _ in range(6):
        await emulator.wire.publish(large)
    await emulator.namespace.advance(7 * 86_400)
    await until(lambda: emulator.counts == (6, 0))

    assert [len(items) for _, items in sorted(letters(tmp_path))] in ([4, 2], [2, 4])


async def test_after_two_days_a_dead_letter_is_given_up(
    emulator: Emulator, tmp_path: Path
) -> None:
    """It is counted as dropped."""
    (tmp_path / "letters").write_text("a file stands where the folder should be")
    await emulator.wire.publish(EVENT)
    await emulator.wire.settle("reject", lock_tokens(await emulator.wire.receive()))
    await until(lambda: emulator.waiting == 1)
    await emulator.namespace.advance(2 * 86_400)

    await until(lambda: emulator.counts == (0, 1))
    assert emulator.waiting == 0


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run Azurite's blob service for the tests of this module."""
    with blob_storage(tmp_path_factory.mktemp("azurite")) as connection_string:
        yield connection_string


async def test_a_dead_letter_reaches_a_container(storage: str) -> None:
    """The container is made when it is missing."""
    async with opened(storage) as emulator:
        await emulator.wire.publish(EVENT, EVENT)
        await emulator.wire.settle("reject", lock_tokens(await emulator.wire.receive()))
        await until(lambda: emulator.counts == (2, 0), within=20)

    def read() -> list[tuple[str, Any]]:
        with ContainerClient.from_connection_string(storage, "dead-letters") as client:
            return [
                (blob.name, json.loads(client.download_blob(blob.name).readall()))
                for blob in client.list_blobs()
            ]

    blobs = await asyncio.to_thread(read)
    assert all(PATH.fullmatch(name) for name, _ in blobs)
    assert [item["event"] for _, items in blobs for item in items] == [EVENT, EVENT]


def test_development_storage_means_azurite() -> None:
    """The short form that the SDK for Python does not know."""
    storage = BlobStorage("UseDevelopmentStorage=true")
    assert "http://127.0.0.1:10000/devstoreaccount1" in storage.connection_string
