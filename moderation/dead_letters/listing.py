"""Dead letters of a day, newest hour first, in pages."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import date, datetime
from itertools import batched, chain
from typing import Annotated

import msgspec
from msgspec import Meta

from moderation.audit.entry import DeadLetterRef
from moderation.dead_letters import attempts as redrive_attempts
from moderation.dead_letters import blob_paths, days, formats
from moderation.dead_letters.attempts import Attempt
from moderation.dead_letters.blob_paths import Place
from moderation.dead_letters.formats import DeadLetter
from moderation.dead_letters.store import DeadLetterStore, Filed

READ_TOGETHER = 8
# At most so many names of an hour are in memory, besides those of two pages.
NAMES = 1000
# A page ends after so many bytes of blobs: one may hold a thousand events.
PAGE_BYTES = 8 * 1024 * 1024


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: the last dead letter on it."""

    hour: Annotated[int, Meta(ge=0, le=23)]
    at: Annotated[datetime, Meta(tz=True)]
    name: str
    index: Annotated[int, Meta(ge=0)]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which dead letters: of one day (UTC), of one event subscription or of all.

    `archived` those that were redriven; `limit` at most so many, `after` that one.
    """

    day: date
    subscription: str | None = None
    archived: bool = False
    limit: int
    after: Mark | None = None


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter, where it lies, and what was tried with it, oldest first."""

    name: str
    at: datetime
    place: Place
    letter: DeadLetter
    attempts: list[Attempt]
    archived: bool

    @property
    def ref(self) -> DeadLetterRef:
        """Return what names it among all dead letters."""
        return DeadLetterRef(self.name, self.letter.index)

    @property
    def dead_lettered_at(self) -> datetime:
        """Return when it was dead-lettered, as near as is known.

        Its blob's own time, but for one in the archive, which has the time of its move.
        """
        last = self.letter.properties.last_attempt_at
        return last or self.place.hour if self.archived else self.at


class Page(msgspec.Struct):
    """Dead letters; `complete` when the day has no more after them.

    `looked` is how far was looked, should none of it be there any more; `size` is that
    of all their events in bytes.
    """

    looked: Mark | None
    listed: list[Listed] = []
    complete: bool = False
    size: int = 0

    def mark(self) -> Mark | None:
        """Return where the next page goes on; None when there is none."""
        if self.complete:
            return None
        if not self.listed:
            return self.looked
        last = self.listed[-1]
        return Mark(last.place.hour.hour, last.at, last.name, last.letter.index)

    def take(self, blobs: Iterable[list[Listed]], limit: int) -> bool:
        """Add what is in the blobs; False when the page is full before that."""
        for listed in chain.from_iterable(blobs):
            if len(self.listed) == limit or self.size > PAGE_BYTES:
                return False
            self.listed.append(listed)
            self.size += len(listed.letter.raw)
        return True


async def page(
    store: DeadLetterStore, wanted: Wanted, time_left: Callable[[], float]
) -> Page:
    """Read one page, and only its own blobs. When no time is left, what there is."""
    result = Page(wanted.after)
    for hour, hours in await _hours(store, wanted):
        # The last one of the page before, and one too many.
        count = wanted.limit - len(result.listed) + 2
        names = await _newest(_blobs(store, hours, hour, wanted), count)
        tried = await _names_with_ledger(store, hours) if names else set()
        for together in batched(names, READ_TOGETHER, strict=False):
            blobs = [
                _read(store, wanted, blob, blob.name in tried) for blob in together
            ]
            last = together[-1]
            if result.looked is None or result.looked.name != last.name:
                result.looked = Mark(hour, last.at, last.name, 0)
            is_room = result.take(await asyncio.gather(*blobs), wanted.limit)
            if not is_room or time_left() <= 0:
                return result
        if len(names) == count:  # some were moved meanwhile, and the hour has more
            return result
    result.complete = True
    return result


async def _hours(store: DeadLetterStore, wanted: Wanted) -> list[tuple[int, list[str]]]:
    """Return the hours that are left of the day, newest first, with their folders."""
    found: dict[int, list[str]] = {}
    newest = 23 if wanted.after is None else wanted.after.hour
    for root in await days.roots(store, wanted.subscription, archived=wanted.archived):
        for path in blob_paths.days_of_dead_letters(root, wanted.day):
            for hour in await days.numbered(store, path, 0, newest):
                found.setdefault(int(hour), []).append(f"{path}{hour}/")
    return sorted(found.items(), reverse=True)


async def _blobs(
    store: DeadLetterStore, hours: list[str], hour: int, wanted: Wanted
) -> AsyncIterator[Filed]:
    """Return the dead letters in those folders, without those of earlier pages."""
    after = wanted.after
    end = _order(after) if after and after.hour == hour else None
    for path in hours:
        async for blob in store.blobs(path):
            is_left = end is None or _order(blob) >= end
            if is_left and blob_paths.place(blob.name) is not None:
                yield blob


async def _newest(blobs: AsyncIterator[Filed], count: int) -> list[Filed]:
    """Return the newest `count`; only a few times as many are ever in memory."""
    kept: list[Filed] = []
    async for blob in blobs:
        kept.append(blob)
        if len(kept) > 2 * count + NAMES:
            kept = heapq.nsmallest(count, kept, key=_order)
    return heapq.nsmallest(count, kept, key=_order)


def _order(blob: Filed | Mark) -> tuple[float, str]:
    return -blob.at.timestamp(), blob.name


async def _names_with_ledger(store: DeadLetterStore, hours: list[str]) -> set[str]:
    """Return the names of those folders' blobs that have a ledger."""
    return {
        blob_paths.from_ledger(blob.name)
        for path in hours
        async for blob in store.blobs(blob_paths.ledgers(path))
    }


async def _read(
    store: DeadLetterStore, wanted: Wanted, filed: Filed, tried: bool
) -> list[Listed]:
    """Return the dead letters of one blob; none when it was moved in the meantime."""
    found = await of_blob(store, filed.name, archived=wanted.archived, tried=tried)
    after = wanted.after
    if after is None or after.name != filed.name:
        return found
    return [listed for listed in found if listed.letter.index > after.index]


async def of_blob(
    store: DeadLetterStore, name: str, *, archived: bool, tried: bool = True
) -> list[Listed]:
    """Return the dead letters of the blob with that name; empty when it is not there.

    Its ledger is read where it was `tried` to redrive one. Raises StoreUnavailable.
    """
    place = blob_paths.place(name)
    stored = await store.read(name, archived=archived) if place else None
    if place is None or stored is None:
        return []
    attempts = redrive_attempts.read(await store.ledger(name) if tried else b"")
    return [
        Listed(
            name=name,
            at=stored.at,
            place=place,
            letter=letter,
            attempts=attempts.of(letter.index),
            archived=archived,
        )
        for letter in formats.read(stored.content)
    ]
