"""Events go to the topic in chunks that Event Grid accepts; all of them or a list."""

from collections.abc import Sequence
from typing import Any

import pytest

from eventgrid_pull.publishing.publish import MAX_BYTES, EventTooLarge, publish
from eventgrid_pull.wire.http_retry import EventGridError
from tests.eventgrid_pull.orders import NOW, an_event


class Recorder:
    """A topic that keeps the batches it was given, and refuses the n-th."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.batches: list[Sequence[bytes]] = []
        self._fails_at = fails_at

    async def publish(self, batch: Sequence[bytes]) -> None:
        if len(self.batches) == self._fails_at:
            raise EventGridError("throttled", 429)
        self.batches.append(batch)


def of_size(size: int) -> dict[str, Any]:
    return an_event({"order": "o1", "cents": 5, "note": "x" * size})


@pytest.mark.parametrize(("count", "sizes"), [(1000, [1000]), (1001, [1000, 1])])
async def test_a_request_has_as_many_events_as_event_grid_takes(
    count: int, sizes: list[int]
) -> None:
    """One HTTP call costs more than many small events."""
    topic = Recorder()

    result = await publish([an_event(id=str(n)) for n in range(count)], topic, NOW)

    assert [len(batch) for batch in topic.batches] == sizes
    assert len(result.accepted) == count
    assert (result.missing, result.failure) == ([], None)


async def test_no_chunk_is_larger_than_a_request_may_be() -> None:
    """Large events are spread over requests, in order."""
    topic = Recorder()

    await publish([of_size(300_000) for _ in range(7)], topic, NOW)

    assert [len(batch) for batch in topic.batches] == [3, 3, 1]
    for batch in topic.batches:
        assert len(b"[" + b",".join(batch) + b"]") <= MAX_BYTES


async def test_an_event_beyond_the_limit_keeps_all_from_being_published() -> None:
    """Nothing is sent before everything is known to fit."""
    topic = Recorder()

    with pytest.raises(EventTooLarge) as caught:
        await publish([an_event(), of_size(MAX_BYTES)], topic, NOW)

    assert [problem.path for problem in caught.value.problems] == ["$[1]"]
    assert topic.batches == []


async def test_a_refused_chunk_ends_it_and_says_what_is_in() -> None:
    """The caller knows which ids to publish again."""
    events = [of_size(600_000) | {"id": str(n)} for n in range(3)]

    result = await publish(events, Recorder(fails_at=1), NOW)

    assert [event["id"] for event in result.accepted] == ["0"]
    assert [event["id"] for event in result.missing] == ["1", "2"]
    assert result.failure is not None
    assert result.failure.status == 429
