"""Running a handler of any shape: what it returns or raises becomes a disposition."""

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import msgspec

from eventgrid_pull.draining.receive_size import BATCH
from eventgrid_pull.event import AnyEvent, MalformedEvent
from eventgrid_pull.handlers.batch_answer import SharedWork, disposition_at
from eventgrid_pull.handlers.signature import Shape
from eventgrid_pull.handlers.slots import NoSlotLeft, Slots
from eventgrid_pull.outcomes import (
    DISPOSITIONS,
    Disposition,
    Reject,
    Release,
    ReleaseDelay,
)

_log = logging.getLogger(__name__)

# A handler that does not end so soon after it was cancelled counts as stuck.
CANCEL_SECONDS = 1.0

type OnMalformed = Literal["reject", "handle"]
# What has to be waited for is given as what gives it: most handlers decide at once.
type Deciding = Disposition | Awaitable[Disposition]
type Handle = Callable[[AnyEvent], Deciding]


# What is raised into an async handler from outside: stopping, closing, Ctrl-C.
_OF_THE_LOOP = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt)


class HandlerExited(Exception):
    """A handler raised what ends a process (`sys.exit`, a panic in Rust): it failed."""


class Runner(msgspec.Struct, frozen=True, kw_only=True):
    """A handler with its limits: so many at once, each so long from its own start.

    A plain function runs in a thread, which cannot be stopped: when its time is over or
    nobody waits for it any more, what it returns is thrown away, and its slot stays
    taken until it ends.
    """

    name: str
    handler: Callable[..., Any]
    shape: Shape
    on_malformed: OnMalformed
    seconds: float
    slots: Slots
    threads: ThreadPoolExecutor

    def room(self) -> int:
        """Return how many events could be handled now."""
        if not self.slots.stuck:
            return BATCH  # what waits for a slot gets one in time
        return BATCH if self.shape.is_batch and self.slots.free else self.slots.free

    @property
    def is_stuck(self) -> bool:
        """Return whether no handler can start before one ends that cannot be stopped."""
        return self.slots.stuck >= self.slots.most

    def handle(self, event: AnyEvent) -> Deciding:
        """Return what becomes of one event; what the handler raises passes."""
        if (refusal := self._refuse(event)) is not None:
            return refusal
        argument = [event] if self.shape.is_batch else event
        if not self.slots.take_free():
            return _only(self._call(argument))
        work = self._begin(argument)
        if not work.done():
            return _only(self._wait(work))
        self.slots.give()
        return disposition_at(_answer(work), 0, 1)

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
            if event.delivery_count == 1 and self._refuse(event) is None
        ]
        if not fresh:
            return self.handle
        shared = SharedWork(asyncio.ensure_future(self._call(fresh)))
        places = {id(event): place for place, event in enumerate(fresh)}

        async def wait(place: int) -> Disposition:
            return disposition_at(await shared.wait(), place, len(fresh))

        def handle(event: AnyEvent) -> Deciding:
            place = places.get(id(event))
            return self.handle(event) if place is None else wait(place)

        return handle

    def _refuse(self, event: AnyEvent) -> Reject | None:
        if isinstance(event, MalformedEvent) and self.on_malformed == "reject":
            return Reject(event.reason)
        return None

    async def _call(self, argument: object) -> object:
        """Return what the handler returns within its time."""
        if not self.slots.take_free():
            try:
                await self.slots.take()
            except NoSlotLeft:
                return Release(
                    f"all {self.slots.most} handlers that may run outlast their time",
                    ReleaseDelay.ONE_MINUTE,
                )
        return await self._wait(self._begin(argument))

    async def _wait(self, work: asyncio.Future[Any]) -> object:
        """Return what comes of the work in its time, and give its slot back."""
        try:
            await asyncio.wait((work,), timeout=self.seconds)
        finally:
            self._end(work)
        if not work.done():
            return Release(f"the handler took longer than {self.seconds:.0f} s")
        return _answer(work)

    def _begin(self, argument: object) -> asyncio.Future[Any]:
        """Begin the work in a slot: what waits for nothing is done at once."""
        loop = asyncio.get_running_loop()
        try:
            if self.shape.is_async:
                running = self._run_async(argument)
                return asyncio.Task(running, loop=loop, eager_start=True)
            context = contextvars.copy_context()
            future = self.threads.submit(context.run, self._run_plain, argument)
        except BaseException:  # as where no thread can be started
            self.slots.give()
            raise
        return asyncio.wrap_future(future, loop=loop)

    async def _run_async(self, argument: object) -> object:
        try:
            return await self.handler(argument)
        except (Exception, *_OF_THE_LOOP):
            raise
        except BaseException as error:
            raise HandlerExited from error

    def _run_plain(self, argument: object) -> object:
        try:
            return self.handler(argument)
        except Exception:
            raise
        except BaseException as error:
            raise HandlerExited from error

    def _end(self, work: asyncio.Future[Any]) -> None:
        """Give the slot back, now or when the work has ended."""
        if work.done():
            self.slots.give()
            return
        ending = asyncio.Task(
            self._see_it_end(work), loop=asyncio.get_running_loop(), eager_start=True
        )
        if not ending.done():
            _ending.add(ending)  # a task that nobody holds may be collected
            ending.add_done_callback(_ending.discard)

    async def _see_it_end(self, work: asyncio.Future[Any]) -> None:
        if self.shape.is_async:
            work.cancel()
            await asyncio.wait((work,), timeout=CANCEL_SECONDS)
            if work.done():
                self.slots.give()
                return
        self.slots.give_up()
        if self.is_stuck:
            _log.warning(
                "%s: all of its %d slots are held by handlers that outlast their time; "
                "nothing is received until one of them ends",
                self.name,
                self.slots.most,
            )
        await asyncio.wait((work,))
        self.slots.give_late()
        has_failed = work.cancelled() or work.exception() is not None
        _log.warning(
            "%s: a handler %s after its time was over or its lock was lost; its answer "
            "is thrown away, and the event comes again",
            self.name,
            "failed" if has_failed else "returned",
        )


_ending: set[asyncio.Task[None]] = set()


async def resolve(deciding: Deciding) -> Disposition:
    """Return the disposition; wait for it where it has to be waited for."""
    return deciding if isinstance(deciding, DISPOSITIONS) else await deciding


async def _only(answering: Coroutine[Any, Any, object]) -> Disposition:
    return disposition_at(await answering, 0, 1)


def _answer(work: asyncio.Future[object]) -> object:
    """Return what the handler says that is done; what it raised passes."""
    return Release("the handler was cancelled") if work.cancelled() else work.result()
