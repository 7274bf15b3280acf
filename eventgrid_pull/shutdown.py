"""Stopping at SIGTERM: take nothing more, finish what is in hand, then end.

Microsoft's host ignores SIGTERM and does not pass it on; a platform that sends it to
the worker is listened to here. Nothing may depend on it: see docs/consumer.md.
"""

import asyncio
import logging
import os
import signal
import weakref
from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)

# What handlers at work get to end.
GRACE_SECONDS = 5.0

type Finish = Callable[[], Awaitable[None]]


def listen(finish: Finish) -> bool:
    """Call `finish` at SIGTERM, then end the process; return whether that is possible.

    All that listen are called, side by side. It is not possible without a running loop,
    outside the main thread and on Windows.
    """
    try:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, lambda: _begin(loop))
    except (RuntimeError, NotImplementedError, ValueError):
        return False
    listening = _listening.setdefault(loop, [])
    if finish not in listening:
        listening.append(finish)
    return True


def _begin(loop: asyncio.AbstractEventLoop) -> None:
    if _stopping:
        return
    _log.warning("SIGTERM: nothing more is received, and what is in hand is finished")
    task = loop.create_task(_end(loop), name="stopping")
    _stopping.add(task)


async def _end(loop: asyncio.AbstractEventLoop) -> None:
    try:
        ended = await asyncio.gather(
            *(finish() for finish in _listening[loop]), return_exceptions=True
        )
        for error in ended:
            if isinstance(error, BaseException):
                _log.error("not all was finished", exc_info=error)
    finally:
        # Nobody listens any more: the signal ends the process, as it would have.
        loop.remove_signal_handler(signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)


# What is called at SIGTERM, by the loop that runs it.
_listening: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, list[Finish]] = (
    weakref.WeakKeyDictionary()
)
# A task that nobody holds may be collected before it ends.
_stopping: set[asyncio.Task[None]] = set()
