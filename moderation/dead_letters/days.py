"""Which days and hours have dead letters, by the folders that they lie in.

No blob is read for them, and none is listed: a handful of short lists.
"""

from datetime import date, datetime, timedelta

from moderation.dead_letters.blob_paths import ARCHIVE, LEDGERS
from moderation.dead_letters.store import DeadLetterStore

LOOK_BACK = timedelta(days=31)


async def roots(
    store: DeadLetterStore, subscription: str | None, *, archived: bool
) -> list[str]:
    """Return the folders of the event subscriptions, of whatever namespace and topic."""
    start = f"{ARCHIVE}/" if archived else ""
    spaces = [
        f"{start}{name}/"
        for name in await store.folders(start)
        if name not in (ARCHIVE, LEDGERS)
    ]
    topics = [f"{path}{name}/" for path in spaces for name in await store.folders(path)]
    return [
        f"{path}{name}/"
        for path in topics
        for name in await store.folders(path)
        if subscription is None or name.lower() == subscription.lower()
    ]


async def find_days(
    store: DeadLetterStore, now: datetime, *, subscription: str | None, archived: bool
) -> list[date]:
    """Return the days of the last 31 that have dead letters, newest first."""
    oldest = (now - LOOK_BACK).date()
    months = [
        (int(year), int(month), f"{root}{year}/{month}/")
        for root in await roots(store, subscription, archived=archived)
        for year in await numbered(store, root, oldest.year, now.year)
        for month in await numbered(store, f"{root}{year}/", 1, 12)
        if oldest.replace(day=1) <= _date(int(year), int(month), 1) <= now.date()
    ]
    found = {
        _date(year, month, int(day))
        for year, month, path in months
        for day in await numbered(store, path, 1, 31)
    }
    return sorted((day for day in found if day >= oldest), reverse=True)


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:  # a folder 2026/2/31 that nobody but a joker makes
        return date.min


async def numbered(
    store: DeadLetterStore, path: str, least: int, most: int
) -> list[str]:
    """Return the folders in that one whose names are numbers from `least` to `most`."""
    names = await store.folders(path)
    digits = (name for name in names if name.isascii() and name.isdigit())
    return [name for name in digits if len(name) <= 4 and least <= int(name) <= most]
