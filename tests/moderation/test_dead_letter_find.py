"""The dead letter of one event is looked for where it must lie, and not for long."""

import json
from collections.abc import AsyncIterator

from moderation.dead_letters import find
from moderation.dead_letters.store import Filed
from moderation.event_key import EventKey
from tests.dead_letters import InMemoryDeadLetters
from tests.make import NOW, Budget, an_event

FOLDER = "local/moderation-events/sub-flagged/2026/11/23/10/"


class Store(InMemoryDeadLetters):
    """Counts the names that were listed."""

    def __init__(self) -> None:
        super().__init__()
        self.listed = 0

    async def blobs(self, path: str) -> AsyncIterator[Filed]:
        async for blob in super().blobs(path):
            self.listed += 1
            yield blob


def a_store(count: int) -> Store:
    """With so many dead letters of that hour."""
    store = Store()
    for number in range(count):
        letter = [{"event": an_event(id=f"event-{number}")}]
        store.put(f"{FOLDER}{number:04}.json", json.dumps(letter).encode(), NOW)
    return store


async def test_it_is_found_among_others() -> None:
    """By the id of its event, with the name of its blob."""
    store = a_store(20)

    found = await find.of_event(
        store,
        "sub-flagged",
        EventKey("/tests", "event-7"),
        NOW,
        Budget(2.0, each=0.001),
    )

    assert found is not None
    assert found.name == f"{FOLDER}0007.json"


async def test_an_hour_with_very_many_is_not_listed_to_its_end() -> None:
    """Whoever waits for the answer has no time for that."""
    store = a_store(1000)

    found = await find.of_event(
        store, "sub-flagged", EventKey("/tests", "event-7"), NOW, Budget(2.0, each=0.1)
    )

    assert found is None
    assert store.listed < 100
