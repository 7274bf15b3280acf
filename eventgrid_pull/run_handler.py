"""Running a handler of any shape: what it returns or raises becomes a disposition."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec

from eventgrid_pull.event import AnyEvent, MalformedEvent
from eventgrid_pull.handler import Shape
from eventgrid_pull.invoke import Threads
from eventgrid_pull.outcomes import Acknowledge, Disposition, Reject, Release

type OnMalformed = Literal["reject", "handle"]
type Handle = Callable[[AnyEvent], Awaitable[Disposition]]


class Runner(msgspec.Struct, frozen=True, kw_only=True):
    """A handler with its limits: so many at once, each so long from its own start."""

    handler: Callable[..., Any]
    shape: Shape
    on_malformed: OnMalformed
    seconds: float
    slots: asyncio.Semaphore
    threads: Threads

    async def handle(self, event: AnyEvent) -> Disposition:
        """Return what becomes of one event; what the handler raises passes."""
        if (refused := self._refused(event)) is not None:
            return refused
        argument = [event] if self.shape.is_batch else event
        return _one(await self._called(argument))

    def for_batch(self, events: list[AnyEvent]) -> Handle:
        """Return what handles the events of one receive.

        A handler of lists gets those that came for the first time at once, and each that
        came before on its own, so that a bad one does not take its neighbours along.
        """
        if not self.shape.is_batch:
            return self.handle
        fresh = [
            event
            for event in events
            if event.delivery_count == 1 and self._refused(event) is None
        ]
        if not fresh:
            return self.handle
        shared: asyncio.Future[Any] = asyncio.ensure_future(self._called(fresh))
        places = {id(event): place for place, event in enumerate(fresh)}

        async def handle(event: AnyEvent) -> Disposition:
            if (place := places.get(id(event))) is None:
                return await self.handle(event)
            return _at(await asyncio.shield(shared), place, len(fresh))

        return handle

    def _refused(self, event: AnyEvent) -> Reject | None:
        if isinstance(event, MalformedEvent) and self.on_malformed == "reject":
            return Reject(event.reason)
        return None

    async def _called(self, argument: object) -> object:
        """Return what the handler says in its time; a thread keeps its slot longer."""
        await self.slots.acquire()
        task = asyncio.ensure_future(self._call(argument))
        if self.shape.is_async:
            task.add_done_callback(lambda _: self.slots.release())
        try:
            await asyncio.wait({task}, timeout=self.seconds)
        finally:
            if not task.done():
                task.cancel()
        if not task.done() or task.cancelled():
            return Release(f"the handler took longer than {self.seconds:.0f} s")
        return task.result()

    async def _call(self, argument: object) -> object:
        if self.shape.is_async:
            return await self.handler(argument)
        return await self.threads.call(self.handler, argument, self.slots.release)


def _one(said: object) -> Disposition:
    """Return the disposition in what a handler of one event, or of a list of it, said."""
    return _at(said, 0, 1)


def _at(said: object, place: int, count: int) -> Disposition:
    if said is None:
        return Acknowledge()
    if isinstance(said, list):
        if len(said) != count:
            raise TypeError(f"{len(said)} dispositions for {count} events")
        return _at(said[place], 0, 1)
    if isinstance(said, Acknowledge | Release | Reject):
        return said
    raise TypeError(f"no disposition, but {type(said).__name__}")
