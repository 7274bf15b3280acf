"""One suite over dead letters in memory and in blob storage (Azurite)."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob.aio import ContainerClient

from eventgrid_pull.blob import blob_client
from eventgrid_pull.blob.append_log import StoreUnavailable
from moderation.dead_letters import days, formats, listing
from moderation.dead_letters.listing import Mark, Page, Wanted
from moderation.dead_letters.store import (
    BlobNotFound,
    DeadLetterStore,
    LeaseHeld,
    LeaseLost,
)
from moderation.storage.dead_letter_blobs import BlobDeadLetters, BlobLease
from tests.dead_letters import InMemoryDeadLetters
from tests.functions_host.hosting import a_free_port, blob_storage
from tests.make import NOW

pytestmark = pytest.mark.contract

ROOT = "local/moderation-events/sub-flagged/"
NAME = f"{ROOT}2026/11/23/10/a.json"
DAY = date(2026, 11, 23)


class Kept:
    """A store of either kind, and how Event Grid writes into it."""

    def __init__(self, store: DeadLetterStore, container: Any = None) -> None:
        self.store = store
        self._container: ContainerClient | None = container

    async def put(self, name: str, content: bytes) -> None:
        """Write a blob, as Event Grid does."""
        if self._container is not None:
            if not await self._container.exists():
                await self._container.create_container()
            await self._container.upload_blob(name, content, overwrite=True)
        elif isinstance(self.store, InMemoryDeadLetters):
            self.store.put(name, content, NOW)

    async def listed(self, **wanted: Any) -> Page:
        asked = Wanted(**{"day": DAY, "limit": 50, **wanted})
        return await listing.page(self.store, asked, lambda: 10.0)

    async def pages(self, **wanted: Any) -> list[list[tuple[str, int]]]:
        """Name and index of what is on each page, until there is no more."""
        found: list[list[tuple[str, int]]] = []
        after: Mark | None = None
        while not found or after:
            page = await self.listed(after=after, **wanted)
            found.append(
                [(listed.name[-6:-5], listed.letter.index) for listed in page.listed]
            )
            after = page.mark()
        return found


@pytest.fixture(scope="module")
def connection_string(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where an Azurite of this module's own answers."""
    with blob_storage(tmp_path_factory.mktemp("azurite")) as found:
        yield found


@pytest.fixture(params=["in memory", "blobs"])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Kept]:
    """An empty store of either kind."""
    if request.param == "in memory":
        yield Kept(InMemoryDeadLetters())
        return
    address: str = request.getfixturevalue("connection_string")
    async with blob_client.service(address, None) as client:
        name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
        container = client.get_container_client(name[:60].strip("-"))
        yield Kept(BlobDeadLetters(container), container)


def a_blob(*ids: str) -> bytes:
    events = [
        b'{"event":{"id":"%b","type":"t"}}' % event_id.encode() for event_id in ids
    ]
    return b"[" + b",".join(events) + b"]"


async def test_there_may_be_none_yet(kept: Kept) -> None:
    """Nothing was ever dead-lettered: there is not even a container."""
    store = kept.store

    assert await store.folders("") == []
    assert await store.read(NAME) is None
    assert await store.ledger(NAME) == b""
    assert (await kept.listed()).complete
    with pytest.raises(BlobNotFound):
        await store.lease(NAME)


@pytest.mark.parametrize("content", [b"", a_blob("1")])
async def test_a_blob_is_read_and_listed(kept: Kept, content: bytes) -> None:
    """An empty one, too."""
    await kept.put(NAME, content)

    stored = await kept.store.read(NAME)
    files = [blob.name async for blob in kept.store.blobs(f"{ROOT}2026/11/23/10/")]

    assert stored is not None
    assert (stored.content, stored.leased) == (content, False)
    assert files == [NAME]
    assert await kept.store.folders("local/moderation-events/") == ["sub-flagged"]


async def test_one_at_a_time_has_the_lease(kept: Kept) -> None:
    """Until it is released; and everyone sees that it is taken."""
    await kept.put(NAME, a_blob("1"))

    lease = await kept.store.lease(NAME)
    stored = await kept.store.read(NAME)
    with pytest.raises(LeaseHeld):
        await kept.store.lease(NAME)
    await lease.renew()
    await lease.release()
    again = await kept.store.lease(NAME)

    assert stored is not None
    assert stored.leased
    with pytest.raises(LeaseLost):
        await lease.renew()
    with pytest.raises(LeaseLost):
        await kept.store.delete(NAME, lease)
    await kept.store.delete(NAME, again)
    assert await kept.store.read(NAME) is None


async def test_a_ledger_grows_only_at_its_end(kept: Kept) -> None:
    """Who does not know what is in it has been overtaken."""
    await kept.put(NAME, a_blob("1"))
    store = kept.store

    await store.note(NAME, b"one\n", after=0)
    await store.note(NAME, b"two\n", after=4)

    for after in (0, 4):
        with pytest.raises(LeaseLost):
            await store.note(NAME, b"three\n", after=after)
    assert await store.ledger(NAME) == b"one\ntwo\n"


async def test_a_line_whose_answer_was_lost_is_there_once(kept: Kept) -> None:
    """The client sends it again, and must not take its own line for someone else's."""
    await kept.put(NAME, a_blob("1"))
    store = kept.store

    await store.note(NAME, b"one\n", after=0)
    await store.note(NAME, b"one\n", after=0)
    await store.note(NAME, b"two\n", after=4)
    await store.note(NAME, b"two\n", after=4)

    with pytest.raises(LeaseLost):
        await store.note(NAME, b"one\n", after=0)
    assert await store.ledger(NAME) == b"one\ntwo\n"


async def test_what_is_archived_stays_as_it_is(kept: Kept) -> None:
    """The copy may be there already, made by someone who died before the delete."""
    await kept.put(NAME, a_blob("1"))
    lease = await kept.store.lease(NAME)

    await kept.store.archive(NAME, a_blob("1"))
    await kept.store.archive(NAME, b"another")
    await kept.store.delete(NAME, lease)
    await kept.store.delete(NAME, lease)
    await lease.release()

    archived = await kept.store.read(NAME, archived=True)
    assert archived is not None
    assert archived.content == a_blob("1")
    assert (await kept.listed()).listed == []
    [listed] = (await kept.listed(archived=True)).listed
    assert (listed.name, listed.archived) == (NAME, True)


async def test_a_day_is_listed_newest_hour_first(kept: Kept) -> None:
    """
    Over all event subscriptions, or of one; padded or not; nothing of another day.
    """
    other = ROOT.replace("flagged", "approved")
    await kept.put(f"{ROOT}2026/11/23/2/a.json", a_blob("1"))
    await kept.put(f"{ROOT}2026/11/23/10/b.json", a_blob("2"))
    await kept.put(f"{other}2026/11/23/09/c.json", a_blob("3"))
    await kept.put(f"{ROOT}2026/11/22/23/d.json", a_blob("4"))
    await kept.put(f"{ROOT}2026/11/23/10/e f.json", a_blob("5"))
    await kept.put("else/where.json", a_blob("6"))

    assert await kept.pages() == [[("b", 0), ("c", 0), ("a", 0)]]
    assert await kept.pages(subscription="SUB-APPROVED") == [[("c", 0)]]
    assert await kept.pages(day=date(2026, 11, 22)) == [[("d", 0)]]


async def test_pages_go_on_where_they_ended(kept: Kept) -> None:
    """In the middle of a blob, too."""
    await kept.put(f"{ROOT}2026/11/23/10/a.json", a_blob("1", "2", "3"))
    await kept.put(f"{ROOT}2026/11/23/9/b.json", a_blob("4", "5"))
    await kept.put(f"{ROOT}2026/11/23/8/c.json", b"garbage")

    pages = await kept.pages(limit=2)

    assert [len(page) for page in pages] == [2, 2, 2]
    assert [letter for page in pages for letter in page] == [
        *(("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1), ("c", 0))
    ]


async def test_what_was_tried_is_listed_with_it(kept: Kept) -> None:
    """From its ledger."""
    await kept.put(NAME, a_blob("1"))
    line = b'{"at":"2026-11-23T11:00:00Z","index":0,"number":1,"by":"anna"}\n'
    await kept.store.note(NAME, line, after=0)

    [listed] = (await kept.listed()).listed

    assert [attempt.by for attempt in listed.attempts] == ["anna"]


async def test_days_that_have_any_are_found_without_reading_a_blob(kept: Kept) -> None:
    """Of the last 31, newest first."""
    for day in ("2026/11/23", "2026/11/1", "2026/10/24", "2026/10/1", "2025/11/23"):
        await kept.put(f"{ROOT}{day}/10/a.json", b"")
    await kept.put(f"{ROOT}2026/11/31/10/a.json", b"")
    await kept.put(f"archived/{ROOT}2026/11/5/10/a.json", b"")

    found = await days.find_days(kept.store, NOW, subscription=None, archived=False)
    archived = await days.find_days(
        kept.store, NOW, subscription="sub-flagged", archived=True
    )

    assert [day.isoformat() for day in found] == [
        *("2026-11-23", "2026-11-01", "2026-10-24")
    ]
    assert archived == [date(2026, 11, 5)]


async def test_a_page_ends_when_it_is_large(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is on the next ones."""
    monkeypatch.setattr(listing, "PAGE_BYTES", 10)
    await kept.put(NAME, a_blob("1", "2", "3"))

    assert [len(page) for page in await kept.pages()] == [1, 1, 1]


async def test_an_hour_with_many_is_read_a_page_at_a_time(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the blobs that are shown, and never more names than a few pages have."""
    monkeypatch.setattr(listing, "NAMES", 3)
    names = [f"{ROOT}2026/11/23/10/{letter}.json" for letter in "abcdefghijkl"]
    for name in names:
        await kept.put(name, a_blob("1"))

    pages = await kept.pages(limit=5)

    assert [len(page) for page in pages] == [5, 5, 2]
    assert len({letter for page in pages for letter in page}) == 12


async def test_a_lease_of_a_redrive_that_died_ends(connection_string: str) -> None:
    """Here it is broken, as its time would do."""
    async with blob_client.service(connection_string, None) as client:
        container = client.get_container_client("died")
        kept = Kept(BlobDeadLetters(container), container)
        await kept.put(NAME, a_blob("1"))
        dead = await kept.store.lease(NAME)
        assert isinstance(dead, BlobLease)
        await dead.client.break_lease(0)

        await kept.store.lease(NAME)

        with pytest.raises(LeaseLost):
            await dead.renew()


async def test_storage_that_does_not_answer_says_so() -> None:
    """In words that name the container and what to look at."""
    nobody = (
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=eA==;"
        f"BlobEndpoint=http://127.0.0.1:{a_free_port()}/devstoreaccount1;"
    )
    async with blob_client.service(nobody, None) as client:
        store = BlobDeadLetters(client.get_container_client("dead-letters"))

        with pytest.raises(StoreUnavailable, match=r"dead-letters.*does not answer"):
            await store.folders("")


async def test_only_so_much_of_a_blob_is_read(
    connection_string: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A blob that nobody expects fills no memory."""
    monkeypatch.setattr("moderation.storage.dead_letter_blobs.BLOB_BYTES", 1000)
    monkeypatch.setattr(formats, "BLOB_BYTES", 1000)
    async with blob_client.service(connection_string, None) as client:
        container = client.get_container_client("large")
        kept = Kept(BlobDeadLetters(container), container)
        await kept.put(NAME, b" " * 5000)

        stored = await kept.store.read(NAME)

    assert stored is not None
    assert len(stored.content) == 1000
    assert "larger" in str(formats.read(stored.content)[0].unreadable)
    assert datetime.now(UTC) - stored.at < timedelta(days=1)  # noqa: TID251
