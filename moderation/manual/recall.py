"""What was received by hand within the last hour, found again by its lock tokens."""

from collections.abc import Sequence
from datetime import timedelta
from time import monotonic

import msgspec

from eventgrid_pull.blob.append_log import (
    CLOCK_SKEW,
    StoreUnavailable,
    stamp,
    stamp_of,
)
from eventgrid_pull.draining.lock_renewal import RENEWABLE_SECONDS
from moderation.manual.peek import LONGEST_LOCK, Peeked, PeekSession, hash_of

# A lock can be renewed for an hour, and lasts once more after that.
RECALLED = timedelta(seconds=RENEWABLE_SECONDS) + LONGEST_LOCK + CLOCK_SKEW
SEARCH_SECONDS = 10.0


async def recall(session: PeekSession, tokens: Sequence[str]) -> dict[str, Peeked]:
    """Find deliveries received by hand within the last hour: lock token → delivery.

    Raises StoreUnavailable, also when reading takes too long.
    """
    now, ends = session.clock(), monotonic() + SEARCH_SECONDS
    since = now - RECALLED
    missing = {hash_of(token).encode(): token for token in tokens}
    found: dict[str, Peeked] = {}
    async for line in session.actions.newest(since=since, until=now + CLOCK_SKEW):
        if stamp_of(line) < stamp(since).encode():
            break
        if any(digest in line for digest in missing):
            _take(line, session.declared.name, missing, found)
        if not missing:
            break
        if monotonic() > ends:
            message = "storage takes too long to say what was received by hand"
            raise StoreUnavailable(message)
    return found


def _take(
    line: bytes, name: str, missing: dict[bytes, str], found: dict[str, Peeked]
) -> None:
    try:
        peeked = _decoder.decode(line)
    except (ValueError, RecursionError):
        return
    token = missing.get(peeked.token_hash.encode())
    if token is not None and peeked.subscription == name and peeked.ids:
        del missing[peeked.token_hash.encode()]
        found[token] = peeked


_decoder = msgspec.json.Decoder(Peeked)
