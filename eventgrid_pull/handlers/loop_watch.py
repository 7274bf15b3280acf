"""Naming the handler that blocks the event loop: everything else waits meanwhile.

A `requests.get` in an async handler stops every other handler, every lock renewal and
every HTTP answer of the process, and nothing says so. A thread asks the loop for a sign
of life, and looks at where the loop stands when there is none.
"""

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from types import CodeType

import msgspec

_log = logging.getLogger(__name__)

EVERY_SECONDS = 0.05
BLOCKED_SECONDS = 0.2


class Block(msgspec.Struct, frozen=True):
    """A handler that held the loop: its name, where it stood, and for how long."""

    handler: str
    file: str
    line: int
    seconds: float


class LoopWatch:
    """Watches the running loop while handlers are at work on it, until `stop`.

    `handlers` has the code objects of the async handlers, with their names.
    """

    def __init__(
        self, handlers: Mapping[CodeType, str], report: Callable[[Block], None]
    ) -> None:
        self._handlers, self._report = handlers, report
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._alive = monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, once a block that has just ended is reported."""
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        self._alive = monotonic()

    def _watch(self) -> None:
        seen: Block | None = None
        while not self._stopped.wait(EVERY_SECONDS):
            late = monotonic() - self._alive
            if late >= BLOCKED_SECONDS + EVERY_SECONDS:
                seen = self._look(late) or seen
            elif seen is not None:
                self._report(seen)
                seen = None
            try:
                self._loop.call_soon_threadsafe(self._beat)
            except RuntimeError:  # the loop is closed
                break
        if seen is not None:
            self._report(seen)

    def _look(self, seconds: float) -> Block | None:
        """Return where the loop stands, if that is inside of a handler."""
        frame = sys._current_frames().get(self._loop_thread)
        for step, line in traceback.walk_stack(frame):
            if (name := self._handlers.get(step.f_code)) is not None:
                return Block(name, step.f_code.co_filename, line, round(seconds, 1))
        return None


class Blocks:
    """What blocked the loop while drains were at work: the last of each handler."""

    def __init__(self) -> None:
        self.found: dict[str, Block] = {}
        self._watch: LoopWatch | None = None
        self._count = 0

    @contextmanager
    def watch(self, handlers: Mapping[CodeType, str]) -> Iterator[None]:
        """Watch the loop while anyone is in here."""
        if self._watch is None:
            self._watch = LoopWatch(handlers, self._add)
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._watch.stop()
                self._watch = None

    def _add(self, block: Block) -> None:
        self.found[block.handler] = block
        _log.warning(
            "handler %s blocked the event loop for %.1f s at %s:%d: while it did, "
            "nothing else of this process went on and no lock was renewed; await it, or "
            "make the handler a plain function, which gets a thread",
            block.handler,
            block.seconds,
            block.file,
            block.line,
        )
