"""A handler at work on a dead letter, under a lease that is renewed meanwhile."""

import asyncio

from eventgrid_pull import AnyEvent
from eventgrid_pull.outcomes import Disposition, Release
from eventgrid_pull.shutdown import GRACE_SECONDS
from moderation.dead_letters.redrive_plan import RedriveContext
from moderation.dead_letters.store import LEASE_SECONDS, Lease

# A caller waits for the answer: a handler gets no longer, whatever its own limit is.
HANDLER_SECONDS = 120.0
RENEW_SECONDS = LEASE_SECONDS / 3
LOOK_SECONDS = 1.0


def loop_time() -> float:
    """Return the time that the loop sleeps by."""
    return asyncio.get_running_loop().time()


class HeldLease:
    """A lease, and when it has to be renewed."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self._since = loop_time()

    async def renew_when_due(self) -> None:
        """Renew it in time. Raises LeaseLost when it is not ours, and StoreUnavailable."""
        if loop_time() >= self._since + RENEW_SECONDS:
            began = loop_time()
            await self.lease.renew()
            self._since = began


async def decide(
    held: HeldLease, context: RedriveContext, subscription: str, event: AnyEvent
) -> Disposition:
    """Ask the handler about the event, by the rules for one that was delivered.

    Raises LeaseLost and StoreUnavailable; the handler is stopped then.
    """
    handling = context.handlers[subscription](event)
    loop = asyncio.get_running_loop()
    task = asyncio.Task(handling, loop=loop, eager_start=True)
    try:
        return await _await(held, context, task)
    finally:
        task.cancel()


async def _await(
    held: HeldLease, context: RedriveContext, task: asyncio.Task[Disposition]
) -> Disposition:
    seconds = min(context.handler_seconds, HANDLER_SECONDS)
    ends, stopping = loop_time() + seconds, False
    while not task.done():
        if not stopping and context.stopping():
            ends, stopping = min(ends, loop_time() + GRACE_SECONDS), True
        if (left := ends - loop_time()) <= 0:
            late = f"the handler took longer than {seconds:.0f} s"
            return Release("the app is stopping" if stopping else late)
        await asyncio.wait({task}, timeout=min(left, LOOK_SECONDS))
        await held.renew_when_due()
    if task.cancelled():
        return Release("the handler was cancelled")
    return task.result()
