"""A handler below a declaration is all that an app of any domain writes."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any

import msgspec
import pytest
from azure.core.credentials import AzureKeyCredential

from eventgrid_emulator import EmulatedNamespace
from eventgrid_pull import (
    Acknowledge,
    Disposition,
    DrainSummary,
    Event,
    EventGridPull,
    MalformedEvent,
    Record,
    RecorderDown,
    Reject,
    Release,
    testing,
)
from eventgrid_pull.event import AnyEvent
from eventgrid_pull.events import event_decoder
from tests.eventgrid_pull.orders import Paid

TICK = "0 * * * * *"


class Kept(list[Record]):
    """A recorder that keeps records, in memory: one as well while it has none."""

    down = RecorderDown

    async def open(self, subscription: str) -> None:
        """Nothing to do: memory is there."""

    async def record(self, subscription: str, records: Sequence[Record]) -> None:
        self += records


class Shop:
    """A namespace with paid orders, and an app that pulls them."""

    def __init__(self, namespace: EmulatedNamespace) -> None:
        self.kept = Kept()
        key = AzureKeyCredential(namespace.key)
        self.connection = {
            "SHOP__endpoint": namespace.endpoint,
            "SHOP__key": namespace.key,
        }
        self.pull = EventGridPull(
            topic="events",
            endpoint=namespace.endpoint,
            credential=key,
            recorder=self.kept,
            environ={},
        )

    async def publish(self, *data: object) -> None:
        await self.pull.publish([testing.event("com.shop.Paid", item) for item in data])

    async def drain(self) -> Counter[str]:
        """What became of the first delivery of each event."""
        result = await self.pull.drain("all", until_empty=True)
        assert result.error is None
        return Counter(
            record.disposition.VERB.value
            for record in self.kept
            if record.delivery.event.delivery_count == 1
        )


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with EmulatedNamespace() as namespace:
        made = Shop(namespace)
        yield made
        await made.pull.close()


def order(cents: int = 5) -> dict[str, object]:
    return {"order": "o1", "cents": cents}


async def test_a_plain_function_gets_its_type_in_a_thread(shop: Shop) -> None:
    """What it returns or raises decides; a value that does not fit never reaches it."""
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
    reasons = [record.disposition.reason or "" for record in shop.kept]
    assert "negative amount" in reasons
    assert "SECRET" not in "".join(reasons)


async def test_a_handler_that_blocks_the_loop_is_named(shop: Shop) -> None:
    """Nothing else goes on meanwhile: no other handler, no renewal, no HTTP answer."""

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
    """And goes to a handler that asks for such events."""
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


async def test_a_handler_is_driven_without_a_network() -> None:
    """And a failing test fails as the handler does."""
    pull = EventGridPull(topic="orders", environ={})

    @pull.subscription("sub-paid", schedule=TICK)
    def paid(event: Event[Paid]) -> Reject | None:
        if not event.data.cents:
            raise ZeroDivisionError
        return Reject("negative amount") if event.data.cents < 0 else None

    @pull.subscription("sub-other", schedule=TICK)
    async def other(event: Event[Paid]) -> None:
        pytest.fail("SAID")

    with pytest.raises(pytest.fail.Exception, match="SAID"):
        await testing.handle(pull, "sub-other", testing.event("x", order()))
    good, bad = (testing.event("com.shop.Paid", order(cents)) for cents in (1, -1))
    dispositions = await testing.handle(pull, "sub-paid", good, bad, b"{}")
    with pytest.raises(ZeroDivisionError):
        await testing.handle(pull, "sub-paid", testing.event("x", order(0)))
    await pull.close()

    assert dispositions[:2] == [Acknowledge(), Reject("negative amount")]
    assert dispositions[2].reason is not None
    assert dispositions[2].reason.startswith("not a CloudEvent")


async def test_what_could_not_be_carried_out_fails_in_a_test() -> None:
    """And not first where it runs, where the event would come again and again."""
    pull = EventGridPull(topic="orders", environ={})

    @pull.subscription("sub-paid", schedule=TICK)
    async def paid(event: Event[Paid]) -> Release:
        return Release("later", delay=30)  # type: ignore[arg-type]

    with pytest.raises(
        TypeError, match="an invalid delay: it must be one of 0, 10, 60"
    ):
        await testing.handle(pull, "sub-paid", testing.event("x", order()))


def hooked(**hooks: Any) -> EventGridPull:
    """A pull of one event subscription, whose handler does nothing."""
    pull = EventGridPull(topic="orders", environ={}, **hooks)

    @pull.subscription("sub-paid", schedule=TICK)
    async def paid(event: Event[Paid]) -> None: ...

    return pull


async def test_hooks_are_called_around_the_drains() -> None:
    """
    Startup once before anything is received, plain or async; a drain's summary; shutdown once.
    """
    calls: list[object] = []

    async def startup() -> None:
        calls.append("startup")

    def on_drained(summary: DrainSummary) -> None:
        calls.append((summary.subscription, summary.received))

    pull = hooked(
        startup=startup,
        shutdown=lambda: calls.append("shutdown"),
        on_drained=on_drained,
    )
    namespace = testing.InMemoryNamespace()
    with testing.connected(pull, namespace) as consumer:
        consumer.receiver("sub-paid")
        namespace["sub-paid"].deliver(testing.event("com.shop.Paid", order()))
        await asyncio.gather(*(pull.drain("sub-paid", until_empty=True),) * 2)
        await pull.drain("sub-paid", until_empty=True)
        await pull.close()
        await pull.close()

    assert calls == ["startup", ("sub-paid", 1), ("sub-paid", 0), "shutdown"]


def list_handler(pull: EventGridPull, seen: list[list[str]]) -> None:
    @pull.subscription("sub-paid", schedule=TICK)
    async def paid(events: list[Event[Paid]]) -> None:
        seen.append([event.id for event in events])


async def test_an_event_is_decided_about_before_its_handler_is_asked() -> None:
    """What was done already, or is none of the handler's business, never gets there."""

    async def answer(id: str) -> Disposition | None:
        return Reject("a probe") if id == "probe" else None

    def before(name: str, event: AnyEvent) -> Awaitable[Disposition | None] | None:
        return None if event.id == "other" else answer(event.id)

    pull = EventGridPull(topic="orders", environ={}, before=before)
    seen: list[list[str]] = []
    list_handler(pull, seen)
    namespace = testing.InMemoryNamespace()
    with testing.connected(pull, namespace) as consumer:
        consumer.receiver("sub-paid")
        queue = namespace["sub-paid"]
        tokens = queue.deliver(
            *(
                testing.event("com.shop.Paid", order(), id=id)
                for id in ("probe", "other", "asked", "other")
            )
        )
        await pull.drain("sub-paid", until_empty=True)
        raw = msgspec.json.encode(testing.event("com.shop.Paid", order(), id="probe"))
        disposition = await consumer.handle("sub-paid", raw, 1)
        await pull.close()

    assert sorted(seen) == [["asked"], ["other", "other"]]
    assert queue.settled[tokens[0]][0] == "reject"
    assert disposition == Reject("a probe")


async def test_a_plain_hook_that_trips_over_an_event_costs_that_event_only() -> None:
    """It is released as if its handler had failed; its neighbours are handled."""

    def before(name: str, event: AnyEvent) -> None:
        if event.id == "bad":
            raise KeyError

    pull = hooked(before=before)
    namespace = testing.InMemoryNamespace()
    with testing.connected(pull, namespace):
        bad, good = namespace["sub-paid"].deliver(
            *(testing.event("com.shop.Paid", order(), id=id) for id in ("bad", "good"))
        )
        result = await pull.drain("sub-paid", until_empty=True)
        await pull.close()

    assert result.error is None
    assert namespace["sub-paid"].settled == {
        bad: ("release", 10),
        good: ("acknowledge", 0),
    }


@pytest.mark.parametrize("failure", [ConnectionError, asyncio.CancelledError])
async def test_a_hook_that_fails_is_reported_and_costs_no_event(
    failure: type[BaseException],
) -> None:
    """Without its startup nothing is received; the next drain tries again."""
    failures = [failure("SECRET")]

    def startup() -> None:
        if failures:
            raise failures.pop()

    def on_drained(summary: DrainSummary) -> None:
        raise ValueError

    pull = hooked(startup=startup, on_drained=on_drained)
    with testing.connected(pull, testing.InMemoryNamespace()):
        first = await pull.drain("sub-paid", until_empty=True)
        [status] = pull.status()
        second = await pull.drain("sub-paid", until_empty=True)
        await pull.close()

    assert (first.stopped, first.error) == (
        "failed",
        f"startup failed: {failure.__name__}",
    )
    assert (status.error, second.error) == (first.error, None)


async def test_a_decoder_that_fails_costs_only_its_own_event() -> None:
    """Its contract is never to raise; the lock tokens of a receive do not depend on it."""
    known = event_decoder.decoder(Paid)

    def decode(raw: bytes, count: int) -> Any:
        if b"SECRET" in raw:
            raise KeyError(raw)
        return None if b"nothing" in raw else known(raw, count)

    pull = EventGridPull(topic="orders", environ={})

    @pull.subscription("sub-paid", schedule=TICK, decode=decode)
    async def paid(event: Event[Paid]) -> None: ...

    dispositions = await testing.handle(
        pull,
        "sub-paid",
        testing.event("com.shop.Paid", order()),
        testing.event("com.shop.Paid", "SECRET"),
        testing.event("com.shop.Paid", "nothing"),
    )

    assert dispositions == [
        Acknowledge(),
        Reject("the decoder failed: KeyError"),
        Reject("the decoder returned no event, but NoneType"),
    ]


async def test_what_is_missing_for_a_connection_is_the_error_of_a_drain() -> None:
    """The setting is named, in the result and in the status."""
    pull = hooked()

    result = await pull.drain("sub-paid")
    [status] = pull.status()

    assert (result.error or "").startswith("EVENTGRID__endpoint is not set")
    assert status.error == result.error


async def test_events_can_be_published_peeked_and_settled_by_hand(shop: Shop) -> None:
    """As a page does it for a person; no handler sees them."""

    @shop.pull.subscription("all", schedule=TICK)
    async def paid(event: Event[Paid]) -> None:
        raise AssertionError

    await shop.publish(order(1), order(2))
    first, second = await shop.pull.peek("all")
    settled = await shop.pull.settle(
        "all", [(first, Acknowledge()), (second, Reject("never"))]
    )

    assert [getattr(delivery.event, "data", None) for delivery in (first, second)] == [
        Paid("o1", 1),
        Paid("o1", 2),
    ]
    assert settled == {first.lock_token: None, second.lock_token: None}


async def test_one_client_serves_every_event_subscription(shop: Shop) -> None:
    """And publishing: one pool of connections, one token of an identity."""
    for name in ("all", "other"):

        @shop.pull.subscription(name, schedule=TICK)
        async def paid(event: Event[Paid]) -> None: ...

    topic: Any = shop.pull.consumer.topic()
    parts: list[Any] = [shop.pull.receiver("all"), shop.pull.receiver("other")]

    assert len({id(part._namespace) for part in [*parts, topic._topic]}) == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"SHOP__key": "d3Jvbmc="}, "SHOP__key"),
        ({"SHOP_TOPIC": "no-such-topic"}, "SHOP_TOPIC"),
        ({"SHOP__endpoint": "http://127.0.0.1:1"}, "SHOP__endpoint"),
    ],
)
async def test_a_refusal_names_the_settings_of_its_own_connection(
    shop: Shop, change: dict[str, str], named: str
) -> None:
    """And not those of another app."""
    environ = shop.connection | {"SHOP_TOPIC": "events"}
    pull = EventGridPull(
        topic="%SHOP_TOPIC%", connection="SHOP", environ=environ | change
    )

    published = await pull.publish([testing.event("com.shop.Paid", order())])
    await pull.close()

    assert named in str(published.failure)
