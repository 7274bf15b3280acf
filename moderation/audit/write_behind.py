"""Lines of the action log that are written behind the answer they are about."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from eventgrid_pull.blob.append_log import StoreUnavailable, hour_of, stamp
from moderation.audit.actions import Action, ActionLog

_log = logging.getLogger(__name__)

# Seconds from one append to the next; after one that failed they double.
PAUSE, LONGEST_PAUSE = 1.0, 30.0
# The most that is kept while storage is away: about 50,000 publishes of one event.
MOST_BYTES = 16 * 1024 * 1024
# How long health reports that lines were lost.
REMEMBERED = timedelta(hours=1)


class WriteBehind:
    """Writes who published what, at most once a second, in the order of its moments.

    What cannot be written is kept and tried again, up to 16 MB: what comes then is lost,
    and counted. So is what waits when the process is killed.
    """

    def __init__(self, log: ActionLog, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._clock = clock
        self._encoder = msgspec.json.Encoder()
        self._waiting: list[tuple[datetime, bytes]] = []
        self._bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._begins_at = 0.0  # the next append, by the clock of the loop
        self._pause = PAUSE
        self._hurry = asyncio.Event()
        self._failure = ""
        self._lost = 0
        self._lost_at: datetime | None = None

    def add(self, action: Action, now: datetime) -> None:
        """Have it written soon; it is of this moment."""
        line = self._encoder.encode_lines([action])
        if self._bytes + len(line) > MOST_BYTES:
            self._lose()
            return
        self._waiting.append((now, line))
        self._bytes += len(line)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all(), name="write behind")

    def _lose(self) -> None:
        self._lost += 1
        self._lost_at = self._clock()
        if self._lost == 1:
            _log.warning("who publishes is not noted: %s", self._failure)

    async def flush(self, within: float) -> None:
        """Write what waits now, and at once what comes later: the process ends."""
        self._hurry.set()
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=within)
        if self._waiting:
            count = len(self._waiting)
            _log.warning("who published %d times was not noted", count)

    def problem(self) -> str | None:
        """Return what is not on record that should be, as a sentence; None when all is."""
        said = []
        if self._failure and self._waiting:
            since, count = stamp(self._waiting[0][0]), len(self._waiting)
            said.append(
                f"who published is not on record since {since}, {count} times, and is "
                f"tried again: {self._failure}"
            )
        if self._lost_at and self._clock() - self._lost_at < REMEMBERED:
            said.append(f"who published {self._lost} times is lost")
        return "; ".join(said) or None

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await self._wait_until(self._begins_at)
                is_last = self._hurry.is_set()
                self._begins_at = asyncio.get_running_loop().time() + PAUSE
                if not await self._write() and is_last:
                    break
        finally:
            self._writer = None

    async def _wait_until(self, moment: float) -> None:
        """Wait until then, or until there is no time to wait."""
        timer = asyncio.timeout_at(moment)
        try:
            async with timer:
                await self._hurry.wait()
        except TimeoutError:
            pass

    async def _write(self) -> bool:
        """Append what is of one hour; tell whether it is written."""
        self._waiting.sort(key=lambda line: line[0])  # the log has them in this order
        hour = hour_of(self._waiting[0][0])
        group = [line for line in self._waiting if hour_of(line[0]) == hour]
        lines = b"".join(line for _, line in group)
        try:
            await self._log.append(lines, group[-1][0])
        except StoreUnavailable as error:
            self._fail(str(error))
            return False
        del self._waiting[: len(group)]
        self._bytes -= len(lines)
        self._failure, self._pause = "", PAUSE
        return True

    def _fail(self, why: str) -> None:
        if not self._failure:
            _log.warning("who published was not noted yet, and is tried again: %s", why)
        self._failure = why
        self._begins_at = asyncio.get_running_loop().time() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
