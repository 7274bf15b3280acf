"""Being told to stop: take nothing more, finish what is in hand, then end.

Microsoft's host ignores SIGTERM and does not pass it on; a platform that sends it to
the worker is listened to here. Nothing may depend on it: see docs/consumer.md.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)

type Finish = Callable[[], Awaitable[None]]


def listen(finish: Finish) -> bool:
    """Call `finish` at SIGTERM, and end the process after it; whether it is listened to.

    Without a running loop, outside the main thread and on Windows it is not.
    """
    try:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, lambda: _begin(loop, finish))
    except (RuntimeError, NotImplementedError, ValueError):
        return False
    return True


def _begin(loop: asyncio.AbstractEventLoop, finish: Finish) -> None:
    if _stopping:
        return
    _log.warning("told to stop: nothing more is received, what is in hand is finished")
    task = loop.create_task(_end(loop, finish), name="stopping")
    _stopping.add(task)


async def _end(loop: asyncio.AbstractEventLoop, finish: Finish) -> None:
    try:
        await finish()
    finally:
        # Nobody listens any more: the signal ends the process, as it would have.
        loop.remove_signal_handler(signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)


# A task that nobody holds may be collected before it ends.
_stopping: set[asyncio.Task[None]] = set()
