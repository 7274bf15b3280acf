"""Other emulators, and a service that changes: the consumer takes them as they are.

The odd one is played by a tiny server, because it is not ours. What it gets wrong is
what public emulators of pull delivery get wrong.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from azure.core.credentials import AzureKeyCredential

from eventgrid_pull.draining.decide import Handler
from eventgrid_pull.draining.drain import DrainJob, drain
from eventgrid_pull.draining.drain_result import DrainResult
from eventgrid_pull.outcomes import Disposition, Release, ReleaseDelay
from eventgrid_pull.wire.client import Namespace, Subscription
from tests.eventgrid_pull.fault_stand import Store
from tests.eventgrid_pull.orders import (
    DONE,
    Budget,
    PaidEvent,
    a_context,
    an_event,
    keep,
    read,
)

pytestmark = pytest.mark.contract


@dataclass
class Odd:
    """An emulator and its oddities."""

    queue: list[str]
    at_most: int = 100
    counts: bool = True
    renews: bool = True
    times: dict[str, int] = field(default_factory=dict)
    lent: dict[str, str] = field(default_factory=dict)
    settled: dict[str, str] = field(default_factory=dict)
    receives: int = 0
    tokens: Any = field(default_factory=itertools.count)

    async def receive(self, request: web.Request) -> web.Response:
        """Answers at once, with or without events."""
        self.receives += 1
        taken, self.queue = self.queue[: self.at_most], self.queue[self.at_most :]
        return web.json_response(
            {"value": [self._lend(event_id) for event_id in taken]}
        )

    def _lend(self, event_id: str) -> Any:
        token = f"token-{next(self.tokens)}"
        self.lent[token] = event_id
        self.times[event_id] = self.times.get(event_id, 0) + 1
        count = self.times[event_id] if self.counts else 1
        return {
            "brokerProperties": {"lockToken": token, "deliveryCount": count},
            "event": an_event(id=event_id),
        }

    async def settle(self, request: web.Request) -> web.Response:
        """Release gives back at once, whatever the delay."""
        verb = request.match_info["verb"]
        if verb == "renewLock" and not self.renews:
            return web.Response(status=404)
        tokens = (await request.json())["lockTokens"]
        for token in tokens:
            event_id = self.lent.pop(token)
            if verb == "release":
                self.queue.append(event_id)
            elif verb != "renewLock":
                self.settled[event_id] = verb
            else:
                self.lent[token] = event_id
        answer = {"succeededLockTokens": tokens, "failedLockTokens": []}
        return web.json_response(answer)


@asynccontextmanager
async def serving(odd: Odd) -> AsyncIterator[Subscription]:
    """The real door to the odd emulator."""
    app = web.Application()
    path = "/topics/odd/eventsubscriptions/sub-paid"
    app.router.add_post(path + ":receive", odd.receive)
    app.router.add_post(path + ":{verb}", odd.settle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    client = Namespace(f"http://{host}:{port}", AzureKeyCredential("a2V5"))
    subscription = client.subscription("odd", "sub-paid", read)
    try:
        yield subscription
    finally:
        await client.close()
        await runner.cleanup()


async def drain_from(
    odd: Odd, handler: Handler = keep, *, lock_seconds: float = 60, **more: Any
) -> tuple[DrainResult, Store]:
    """Return the result and the store of a drain until nothing comes any more."""
    store = Store()
    async with serving(odd) as subscription:
        context = a_context(subscription, handler, store, lock_seconds=lock_seconds)
        job: dict[str, Any] = {"time_left": lambda: 60.0, "until_empty": True}
        result = await drain(DrainJob(context=context, **(job | more)))
    return result, store


async def test_one_event_for_each_receive() -> None:
    """However many were asked for: the drain goes on until nothing comes."""
    odd = Odd([f"e{number}" for number in range(7)], at_most=1)

    result, store = await drain_from(odd)

    assert result.settled == {"acknowledge": 7}
    assert (odd.receives, len(store.entries), len(odd.settled)) == (8, 7, 7)


async def test_a_delivery_count_that_stays_at_one_and_a_delay_that_is_ignored() -> None:
    """
    An event that is released comes again at once, as if for the first time; it is
    released again and again until the handler is content, and the drain ends.
    """
    tries = itertools.count(1)

    async def content_at_last(event: PaidEvent) -> Disposition:
        ready = next(tries) > 15
        return DONE if ready else Release("not yet", ReleaseDelay.ONE_HOUR)

    odd = Odd(["e1"], counts=False)

    result, store = await drain_from(odd, content_at_last)

    assert result.settled == {"release": 15, "acknowledge": 1}
    assert {entry.delivery_count for entry in store.entries} == {1}


async def test_a_delay_that_is_ignored_does_not_keep_a_drain_beyond_its_budget() -> (
    None
):
    """An event that fails for ever goes round, and the drain ends all the same."""

    async def never_content(event: PaidEvent) -> Disposition:
        return Release("not yet")

    odd = Odd(["e1"], counts=False)

    result, _ = await drain_from(
        odd, never_content, time_left=Budget(51, each=1), until_empty=False
    )

    assert result.stopped == "budget"
    assert result.settled["release"] == odd.receives == 51


async def test_without_renew_lock_work_within_the_lock_is_settled() -> None:
    """Nothing is renewed, and what takes longer than its lock is left to the next."""

    async def works(event: PaidEvent) -> Disposition:
        await asyncio.sleep(0.5 if event.id == "quick" else 30)
        return DONE

    odd = Odd(["quick", "slow"], renews=False)

    result, store = await drain_from(odd, works, lock_seconds=2)

    assert result.settled == {"acknowledge": 1}
    assert result.failed == {"LockLost": 1}
    assert odd.settled == {"quick": "acknowledge"}
    assert [entry.id for entry in store.entries] == ["quick"]


async def test_an_answer_that_is_no_receive_ends_the_drain_with_the_reason() -> None:
    """As from a proxy's page: nothing was taken, as far as anyone can tell."""
    odd = Odd(["e1"])
    odd.receive = page  # type: ignore[method-assign]

    result, _ = await drain_from(odd)

    assert result.stopped == "failed"
    assert "answer to receive is not readable" in (result.error or "")


async def page(request: web.Request) -> web.Response:
    return web.Response(text="<html>", content_type="text/html")
