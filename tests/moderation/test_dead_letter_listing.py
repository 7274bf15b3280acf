"""Pages of dead letters lead to the last one, whatever becomes of others meanwhile."""

import json
from datetime import date

from moderation.dead_letters import days, listing
from moderation.dead_letters.listing import Mark, Wanted
from moderation.dead_letters.store import Stored
from tests.dead_letters import InMemoryDeadLetters
from tests.make import NOW, an_event

ROOT = "local/moderation-events/sub-flagged/"
FOLDER = f"{ROOT}2026/11/23/10/"


class Store(InMemoryDeadLetters):
    """Some blobs are listed, and moved before they are read; counts listed folders."""

    def __init__(self) -> None:
        super().__init__()
        self.moved: set[str] = set()
        self.asked: list[str] = []

    def lettered(self, name: str) -> None:
        """A dead letter in that blob."""
        self.put(name, json.dumps([{"event": an_event()}]).encode(), NOW)

    async def read(self, name: str, *, archived: bool = False) -> Stored | None:
        if name.removeprefix(FOLDER) in self.moved:
            return None
        return await super().read(name, archived=archived)

    async def folders(self, path: str) -> list[str]:
        self.asked.append(path)
        return await super().folders(path)


async def test_a_page_of_which_all_were_moved_leads_to_the_next_one() -> None:
    """An export that follows its cursor ends with the day, and not with such a page."""
    store = Store()
    for name in "abcdefgh":
        store.lettered(FOLDER + name)
    store.moved = {"a", "b", "c", "d"}
    found, after, pages = list[str](), None, 0

    while pages == 0 or after is not None:
        wanted = Wanted(day=date(2026, 11, 23), limit=1, after=after)
        page = await listing.page(store, wanted, lambda: 10.0)
        found += [listed.name.removeprefix(FOLDER) for listed in page.listed]
        after, pages = page.mark(), pages + 1

    assert found == ["e", "f", "g", "h"]


async def test_a_page_without_time_goes_on_where_it_ended() -> None:
    """Even where nothing of what it looked at was there any more."""
    store = Store()
    for number in range(10):
        store.lettered(f"{FOLDER}{number}")
    store.moved = set("01234567")
    after: Mark | None = None
    found = list[str]()

    for _ in range(3):
        wanted = Wanted(day=date(2026, 11, 23), limit=50, after=after)
        page = await listing.page(store, wanted, lambda: 0.0)
        found += [listed.name.removeprefix(FOLDER) for listed in page.listed]
        after = page.mark() or after

    assert found[:2] == ["8", "9"]


async def test_no_month_is_looked_into_that_is_over_for_long() -> None:
    """Dead letters may lie for years; each list costs a call."""
    store = Store()
    for month in range(1, 13):
        store.lettered(f"{ROOT}2026/{month}/5/1/a")
    store.lettered(f"{ROOT}2025/12/31/1/a")

    found = await days.find_days(store, NOW, subscription=None, archived=False)

    assert found == [date(2026, 11, 5)]
    months = {path for path in store.asked if path.startswith(f"{ROOT}2026/")}
    assert months == {f"{ROOT}2026/", f"{ROOT}2026/10/", f"{ROOT}2026/11/"}
