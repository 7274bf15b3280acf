"""The dead letter of one event, looked for where it must lie: near its last delivery."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import batched, chain

from eventgrid_pull.blob.append_log import CLOCK_SKEW
from moderation.dead_letters import blob_paths, days, listing
from moderation.dead_letters.listing import Listed
from moderation.dead_letters.store import DeadLetterStore, Filed
from moderation.event_key import EventKey, key_of

# Event Grid writes it soon; when it cannot, it tries again for two days.
HOURS = 3
MOST_BLOBS = 200
READ_TOGETHER = 8


async def of_event(
    store: DeadLetterStore,
    subscription: str,
    key: EventKey,
    since: datetime,
    time_left: Callable[[], float],
) -> Listed | None:
    """Find the first dead letter of the event that was written since then.

    Looks into at most `MOST_BLOBS` blobs of that hour and the next ones, redriven
    ones after the others. Raises StoreUnavailable.
    """
    for archived in (False, True):
        roots = await days.roots(store, subscription, archived=archived)
        filed = (await _filed(store, roots, since, time_left))[:MOST_BLOBS]
        for together in batched(filed, READ_TOGETHER, strict=False):
            if time_left() <= 0:
                return None
            blobs = (
                listing.of_blob(store, blob.name, archived=archived)
                for blob in together
            )
            for listed in chain.from_iterable(await asyncio.gather(*blobs)):
                if listed.letter.event and key_of(listed.letter.event) == key:
                    return listed
    return None


async def _filed(
    store: DeadLetterStore,
    roots: list[str],
    since: datetime,
    time_left: Callable[[], float],
) -> list[Filed]:
    """Return the blobs of those hours that were written since then, oldest first.

    Listing ends with the time: an hour may have a hundred thousand.
    """
    looked_into = {
        folder
        for root in roots
        for hour in (since + timedelta(hours=n) for n in range(HOURS))
        for folder in blob_paths.hours_of_dead_letters(root, hour)
    }
    found: list[Filed] = []
    for path in sorted(looked_into):
        async for blob in store.blobs(path):
            if time_left() <= 0:
                return found
            if blob.at >= since - CLOCK_SKEW:
                found.append(blob)
    return sorted(found, key=lambda blob: blob.at)
