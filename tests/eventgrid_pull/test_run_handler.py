"""Handlers of every shape under their limits: how many at once, and how long each."""

import asyncio
import contextvars
import functools
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from eventgrid_pull import (
    Acknowledge,
    Event,
    EventGridPull,
    MalformedEvent,
    Reject,
    Release,
    testing,
)
from eventgrid_pull.event import Delivery
from eventgrid_pull.handlers.run_handler import Runner
from tests.eventgrid_pull.orders import NOW
from tests.virtual_time import in_virtual_time, now

TICK = "0 * * * * *"
FIFTY_LEFT = NOW.replace(second=11)  # seconds of a run, a moment after the next tick
LATE = "the handler took longer than 30 s"


class Order(msgspec.Struct):
    """What an event is about."""

    cents: int


class Held:
    """Plain handlers that block their threads until they are let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.begun: list[int] = []

    def handler(self, event: Event[Order]) -> Reject:
        self.begun.append(event.data.cents)
        self.let_go.wait(60)
        return Reject("too late")


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.let_go.set()


class Shop:
    """A pull of one event subscription in memory."""

    def __init__(self, handler: Callable[..., Any], **options: Any) -> None:
        self.pull = EventGridPull(topic="orders", environ={})
        patient: dict[str, Any] = {"schedule": TICK, "manner": "stay", "pace": 0}
        declare: Any = self.pull.subscription("sub-paid", **(patient | options))
        declare(handler)
        self.namespace = testing.InMemoryNamespace()
        self.consumer = self.pull.consumer.elsewhere(
            lambda: (self.namespace, "orders"), clock=lambda: FIFTY_LEFT
        )
        self.queue = self.namespace["sub-paid"]

    @property
    def runner(self) -> Runner:
        return self.consumer.runner("sub-paid")

    def deliver(self, *cents: int, delivery_count: int = 1) -> list[str]:
        events = [testing.event("Paid", {"cents": amount}) for amount in cents]
        return self.queue.deliver(*events, delivery_count=delivery_count)

    async def drain(self) -> dict[str, str | None]:
        """The verb and the reason of each outcome of a tick."""
        result = await self.consumer.drain("sub-paid")
        assert result.error is None
        records = [outcome.record for outcome in result.outcomes]
        return {
            record.delivery.lock_token: record.disposition.reason for record in records
        }


def stubborn(let_go: asyncio.Event) -> Callable[..., Any]:
    """A handler that goes on, cancelled or not, with what has a negative amount."""

    async def handler(event: Event[Order]) -> None:
        while event.data.cents < 0 and not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    return handler


async def ended(condition: Callable[[], bool]) -> None:
    """Wait for a thread: time on this loop passes for nothing."""
    while not condition():  # noqa: ASYNC110 - a thread sets no event of this loop
        await asyncio.sleep(0.01)


@in_virtual_time
async def test_a_time_is_counted_from_a_handlers_own_start() -> None:
    """Four of 20 s, two at once: the last ones end after 40 s, and none is late."""

    async def handler(event: Event[Order]) -> None:
        await asyncio.sleep(20)

    shop = Shop(handler, timeout=30, concurrency=2)
    shop.deliver(1, 2, 3, 4)

    assert set((await shop.drain()).values()) == {None}


@in_virtual_time
async def test_concurrency_is_over_all_receivers_and_a_batch_counts_as_one() -> None:
    """A pool of ten database connections is asked for ten."""
    running, most = 0, 0

    async def single(event: Event[Order]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.2)
        running -= 1

    async def batch(events: list[Event[Order]]) -> None:
        await single(events[0])

    for handler, concurrency, expected in (
        (single, 3, 3),
        (single, 100, 100),
        (batch, 2, 2),
    ):
        running, most = 0, 0
        shop = Shop(handler, concurrency=concurrency)
        shop.deliver(*range(408))
        await shop.drain()
        assert most == expected
        assert len(shop.queue.settled) == 408


def test_a_thread_gets_the_context_of_its_drain() -> None:
    """Context variables, and with them traces, are copied."""
    variable = contextvars.ContextVar("variable", default="")
    seen = []

    def handler(event: Event[Order]) -> None:
        seen.append(variable.get())
        variable.set("of the handler")

    async def main() -> None:
        shop = Shop(handler)
        shop.deliver(1)
        variable.set("of the drain")
        await shop.consumer.drain("sub-paid", until_empty=True)
        assert variable.get() == "of the drain"

    asyncio.run(main())
    assert seen == ["of the drain"]


def test_what_a_late_thread_returns_is_thrown_away_and_logged(
    held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Its event is released, its slot comes back when it ends, and someone can read why.
    """

    @in_virtual_time
    async def main() -> None:
        shop = Shop(held.handler, timeout=30, concurrency=2)
        [token] = shop.deliver(1)

        assert await shop.drain() == {token: LATE}
        assert (shop.runner.slots.free, shop.runner.slots.stuck) == (1, 1)
        held.let_go.set()
        await ended(lambda: shop.runner.slots.free == 2)
        assert shop.runner.slots.stuck == 0
        assert shop.queue.settled[token] == ("release", 10)

    main()
    assert (
        "a handler returned after its time was over or its lock was lost" in caplog.text
    )


@in_virtual_time
async def test_a_lost_lock_leaves_the_thread_its_slot() -> None:
    """Nothing is settled for it; whoever gets the event next is not disturbed."""
    held = Held()
    shop = Shop(held.handler, timeout=300)
    [token] = shop.deliver(1)
    shop.queue.lose(token)
    try:
        assert await shop.drain() == {}
        assert shop.runner.slots.stuck == 1
    finally:
        held.let_go.set()
    assert shop.queue.settled == {}


@in_virtual_time
async def test_nothing_is_received_that_could_not_start() -> None:
    """
    With one of two slots stuck, one event at a time; with none free, none until one is.
    """
    let_go, asked = asyncio.Event(), list[int]()
    shop = Shop(stubborn(let_go), timeout=30, concurrency=2)
    shop.queue.asked = asked
    [stuck] = shop.deliver(-1)
    assert await shop.drain() == {stuck: LATE}

    asked.clear()
    shop.deliver(1, 2, 3)
    assert set((await shop.drain()).values()) == {None}
    assert set(asked) == {1}

    shop.deliver(-2)
    await shop.drain()
    asked.clear()
    shop.deliver(4)
    began = now()
    assert await shop.drain() == {}
    assert now() - began >= 30
    assert asked == []
    assert (await shop.consumer.drain("sub-paid", until_empty=True)).stopped == "stuck"
    let_go.set()


@pytest.mark.parametrize(
    ("concurrency", "first"),
    [(2, [2, 40]), (100, [40, *[0] * 7])],
    ids=["a slot is free only later", "the first batch is full"],
)
@in_virtual_time
async def test_what_comes_beside_a_slow_handler_does_not_wait_for_it(
    concurrency: int, first: list[int]
) -> None:
    """Another receiver listens as soon as there is a slot."""
    began, handled = now(), dict[int, float]()

    async def handler(event: Event[Order]) -> None:
        await asyncio.sleep(event.data.cents)
        handled[event.data.cents] = now() - began

    shop = Shop(handler, concurrency=concurrency)
    shop.deliver(*first)
    asyncio.get_running_loop().call_later(5, shop.deliver, 1)
    await shop.drain()

    assert (handled[1], handled[40]) == pytest.approx((6, 40), abs=0.5)


class FarAway(testing.InMemorySubscription):
    """An event subscription that takes its time, and knows what is in hand."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self._received = 0

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        await asyncio.sleep(0.05)
        found = await super().receive(max_events, max_wait, within=within)
        self._received += len(found)
        self.most = max(self.most, self._received - len(self.settled))
        return found


@in_virtual_time
async def test_receivers_side_by_side_share_what_is_free() -> None:
    """Each would ask for the one free slot otherwise, and three events wait for it."""
    let_go, queue = asyncio.Event(), FarAway()

    async def handler(event: Event[Order]) -> None:
        await stubborn(let_go)(event)
        await asyncio.sleep(1)

    shop = Shop(handler, timeout=30, concurrency=2)
    shop.namespace._subscriptions["sub-paid"] = shop.queue = queue
    shop.deliver(-1)
    await shop.drain()

    queue.most = 0
    shop.deliver(*range(20))
    await shop.drain()

    assert (len(queue.settled), queue.most) == (21, 1)
    let_go.set()


@in_virtual_time
async def test_what_is_in_hand_is_handed_back_when_every_slot_is_stuck() -> None:
    """Rather than kept under renewed locks for an hour."""
    held = Held()
    shop = Shop(held.handler, timeout=30, concurrency=2)
    shop.deliver(*range(8))
    try:
        reasons = list((await shop.drain()).values())
        await ended(lambda: len(held.begun) == 2)
    finally:
        held.let_go.set()

    assert sorted(held.begun) == [0, 1]
    assert reasons.count(LATE) == 2
    assert reasons.count("all 2 handlers that may run outlast their time") == 6


@in_virtual_time
async def test_an_async_handler_that_swallows_its_cancellation_keeps_its_slot() -> None:
    """As a thread does; when it ends, the drain that waits for it goes on."""
    let_go = asyncio.Event()
    shop = Shop(stubborn(let_go), timeout=30, concurrency=1)
    [token] = shop.deliver(-1)

    assert await shop.drain() == {token: LATE}
    assert shop.runner.is_stuck
    [next_token] = shop.deliver(1)
    draining = asyncio.create_task(shop.drain())
    await asyncio.sleep(20)
    assert next_token not in shop.queue.settled
    let_go.set()
    assert await draining == {next_token: None}


GIVEN: list[tuple[Any, list[str | None]]] = [
    (None, [None, None, None]),
    (Acknowledge(reason="all"), ["all", "all", "all"]),
    ([None, Reject("one"), Release("two")], [None, "one", "two"]),
    ((Reject("a"), None, None), ["a", None, None]),
    ([], ["the handler returned 0 dispositions for 3 events"] * 3),
    ([None] * 4, ["the handler returned 4 dispositions for 3 events"] * 3),
    ([None, 5, None], [None, "the handler returned int, not a disposition", None]),
    ("done", ["the handler returned str, not a disposition"] * 3),
    (True, ["the handler returned bool, not a disposition"] * 3),
]


@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize(("given", "reasons"), GIVEN)
async def test_a_batch_is_given_one_disposition_or_one_for_each(
    given: Any, reasons: list[str | None], is_async: bool
) -> None:
    """Anything else is a release with its reason."""

    def plain(events: list[Event[Order]]) -> Any:
        return given

    async def of_a_loop(events: list[Event[Order]]) -> Any:
        return given

    shop = Shop(of_a_loop if is_async else plain)
    tokens = shop.deliver(1, 2, 3)
    result = await shop.consumer.drain("sub-paid", until_empty=True)

    found = {
        outcome.record.delivery.lock_token: outcome.record.disposition.reason
        for outcome in result.outcomes
    }
    assert [found[token] for token in tokens] == reasons
    if reasons[0] and reasons[0].startswith("the handler"):
        assert set(shop.queue.settled.values()) == {("release", 10)}


@pytest.mark.parametrize("is_async", [True, False])
async def test_one_bad_event_does_not_take_its_neighbours_along(
    is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A batch that raises is released whole, and logged once; what comes again comes one by one.
    """
    sizes: list[int] = []

    def plain(events: list[Event[Order]]) -> None:
        sizes.append(len(events))
        if any(event.data.cents < 0 for event in events):
            raise ValueError

    async def of_a_loop(events: list[Event[Order]]) -> None:
        plain(events)

    shop = Shop(of_a_loop if is_async else plain)
    for count in (1, 2):
        tokens = shop.deliver(1, -1, 2, delivery_count=count)
        await shop.consumer.drain("sub-paid", until_empty=True)
        verbs = [shop.queue.settled[token][0] for token in tokens]
        good = "release" if count == 1 else "acknowledge"
        assert verbs == [good, "release", good]
    assert sizes == [3, 1, 1, 1]
    assert len([record for record in caplog.records if record.exc_info]) == 2


async def test_malformed_events_are_with_the_batch_only_if_it_takes_them() -> None:
    """Otherwise they are rejected beside it."""
    sizes: list[int] = []

    async def taking(events: list[Event[Order] | MalformedEvent]) -> None:
        sizes.append(len(events))

    async def not_taking(events: list[Event[Order]]) -> None:
        sizes.append(len(events))

    for handler, options, size in (
        (taking, {"on_malformed": "handle"}, 2),
        (not_taking, {}, 1),
    ):
        shop = Shop(handler, **options)
        good, bad = shop.queue.deliver(testing.event("Paid", {"cents": 1}), b"{}")
        await shop.consumer.drain("sub-paid", until_empty=True)
        assert sizes.pop() == size
        assert shop.queue.settled[good][0] == "acknowledge"
        assert shop.queue.settled[bad][0] == ("reject" if size == 1 else "acknowledge")


@in_virtual_time
async def test_a_batch_is_stopped_when_nobody_waits_for_it_any_more() -> None:
    """All of its locks are lost: what it does then is work for nothing."""
    cancelled = []

    async def handler(events: list[Event[Order]]) -> None:
        try:
            await asyncio.sleep(250)
        except asyncio.CancelledError:
            cancelled.append(len(events))
            raise

    shop = Shop(handler)
    shop.queue.lose(*shop.deliver(1, 2))
    await shop.drain()

    assert cancelled == [2]


class Panic(BaseException):
    """As libraries in Rust raise it."""


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (SystemExit(1), "HandlerExited"),
        (Panic(), "HandlerExited"),
        (BaseExceptionGroup("", [Panic()]), "HandlerExited"),
        (StopIteration(), "StopIteration"),
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
async def test_a_handler_that_ends_the_process_has_failed(
    is_async: bool, error: BaseException, name: str
) -> None:
    """A library that calls `sys.exit` takes neither the worker nor its neighbours along."""

    def plain(event: Event[Order]) -> None:
        if event.data.cents < 0:
            raise error

    async def of_a_loop(event: Event[Order]) -> None:
        plain(event)

    shop = Shop(of_a_loop if is_async else plain)
    bad, good = shop.deliver(-1, 1)
    result = await shop.consumer.drain("sub-paid", until_empty=True)

    reasons = {outcome.record.disposition.reason for outcome in result.outcomes}
    assert reasons == {None, f"the handler failed: {name}"}
    assert shop.queue.settled == {bad: ("release", 10), good: ("acknowledge", 0)}


async def test_a_thread_that_cannot_begin_leaves_its_slot_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else nothing would be handled any more once there are threads again."""

    def refuse(*arguments: object) -> None:
        raise RuntimeError("can't start new thread")

    def handler(event: Event[Order]) -> None: ...

    shop = Shop(handler, concurrency=2)
    monkeypatch.setattr(shop.runner.threads, "submit", refuse)
    tokens = shop.deliver(1, 2)
    await shop.consumer.drain("sub-paid", until_empty=True)

    assert shop.queue.settled == dict.fromkeys(tokens, ("release", 10))
    assert shop.runner.slots.free == 2


async def test_a_handler_that_cancels_itself_did_not_take_long() -> None:
    """What is on record is what happened."""

    async def handler(event: Event[Order]) -> None:
        await asyncio.sleep(0)
        raise asyncio.CancelledError

    pull: Any = EventGridPull(topic="orders", environ={})
    pull.subscription("sub-paid", schedule=TICK)(handler)

    [disposition] = await testing.handle(
        pull, "sub-paid", testing.event("x", {"cents": 1})
    )

    assert disposition.reason == "the handler was cancelled"


class Broken(list[object]):
    """A recorder with a fault in it, and nothing else."""

    down = ConnectionError

    def __init__(self, **errors: Exception) -> None:
        self._errors = errors

    async def open(self, subscription: str) -> None:
        if "open" in self._errors:
            raise self._errors["open"]

    async def record(self, subscription: str, records: object) -> None:
        if "record" in self._errors:
            raise self._errors["record"]


@pytest.mark.parametrize(
    ("errors", "problem"),
    [
        ({"open": ConnectionError("mend it")}, "mend it"),
        ({"open": KeyError("SECRET")}, "the recorder failed: KeyError"),
        ({"record": ConnectionError("mend it")}, "mend it"),
        ({"record": TypeError("SECRET")}, "the recorder failed: TypeError"),
    ],
)
async def test_a_recorder_that_fails_in_any_way_is_down(
    errors: dict[str, Exception], problem: str
) -> None:
    """What was received is given back; nothing stays locked until its lock ends."""

    async def handler(event: Event[Order]) -> None: ...

    shop = Shop(handler)
    consumer = shop.consumer.elsewhere(
        lambda: (shop.namespace, "orders"), recorder=Broken(**errors)
    )
    [token] = shop.deliver(1)
    result = await consumer.drain("sub-paid", until_empty=True)

    assert (result.stopped, result.error) == ("failed", problem)
    given_back = {token: ("release", 60)} if "record" in errors else {}
    assert shop.queue.settled == given_back


async def test_a_handler_may_be_wrapped_either_way() -> None:
    """A wrapper that measures or retries may be async itself, or what it wraps."""

    async def of_a_loop(event: Event[Order]) -> Reject:
        return Reject("of a loop")

    def plain(event: Event[Order]) -> Reject:
        return Reject("plain")

    @functools.wraps(of_a_loop)
    def passing_on(event: Event[Order]) -> Any:
        return of_a_loop(event)

    @functools.wraps(plain)
    async def awaited(event: Event[Order]) -> Any:
        return plain(event)

    for handler, reason in ((passing_on, "of a loop"), (awaited, "plain")):
        shop = Shop(handler)
        event = testing.event("Paid", {"cents": 1})
        assert await testing.handle(shop.pull, "sub-paid", event) == [Reject(reason)]


async def test_a_handler_in_a_test_fails_as_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A wrong answer is the test's error, too."""
    shop = Shop(Held().handler)

    @shop.pull.subscription("sub-wrong", schedule=TICK)
    async def wrong(events: list[Event[Order]]) -> Any:
        return [None, None]

    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(TypeError, match="2 dispositions"),
    ):
        await testing.handle(
            shop.pull, "sub-wrong", testing.event("Paid", {"cents": 1})
        )
