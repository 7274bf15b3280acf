"""Publishes that meet share a request, and each caller learns how its own went."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from eventgrid_pull.publishing.shared_publish import PATIENCE, SHARED_BYTES, SharedTopic
from eventgrid_pull.wire.http_retry import EventGridError
from tests.virtual_time import in_virtual_time, settle_down


class Slow:
    """A topic whose requests take a second, and are refused when `judge` says so."""

    def __init__(
        self, judge: Callable[[Sequence[bytes]], Exception | None] = lambda _: None
    ) -> None:
        self.requests: list[list[bytes]] = []
        self.seconds = PATIENCE / 2
        self._judge = judge

    async def publish(self, batch: Sequence[bytes]) -> None:
        self.requests.append(list(batch))
        await asyncio.sleep(self.seconds)
        if (error := self._judge(batch)) is not None:
            raise error


async def published(topic: Slow, *batches: Sequence[bytes]) -> list[object]:
    """Publish all of them at once; return how each went, in their order."""
    shared = SharedTopic(topic)
    return await asyncio.gather(*map(shared.publish, batches), return_exceptions=True)


@in_virtual_time
async def test_what_comes_while_a_request_is_out_goes_with_the_next() -> None:
    """Four callers cost two requests, and one alone waits for nobody."""
    topic = Slow()

    assert await published(topic, [b"1"], [b"2"], [b"3", b"4"], [b"5"]) == [None] * 4

    assert topic.requests == [[b"1"], [b"2", b"3", b"4", b"5"]]


@in_virtual_time
async def test_after_a_pause_the_next_one_goes_at_once() -> None:
    """Nobody waits for company that may not come."""
    topic = Slow()
    shared = SharedTopic(topic)

    for event in (b"1", b"2"):
        await shared.publish([event])

    assert topic.requests == [[b"1"], [b"2"]]
    assert await settle_down() == []


@pytest.mark.parametrize(
    ("status", "code", "alone"),
    [
        (400, "BadRequest", True),
        (413, "", True),
        (403, "MessageTooLarge", True),
        (403, "QuotaExceeded", False),
        (401, "", False),
        (404, "NotFound", False),
        (429, "", False),
        (503, "", False),
        (None, "", False),
    ],
)
@in_virtual_time
async def test_a_refused_event_costs_only_its_own_answer(
    status: int | None, code: str, alone: bool
) -> None:
    """
    What says nothing of one event, or leaves open what is in, is everybody's answer.
    """
    refusal = EventGridError("no", status, code=code, transient=status is None)
    topic = Slow(lambda batch: refusal if b"bad" in batch else None)

    answers = await published(topic, [b"1"], [b"2"], [b"bad"], [b"3"])

    assert answers[0] is None
    assert [answer is refusal for answer in answers[1:]] == [not alone, True, not alone]
    shared = [[b"1"], [b"2", b"bad", b"3"]]
    assert topic.requests == [*shared, *([[b"2"], [b"bad"], [b"3"]] if alone else [])]


@in_virtual_time
async def test_one_that_was_sent_alone_is_not_sent_again() -> None:
    """Its refusal is its own already."""
    refusal = EventGridError("no", 400)
    topic = Slow(lambda batch: refusal if b"bad" in batch else None)

    assert await published(topic, [b"1"], [b"bad"]) == [None, refusal]

    assert topic.requests == [[b"1"], [b"bad"]]


@in_virtual_time
async def test_a_shared_request_is_no_larger_than_event_grid_takes() -> None:
    """What does not fit goes with the one after it."""
    topic = Slow()
    many = [[b"x"] * 90 for _ in range(12)]
    large = [[b"y" * (SHARED_BYTES - 1)] for _ in range(11)]

    assert await published(topic, [b"1"], *many, *large) == [None] * 24

    assert [len(batch) for batch in topic.requests] == [1, 990, 90 + 9, 2]
    assert all(
        sum(map(len, request)) + len(request) < 1_000_000 for request in topic.requests
    )


@pytest.mark.parametrize("batch", [[b"x"] * 101, [b"x" * SHARED_BYTES]])
@in_virtual_time
async def test_a_large_publish_neither_waits_nor_is_waited_for(
    batch: list[bytes],
) -> None:
    """It fills a request well enough by itself."""
    topic = Slow()

    await published(topic, batch, batch, [b"1"], batch)

    assert topic.requests == [batch, batch, [b"1"], batch]


@in_virtual_time
async def test_nobody_waits_long_for_a_request_of_others() -> None:
    """It may be one that is tried again for seconds."""
    topic = Slow()
    shared = SharedTopic(topic)
    topic.seconds = 8.0
    stuck = asyncio.create_task(shared.publish([b"stuck"]))
    await asyncio.sleep(0)
    topic.seconds = 0.01

    async with asyncio.timeout(PATIENCE + 0.1):
        await asyncio.gather(*(shared.publish([b"%d" % n]) for n in range(3)))

    await shared.publish([b"later"])
    await stuck
    assert topic.requests == [[b"stuck"], [b"0", b"1", b"2"], [b"later"]]


@in_virtual_time
async def test_who_gives_up_neither_holds_up_others_nor_is_published() -> None:
    """
    Cut off while it waits it is not sent; cut off while it is out, the others go on.
    """
    topic = Slow()
    shared = SharedTopic(topic)
    tasks = [asyncio.create_task(shared.publish([b"%d" % n])) for n in range(4)]
    await asyncio.sleep(0)

    tasks[0].cancel()
    tasks[1].cancel()
    await asyncio.gather(*tasks[2:])

    assert topic.requests == [[b"0"], [b"2", b"3"]]


@in_virtual_time
async def test_a_fault_of_ours_is_everybodys() -> None:
    """Nobody waits for ever."""
    fault = ValueError("boom")
    topic = Slow(lambda batch: fault)

    assert await published(topic, [b"1"], [b"2"], [b"3"]) == [fault] * 3
