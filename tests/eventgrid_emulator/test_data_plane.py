"""The official SDK against the data plane, local or real."""

import asyncio
import time
import uuid
from typing import Any

import pytest
from azure.core.messaging import CloudEvent
from azure.eventgrid.aio import EventGridConsumerClient, EventGridPublisherClient

pytestmark = pytest.mark.contract


def an_event(**changes: Any) -> CloudEvent[Any]:
    fields = {"source": "/test", "type": "com.contoso.ai.ReviewEscalated", "data": {}}
    return CloudEvent(**(fields | changes))


def tokens(found: list[Any]) -> list[str]:
    return [detail.broker_properties.lock_token for detail in found]


async def receive(client: Any, count: int) -> list[Any]:
    """Receive exactly so many events, which may come in more than one answer."""
    found: list[Any] = []
    while len(found) < count:
        more = await client.receive(max_events=count - len(found), max_wait_time=10)
        assert more, f"only {len(found)} of {count} events came"
        found += more
    return found


async def test_an_event_arrives_as_it_was_published(
    publisher: EventGridPublisherClient, consumer: EventGridConsumerClient
) -> None:
    """Attributes, extensions and data survive the way through the namespace."""
    sent = an_event(
        id=str(uuid.uuid4()),
        subject="/content/images/img-1",
        data={"b": [1, 2.5, None, "é"], "a": {"x": True}},
        extensions={"priority": "high"},
    )
    await publisher.send([sent, an_event(data=b"\x00\xff")])

    found, binary = await receive(consumer, 2)

    assert binary.event.data == b"\x00\xff"
    assert found.event.id == sent.id
    assert found.event.subject == sent.subject
    assert found.event.data == sent.data
    assert found.event.time == sent.time
    assert found.event.extensions == {"priority": "high"}
    assert found.broker_properties.delivery_count == 1
    await consumer.acknowledge(lock_tokens=tokens([found, binary]))


async def test_an_acknowledged_event_is_gone(
    publisher: EventGridPublisherClient, consumer: EventGridConsumerClient
) -> None:
    """Its token succeeds once and is lost from then on, in every settlement."""
    await publisher.send(an_event())
    found = await receive(consumer, 1)

    first = await consumer.acknowledge(lock_tokens=tokens(found))
    assert first.succeeded_lock_tokens == tokens(found)
    assert first.failed_lock_tokens == []
    for settle in (consumer.acknowledge, consumer.reject, consumer.release):
        again = await settle(lock_tokens=tokens(found))
        assert again.succeeded_lock_tokens == []
        [failed] = again.failed_lock_tokens
        assert failed.lock_token == tokens(found)[0]
        assert failed.error.code == "TokenLost"


async def test_a_released_event_comes_back_with_a_higher_delivery_count(
    publisher: EventGridPublisherClient, consumer: EventGridConsumerClient
) -> None:
    """Release gives the event back; the next receive counts one delivery more."""
    await publisher.send(an_event())
    [first] = await receive(consumer, 1)
    await consumer.release(lock_tokens=tokens([first]))

    [second] = await receive(consumer, 1)

    assert second.event.id == first.event.id
    assert second.broker_properties.delivery_count == 2
    assert tokens([second]) != tokens([first])
    await consumer.acknowledge(lock_tokens=tokens([second]))


async def test_a_release_with_delay_holds_the_event_back(
    behind: Any,
    publisher: EventGridPublisherClient,
    consumer: EventGridConsumerClient,
) -> None:
    """A ten-second delay ends after ten seconds."""
    await publisher.send(an_event())
    [first] = await receive(consumer, 1)
    await consumer.release(lock_tokens=tokens([first]), release_delay=10)

    await behind.advance(9.5)
    waiting = asyncio.ensure_future(consumer.receive(max_wait_time=10))
    await behind.receiver_waits()
    assert not waiting.done()
    await behind.advance(0.6)

    [second] = await waiting
    assert second.broker_properties.delivery_count == 2


async def test_a_rejected_event_is_never_delivered_again(
    behind: Any,
    publisher: EventGridPublisherClient,
    consumer: EventGridConsumerClient,
) -> None:
    """Neither at once nor after its lock would have ended."""
    await publisher.send(an_event())
    found = await receive(consumer, 1)

    result = await consumer.reject(lock_tokens=tokens(found))
    assert result.succeeded_lock_tokens == tokens(found)
    await behind.advance(3600)
    await publisher.send(an_event(id="next"))
    [after] = await receive(consumer, 1)
    assert after.event.id == "next"


async def test_a_renewed_lock_keeps_its_token(
    behind: Any,
    publisher: EventGridPublisherClient,
    consumer: EventGridConsumerClient,
) -> None:
    """The token from before the renewal settles the event after it."""
    await publisher.send(an_event())
    found = await receive(consumer, 1)
    result = await consumer.renew_locks(lock_tokens=tokens(found))
    assert result.succeeded_lock_tokens == tokens(found)

    if behind.local is not None:
        await behind.advance(59)
        await consumer.renew_locks(lock_tokens=tokens(found))
        await behind.advance(59)
    settled = await consumer.acknowledge(lock_tokens=tokens(found))
    assert settled.succeeded_lock_tokens == tokens(found)


async def test_an_expired_lock_gives_the_event_to_another(
    behind: Any,
    publisher: EventGridPublisherClient,
    consumer: EventGridConsumerClient,
) -> None:
    """After sixty seconds the old token is lost and the event is delivered again."""
    await publisher.send(an_event())
    [first] = await receive(consumer, 1)
    await behind.advance(60)

    [second] = await receive(consumer, 1)

    assert second.broker_properties.delivery_count == 2
    late = await consumer.acknowledge(lock_tokens=tokens([first]))
    assert [token.error.code for token in late.failed_lock_tokens] == ["TokenLost"]
    on_time = await consumer.acknowledge(lock_tokens=tokens([second]))
    assert on_time.failed_lock_tokens == []


async def test_one_bad_token_does_not_spoil_the_others(
    publisher: EventGridPublisherClient, consumer: EventGridConsumerClient
) -> None:
    """Each token of a settlement is judged on its own."""
    await publisher.send([an_event(), an_event()])
    found = await receive(consumer, 2)

    result = await consumer.acknowledge(lock_tokens=["faketoken", *tokens(found)])

    assert sorted(result.succeeded_lock_tokens) == sorted(tokens(found))
    [failed] = result.failed_lock_tokens
    assert failed.lock_token == "faketoken"
    assert failed.error.code == "BadToken"


async def test_a_receive_that_waits_wakes_for_the_event(
    behind: Any,
    publisher: EventGridPublisherClient,
    consumer: EventGridConsumerClient,
) -> None:
    """A long poll answers when the event is published, not at the end of its wait."""
    waiting = asyncio.ensure_future(consumer.receive(max_events=10, max_wait_time=60))
    await behind.receiver_waits()
    started = time.monotonic()
    await publisher.send(an_event())

    [found] = await waiting
    assert time.monotonic() - started < 10
    await consumer.acknowledge(lock_tokens=tokens([found]))


async def test_competing_receivers_share_the_events(
    publisher: EventGridPublisherClient, consumer: EventGridConsumerClient
) -> None:
    """No event is on loan to two receivers at once."""
    await publisher.send([an_event(id=str(number)) for number in range(50)])

    batches = await asyncio.gather(*(receive(consumer, 10) for _ in range(5)))

    ids = [detail.event.id for batch in batches for detail in batch]
    assert sorted(ids, key=int) == [str(number) for number in range(50)]
    for batch in batches:
        await consumer.acknowledge(lock_tokens=tokens(batch))
