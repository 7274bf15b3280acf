"""Publishing CloudEvents to the topic, in chunks that Event Grid accepts."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Protocol

import msgspec

from eventgrid_pull.events.cloudevents import Problem
from eventgrid_pull.publishing import publish_stamp
from eventgrid_pull.wire.http_retry import EventGridError

MAX_EVENTS = 1_000
# Event Grid takes 1 MB without saying which; 10^6 is the smaller of the two.
MAX_BYTES = 1_000_000

type Json = dict[str, object]


class EventTooLarge(Exception):
    """No request can carry an event, and nothing was published; `problems` says which."""

    status: ClassVar[int] = 413
    next: ClassVar[str | None] = None

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(
            f"an event may have {MAX_BYTES:,} bytes; nothing was published"
        )
        self.problems = problems


class Publisher(Protocol):
    """A topic to publish to; see `client.Topic`."""

    async def publish(self, batch: Sequence[bytes]) -> None:
        """Publish all of the events in one request; EventGridError when it refuses."""


class Published(msgspec.Struct, frozen=True):
    """How far it came: with a `failure`, `missing` may not be in, and was not sent on."""

    accepted: list[Json]
    missing: list[Json]
    failure: EventGridError | None = None


async def publish(
    events: list[Json], publisher: Publisher, now: datetime, by: str | None = None
) -> Published:
    """Publish all of the events, chunk after chunk; the first failure ends it.

    Each says when that was and `by` whom, over what it had in these places
    (`publish_stamp`). Raises EventTooLarge, before anything is sent, when an event is
    larger than 1 MB.
    """
    done = 0
    for chunk in _chunks(encode(events, now, by)):
        try:
            await publisher.publish(chunk)
        except EventGridError as error:
            return Published(events[:done], events[done:], error)
        done += len(chunk)
    return Published(events, [])


def encode(events: list[Json], now: datetime, by: str | None = None) -> list[bytes]:
    """Return each event as it is published now, `by` whom, as JSON.

    Raises EventTooLarge when one is larger than 1 MB.
    """
    stamped = publish_stamp.add_stamps(events, now, by)
    found = [msgspec.json.encode(event) for event in stamped]
    problems = [
        Problem(
            f"$[{index}]" if len(found) > 1 else "$",
            f"has {len(event):,} bytes as a CloudEvent",
        )
        for index, event in enumerate(found)
        if len(event) + 2 > MAX_BYTES
    ]
    if problems:
        raise EventTooLarge(problems)
    return found


def _chunks(encoded: list[bytes]) -> Iterator[list[bytes]]:
    """Yield events in order, as many in a chunk as one request may have."""
    chunk: list[bytes] = []
    size = 2
    for event in encoded:
        if chunk and (len(chunk) == MAX_EVENTS or size + len(event) > MAX_BYTES):
            yield chunk
            chunk, size = [], 2
        chunk.append(event)
        size += len(event) + 1
    if chunk:
        yield chunk
