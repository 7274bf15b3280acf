"""A namespace in a test: quick to start, isolated, and frugal."""

import json
import tracemalloc
from typing import Any

from eventgrid_emulator.events.cloudevents import read_batch
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.operations import settlement
from eventgrid_emulator.operations.query_parameters import Operation
from eventgrid_emulator.topology.topology import parse
from tests.eventgrid_emulator.wire import lock_tokens

DECLARED: dict[str, Any] = {
    "topic": "orders",
    "eventSubscriptions": [{"name": f"sub-{number}"} for number in range(3)],
}


def a_batch(count: int, size: int) -> bytes:
    event = {"specversion": "1.0", "source": "/s", "type": "t", "data": "x" * size}
    return json.dumps([event | {"id": str(n)} for n in range(count)]).encode()


async def test_a_queued_event_takes_less_than_twice_its_size() -> None:
    """Three event subscriptions hold it, and its bytes are there once."""
    count, size = 5000, 1000
    namespace = Namespace(parse(json.dumps(DECLARED)))
    topic = namespace.topic("orders")
    await namespace.publish(topic, read_batch(a_batch(100, size)))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(count // 100):
        await namespace.publish(topic, read_batch(a_batch(100, size)))
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    namespace.history.find("none")

    assert grown / count < 2 * size


async def test_huge_ids_and_types_are_not_remembered() -> None:
    """What was let go takes no memory, however it was called."""
    namespace = Namespace(parse(json.dumps(DECLARED)))
    topic = namespace.topic("orders")
    tracemalloc.start()
    for number in range(20):
        name = f"{number}" + "x" * 400_000
        event = {"specversion": "1.0", "source": "/s", "data": 0, "id": name}
        body = json.dumps([event | {"type": name}]).encode()
        await namespace.publish(topic, read_batch(body))
        for subscription in topic.subscriptions.values():
            [entry] = subscription.queue.receive(1, namespace.clock.now())
            subscription.queue.acknowledge(entry.secret, namespace.clock.now())
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert held < 4_000_000


async def test_a_receiver_that_waits_is_answered_when_a_delay_ends() -> None:
    """At that moment, and not at the next sweep: nothing sweeps here."""
    namespace = Namespace(parse(json.dumps(DECLARED)))
    subscription = namespace.subscription("orders", "sub-0")
    await namespace.publish(namespace.topic("orders"), read_batch(a_batch(1, 1)))
    received = json.loads(await namespace.receive(subscription, 1, 5))["value"]
    tokens = lock_tokens(received)
    settlement.settle(namespace, subscription, Operation.RELEASE, tokens, 0.05)

    again = json.loads(await namespace.receive(subscription, 1, 5))["value"]

    assert [item["brokerProperties"]["deliveryCount"] for item in again] == [2]
