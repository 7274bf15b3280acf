"""What a handler of a batch says, shared out to the events of it."""

import asyncio

from eventgrid_pull.outcomes import (
    DISPOSITIONS,
    Acknowledge,
    Disposition,
    InvalidDisposition,
    release_for,
)


class SharedWork:
    """One piece of work that many wait for: stopped when nobody does any more.

    What it raises is raised once, and a release for the others: one failure is logged once.
    """

    def __init__(self, work: asyncio.Future[object]) -> None:
        self._work = work
        self._waiting = 0
        self._has_failed = False

    async def wait(self) -> object:
        """Return what comes of it."""
        self._waiting += 1
        try:
            return await asyncio.shield(self._work)
        except Exception as error:
            if self._has_failed:
                return release_for(error)
            self._has_failed = True
            raise
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._work.cancel()


def disposition_at(answer: object, place: int, count: int) -> Disposition:
    """Return the disposition of one event in the answer for so many."""
    if isinstance(answer, (list, tuple)):
        if len(answer) != count:
            raise InvalidDisposition(f"{len(answer)} dispositions for {count} events")
        answer = answer[place]
    if answer is None:
        return Acknowledge()
    if isinstance(answer, DISPOSITIONS):
        return answer
    raise InvalidDisposition(f"{type(answer).__name__}, not a disposition")
