"""Publishes that meet share a request: one for all that came while another was out."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from eventgrid_pull.publishing.publish import MAX_BYTES, MAX_EVENTS, Publisher
from eventgrid_pull.wire.http_retry import EventGridError

# A publish of more than that fills a request well enough by itself.
SHARED_EVENTS, SHARED_BYTES = MAX_EVENTS // 10, MAX_BYTES // 10
# Nobody waits longer for a request of others: it may be one that is tried again.
PATIENCE = 0.25
# What Event Grid says of whoever asks, and not of an event.
_OF_ALL = (401, 404)


class _Part(NamedTuple):
    """A publish that waits; `done` says whether it was sent with others."""

    batch: Sequence[bytes]
    size: int
    done: asyncio.Future[bool]


class SharedTopic:
    """A topic over another, for small publishes that come at the same time.

    One that comes alone goes at once, in a request of its own. What comes while that is
    out goes with the next one. Where Event Grid refuses what several share, each is sent
    alone, so that a refused event costs only its own publish.
    """

    def __init__(self, topic: Publisher) -> None:
        self._topic = topic
        self._out: object | None = None  # the request that others wait for
        self._waiting: list[_Part] = []
        self._timer: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def publish(self, batch: Sequence[bytes]) -> None:
        """Publish events, each encoded as JSON; all of them or none.

        At most 1,000 events and 1 MB. Raises EventGridError.
        """
        size = sum(map(len, batch)) + len(batch)
        if len(batch) > SHARED_EVENTS or size > SHARED_BYTES:
            await self._topic.publish(batch)
        elif self._out is not None:
            await self._join(batch, size)
        else:
            request = self._out = object()
            try:
                await self._topic.publish(batch)
            finally:
                self._go_on(request)

    async def _join(self, batch: Sequence[bytes], size: int) -> None:
        loop = asyncio.get_running_loop()
        part = _Part(batch, size, loop.create_future())
        self._waiting.append(part)
        if self._timer is None:
            self._timer = loop.call_later(PATIENCE, self._begin)
        if not await part.done:
            await self._topic.publish(batch)

    def _go_on(self, request: object) -> None:
        """Send what waits for that request, unless it goes with another already."""
        if self._out is request and self._waiting:
            self._begin()
        elif self._out is request:
            self._out = None

    def _begin(self) -> None:
        """Send what waits in one request; what does not fit into it waits for it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        group = self._next_group()
        if not group:
            self._out = None
            return
        self._out = request = object()
        task = asyncio.create_task(self._send(group, request))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        if self._waiting:
            self._timer = task.get_loop().call_later(PATIENCE, self._begin)

    def _next_group(self) -> list[_Part]:
        # Whoever gave up waiting has not been published.
        waiting = [part for part in self._waiting if not part.done.done()]
        count, events, size = 0, 0, 2
        for part in waiting:
            events, size = events + len(part.batch), size + part.size
            if events > MAX_EVENTS or size > MAX_BYTES:
                break
            count += 1
        self._waiting = waiting[count:]
        return waiting[:count]

    async def _send(self, group: list[_Part], request: object) -> None:
        failure: BaseException | None = None
        try:
            await self._topic.publish([event for part in group for event in part.batch])
        except BaseException as error:  # whatever it is, it is the callers' to see
            failure = error
        finally:
            self._go_on(request)
        for part in group:
            if part.done.done():
                continue
            if failure is None or _is_of_one(failure, group):
                part.done.set_result(failure is None)
            else:
                part.done.set_exception(failure)
        if failure is not None and not isinstance(failure, Exception):
            raise failure


def _is_of_one(failure: BaseException, group: Sequence[_Part]) -> bool:
    """Return whether one event may be at fault, and none of them is in."""
    return (
        len(group) > 1
        and isinstance(failure, EventGridError)
        and failure.status is not None
        and failure.status not in _OF_ALL
        and not failure.transient
    )
