"""A handler below a declaration is all that an app of any domain writes."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import azure.functions as func
import msgspec
import pytest
from azure.core.credentials import AzureKeyCredential

from eventgrid_emulator import EmulatedNamespace
from eventgrid_pull import (
    Acknowledge,
    Event,
    EventGridPull,
    MalformedEvent,
    PullInvalid,
    Record,
    RecorderDown,
    Reject,
    testing,
)
from eventgrid_pull.client import Topic

TICK = "0 * * * * *"


class Paid(msgspec.Struct):
    """An order that is paid."""

    order: str
    cents: int


class Kept:
    """A recorder that keeps records, in memory."""

    down: type[Exception] = RecorderDown

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def open(self, subscription: str) -> None:
        """Nothing to do: memory is there."""

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        self.records += records


class Shop:
    """A namespace with paid orders, and an app that pulls them."""

    def __init__(self, namespace: EmulatedNamespace) -> None:
        self.kept = Kept()
        key = AzureKeyCredential(namespace.key)
        self.topic = Topic(namespace.endpoint, "events", key)
        self.pull = EventGridPull(
            topic="events",
            endpoint=namespace.endpoint,
            credential=key,
            recorder=self.kept,
            environ={},
        )

    async def publish(self, *data: object) -> None:
        await self.topic.publish(
            [
                json.dumps(
                    {
                        "specversion": "1.0",
                        "id": f"e{number}",
                        "source": "/shop",
                        "type": "com.shop.Paid",
                        "data": each,
                    }
                ).encode()
                for number, each in enumerate(data)
            ]
        )

    async def drain(self) -> Counter[str]:
        """What became of the first delivery of each event."""
        result = await self.pull.drain("all", until_empty=True)
        assert result.error is None
        return Counter(
            record.disposition.VERB.value
            for record in self.kept.records
            if record.delivery.event.delivery_count == 1
        )


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with EmulatedNamespace() as namespace:
        made = Shop(namespace)
        yield made
        await made.pull.close()
        await made.topic.close()


def order(cents: int = 5) -> dict[str, object]:
    return {"order": "o1", "cents": cents}


async def test_a_plain_function_gets_its_type_in_a_thread(shop: Shop) -> None:
    """
    What it returns or raises decides; a value that does not fit never reaches it.
    """
    seen: list[tuple[int, bool]] = []

    @shop.pull.subscription("all", schedule=TICK)
    def paid(event: Event[Paid]) -> Reject | None:
        seen.append((event.data.cents, threading.current_thread().name[:4] == "pull"))
        if event.data.cents == 1:
            raise RuntimeError
        return Reject("negative amount") if event.data.cents < 0 else None

    await shop.publish(order(), order(-5), order(1), {"order": "o1", "cents": "SECRET"})

    assert await shop.drain() == {"acknowledge": 1, "reject": 2, "release": 1}
    assert set(seen) == {(-5, True), (1, True), (5, True)}
    reasons = [record.disposition.reason or "" for record in shop.kept.records]
    assert "negative amount" in reasons
    assert "SECRET" not in "".join(reasons)


async def test_a_list_gets_the_batch_and_a_bad_one_comes_alone(shop: Shop) -> None:
    """
    One transaction for all; if it fails, each is tried by itself the next time.
    """
    sizes: list[int] = []

    @shop.pull.subscription("all", schedule=TICK)
    async def paid(events: list[Event[Paid]]) -> list[Acknowledge]:
        sizes.append(len(events))
        return [Acknowledge(note=event.data.cents) for event in events]

    await shop.publish(*(order(cents) for cents in range(5)))

    assert await shop.drain() == {"acknowledge": 5}
    assert sizes == [5]
    notes = [getattr(each.disposition, "note", None) for each in shop.kept.records]
    assert notes == [0, 1, 2, 3, 4]


async def test_no_more_run_at_once_than_concurrency_allows(shop: Shop) -> None:
    """
    A pool of ten database connections is not asked for a hundred.
    """
    running, most = 0, 0

    @shop.pull.subscription("all", schedule=TICK, concurrency=2)
    async def paid(event: Event[Paid]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    await shop.publish(*(order(cents) for cents in range(8)))

    assert await shop.drain() == {"acknowledge": 8}
    assert most == 2


async def test_a_thread_that_is_over_its_time_is_not_waited_for(shop: Shop) -> None:
    """
    What it says afterwards is thrown away; the event comes again.
    """
    ended = threading.Event()

    @shop.pull.subscription("all", schedule=TICK, timeout=1)
    def paid(event: Event[Paid]) -> None:
        ended.wait(60)

    await shop.publish(order())
    settled = await shop.drain()
    ended.set()

    assert settled == {"release": 1}
    assert shop.kept.records[0].disposition.reason == "the handler took longer than 1 s"


async def test_a_handler_that_blocks_the_loop_is_named(shop: Shop) -> None:
    """
    Nothing else goes on meanwhile: no other handler, no renewal, no HTTP answer.
    """

    @shop.pull.subscription("all", schedule=TICK)
    async def paid(event: Event[Paid]) -> None:
        ended = threading.Event()
        ended.wait(0.6)

    await shop.publish(order())
    await shop.drain()

    [status] = shop.pull.status()
    assert status.blocked is not None
    assert status.blocked.file == __file__
    assert status.blocked.seconds >= 0.3


async def test_a_type_that_nobody_named_is_malformed(shop: Shop) -> None:
    """
    And goes to a handler that asks for such events.
    """
    seen: list[str] = []

    @shop.pull.subscription(
        "all", schedule=TICK, types={"com.shop.Refunded": Paid}, on_malformed="handle"
    )
    async def paid(event: Event[Paid] | MalformedEvent) -> None:
        assert isinstance(event, MalformedEvent)
        seen.append(event.reason)

    await shop.publish(order())

    assert await shop.drain() == {"acknowledge": 1}
    assert "'com.shop.Paid' is not expected here" in seen[0]


def registered(pull: EventGridPull) -> list[str]:
    app = func.FunctionApp()
    app.register_functions(pull)
    return sorted(str(each.get_function_name()) for each in app.get_functions())


def test_each_lane_is_a_function_and_the_handler_comes_back_unchanged() -> None:
    """
    So that it can be called in a test as what it is.
    """
    pull = EventGridPull(topic="orders", environ={"PAID_LANES": "2"})

    @pull.subscription("sub-paid", schedule=TICK, lanes="%PAID_LANES%")
    def paid(event: Event[Paid]) -> Reject:
        return Reject("never")

    assert registered(pull) == ["pull_paid", "pull_paid_2"]
    assert paid(Event("1", "/shop", "com.shop.Paid", Paid("o1", 1))) == Reject("never")


def test_a_wrong_setting_puts_that_event_subscription_in_error() -> None:
    """
    The others are pulled, and status says what is wrong.
    """
    pull = EventGridPull(topic="orders", environ={"LANES": "many", "EVERY": "TICK"})

    @pull.subscription("sub-a", schedule="%MISSING%")
    @pull.subscription("sub-b", schedule=TICK, lanes="%LANES%")
    @pull.subscription("sub-c", schedule=TICK)
    def handler(event: Event[Paid]) -> None: ...

    assert registered(pull) == ["pull_c"]
    wrong = {status.name: list(status.problems) for status in pull.status()}
    assert wrong["sub-a"] == ["schedule (MISSING) is not set"]
    assert wrong["sub-b"] == ["lanes (LANES) must be a whole number from 1 to 10"]
    assert wrong["sub-c"] == []


def test_wrong_code_is_refused_all_at_once() -> None:
    """
    An app without functions, or with an event subscription that nobody pulls, is worse.
    """
    pull = EventGridPull(topic="orders", environ={})

    @pull.subscription("sub-a", schedule=TICK)  # type: ignore[type-var]
    def nothing() -> None: ...

    @pull.subscription("sub-b", schedule=TICK)
    def untyped(event) -> None: ...  # type: ignore[no-untyped-def]

    @pull.subscription("sub-c", schedule=TICK)
    def first(event: Event[Paid]) -> None: ...

    @pull.subscription("sub-c", schedule=TICK)
    def second(event: Event[Paid]) -> None: ...

    other: Any = func.FunctionApp()
    below = other.retry("fixed_delay", "1", delay_interval="00:00:01")(first)
    pull.subscription("sub-d", schedule=TICK)(below)

    with pytest.raises(PullInvalid) as caught:
        registered(pull)

    for said in ("sub-a: nothing", "sub-b: untyped", "sub-c has two", "sub-d"):
        assert said in str(caught.value)


def test_a_declaration_after_the_registration_is_refused() -> None:
    """
    azure-functions copies the list: nobody would ever pull it.
    """
    pull = EventGridPull(topic="orders", environ={})
    registered(pull)

    with pytest.raises(PullInvalid, match="declare it before"):

        @pull.subscription("sub-late", schedule=TICK)
        def late(event: Event[Paid]) -> None: ...


async def test_a_handler_is_driven_without_a_network() -> None:
    """
    And a failing test fails as the handler does.
    """
    pull = EventGridPull(topic="orders", environ={})

    @pull.subscription("sub-paid", schedule=TICK)
    def paid(event: Event[Paid]) -> Reject | None:
        if not event.data.cents:
            raise ZeroDivisionError
        return Reject("negative amount") if event.data.cents < 0 else None

    good, bad = (testing.event("com.shop.Paid", order(cents)) for cents in (1, -1))
    said = await testing.handle(pull, "sub-paid", good, bad, b"{}")
    with pytest.raises(ZeroDivisionError):
        await testing.handle(pull, "sub-paid", testing.event("x", order(0)))
    await pull.close()

    assert said[:2] == [Acknowledge(), Reject("negative amount")]
    assert said[2].reason is not None
    assert said[2].reason.startswith("not a CloudEvent")
