"""Driving handlers and drains in a test: no network, no settings, no waiting.

[disposition] = await testing.handle(pull, "sub-paid", testing.event("com.shop.Paid", {…}))
assert disposition == Reject("negative amount")
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

import msgspec

from eventgrid_pull.consumer import Consumer
from eventgrid_pull.draining.decide import check
from eventgrid_pull.event import Decode, Delivery
from eventgrid_pull.events import event_decoder
from eventgrid_pull.handlers.run_handler import HandlerExited, resolve
from eventgrid_pull.outcomes import (
    Disposition,
    ReleaseDelay,
    Settled,
    Verb,
    resolve_disposition,
)
from eventgrid_pull.recorder import Recorder

_numbers = itertools.count(1)


class Pull(Protocol):
    """An `EventGridPull`."""

    consumer: Consumer


def event(type: str, data: object, **attributes: object) -> dict[str, object]:
    """Return a CloudEvent of that type, with an id of its own."""
    return {
        "specversion": "1.0",
        "id": f"event-{next(_numbers)}",
        "source": "/tests",
        "type": type,
        "data": data,
    } | attributes


async def handle(
    pull: Pull,
    name: str,
    *events: Mapping[str, object] | bytes,
    delivery_count: int = 1,
) -> list[Disposition]:
    """Return what becomes of each of the events, delivered in one batch.

    As in a drain: malformed ones by the declaration, a release with its delay, the last
    permitted delivery rejected. What the handler raises is raised, so that the test
    fails as the handler does; InvalidDisposition when what it returns cannot be carried out.
    """
    declared = pull.consumer.declared(name)
    delivered = [declared.decode(_encode(event), delivery_count) for event in events]
    limit = declared.numbers.max_delivery_count
    runner = declared.runner()
    try:
        handler = runner.for_batch(delivered)
        return [
            resolve_disposition(
                check(await resolve(handler(event))), delivery_count, limit=limit
            )
            for event in delivered
        ]
    except HandlerExited as ended:
        raise ended.__cause__ or ended from None
    finally:
        runner.threads.shutdown(wait=False, cancel_futures=True)


@contextmanager
def connected(
    pull: Pull,
    namespace: "InMemoryNamespace",
    *,
    recorder: Recorder | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Iterator[Consumer]:
    """Have the pull use this namespace within the block, and this recorder and clock.

    What it drains, publishes and peeks comes from there and stays there.
    """
    before = pull.consumer
    pull.consumer = before.elsewhere(
        lambda: (namespace, "in-memory"), recorder=recorder, clock=clock
    )
    try:
        yield pull.consumer
    finally:
        pull.consumer = before


class InMemoryNamespace:
    """A topic that keeps what is published, and event subscriptions that you fill.

    `namespace["sub-paid"].deliver(event)`, then drain.
    """

    def __init__(self) -> None:
        self.published: list[bytes] = []
        self._subscriptions: dict[str, InMemorySubscription] = {}

    def __getitem__(self, name: str) -> "InMemorySubscription":
        """Return the event subscription of that name."""
        return self._subscriptions.setdefault(name, InMemorySubscription())

    def topic(self, name: str) -> "InMemoryNamespace":
        """Return itself: there is one topic."""
        return self

    def subscription(
        self, topic: str, name: str, decode: Decode
    ) -> "InMemorySubscription":
        """Return the event subscription of that name, for whoever pulls from it."""
        self[name].decode = decode
        return self[name]

    async def publish(self, batch: Sequence[bytes]) -> None:
        """Keep the events."""
        self.published += batch

    async def close(self) -> None:
        """Do nothing."""


class InMemorySubscription:
    """An event subscription that hands out what it is given, then nothing.

    `settled` has the verb and the delay by lock token, `asked` how many events each
    receive asked for.
    """

    def __init__(self) -> None:
        self.settled: dict[str, tuple[str, int]] = {}
        self.asked: list[int] = []
        self.decode: Decode | None = None
        self._lost: set[str] = set()
        self._waiting: list[tuple[str, bytes, int]] = []

    def deliver(
        self, *events: Mapping[str, object] | bytes, delivery_count: int = 1
    ) -> list[str]:
        """Let the next receives bring these events; return their lock tokens."""
        made = [
            (f"lock-{next(_numbers)}", _encode(event), delivery_count)
            for event in events
        ]
        self._waiting += made
        return [token for token, *_ in made]

    def lose(self, *tokens: str) -> None:
        """Let these locks be lost: nothing can be settled with them."""
        self._lost.update(tokens)

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        """Return what is there, without waiting."""
        self.asked.append(max_events)
        taken, self._waiting = self._waiting[:max_events], self._waiting[max_events:]
        decode = self.decode or event_decoder.decoder(dict)
        return [Delivery(token, decode(raw, count)) for token, raw, count in taken]

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        """Note that these are acknowledged."""
        return self._settle(Verb.ACKNOWLEDGE, tokens)

    async def release(self, tokens: Sequence[str], delay: ReleaseDelay) -> Settled:
        """Note that these are released; they do not come again."""
        return self._settle(Verb.RELEASE, tokens, int(delay))

    async def reject(self, tokens: Sequence[str]) -> Settled:
        """Note that these are rejected."""
        return self._settle(Verb.REJECT, tokens)

    async def renew(self, tokens: Sequence[str]) -> Settled:
        """Renew every lock that is not lost."""
        return self._held(tokens)

    def _settle(self, verb: str, tokens: Sequence[str], delay: int = 0) -> Settled:
        held = self._held(tokens)
        self.settled |= dict.fromkeys(held.succeeded, (str(verb), delay))
        return held

    def _held(self, tokens: Sequence[str]) -> Settled:
        gone = dict.fromkeys(self._lost.intersection(tokens), "TokenLost")
        return Settled(frozenset(tokens) - self._lost, gone)


def _encode(event: Mapping[str, object] | bytes) -> bytes:
    return event if isinstance(event, bytes) else msgspec.json.encode(event)
