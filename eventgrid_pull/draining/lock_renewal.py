"""Keeping the locks of work in progress alive, and knowing which are gone."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Sequence

from eventgrid_pull.outcomes import Settled
from eventgrid_pull.wire.http_retry import EventGridError, loop_time

# A lock is renewed at a random point of this part of what is left of it, so that many
# do not beat together, and a try that fails is followed by others, ever sooner.
RENEW_AFTER = (0.3, 0.5)
SHORTEST_PAUSE = 1 / 60  # of a lock

# A lock counts as gone a little early: the answer that brought it took its time.
MARGIN = 0.05

# Event Grid renews a lock only within an hour of the receive that made it.
RENEWABLE_SECONDS = 3600.0

# Event Grid's own fault with a token: the lock may be held, and another try will show.
NOT_KNOWN = "InternalServerError"

type Renew = Callable[[Sequence[str]], Awaitable[Settled]]


class Locks:
    """The locks of one batch that was just received, each lasting so many seconds."""

    def __init__(self, tokens: Collection[str], seconds: float) -> None:
        self._seconds = seconds * (1 - MARGIN)
        self._received = loop_time()
        self._expires = dict.fromkeys(tokens, self._received + self._seconds)

    def is_held(self, token: str, now: float) -> bool:
        """Return whether the lock can still be used to settle at that loop time."""
        return self._expires.get(token, 0.0) > now

    async def keep(
        self,
        renew: Renew,
        working: Callable[[], Collection[str]],
        lost: Callable[[str], None],
    ) -> None:
        """Renew the locks of what is being worked on, until cancelled.

        `working` gives their tokens; `lost` is called once for each that is gone.
        """
        while True:
            await asyncio.sleep(self._pause(working()))
            held = [token for token in working() if token in self._expires]
            if held and loop_time() - self._received < RENEWABLE_SECONDS:
                await self._renew(renew, held)
            now = loop_time()
            for token in held:
                if not self.is_held(token, now):
                    self._expires.pop(token, None)
                    lost(token)

    def _pause(self, working: Collection[str]) -> float:
        now = loop_time()
        ends = [self._expires[token] for token in working if token in self._expires]
        left = min(ends) - now if ends else self._seconds
        part = random.uniform(*RENEW_AFTER)  # noqa: S311 - jitter
        return max(left * part, self._seconds * SHORTEST_PAUSE)

    async def _renew(self, renew: Renew, held: Sequence[str]) -> None:
        asked = loop_time()
        try:
            # An answer that comes after the first lock has ended is not waited for.
            async with asyncio.timeout_at(min(self._expires[token] for token in held)):
                renewed = await renew(held)
        except (EventGridError, TimeoutError):
            return  # there may be time for another try; what has expired is lost
        for token in held:
            if token in renewed.succeeded:
                self._expires[token] = asked + self._seconds
            elif renewed.failed.get(token, NOT_KNOWN) != NOT_KNOWN:
                self._expires[token] = 0.0
