"""Appends that meet go together: one write for all that came while another was made."""

import asyncio
from datetime import datetime

from eventgrid_pull.blob.append_log import AppendLog, hour_of, stamp, went_back

type Waiting = tuple[datetime, bytes, asyncio.Future[None]]


class GroupCommitLog:
    """An append log over another. Each append is durable when it returns, as there.

    What several receivers of one event subscription append while a write is under way
    becomes the next write. A write costs storage and us about the same whatever it
    holds.
    """

    def __init__(self, log: AppendLog) -> None:
        self._log = log
        self._waiting: dict[str, list[Waiting]] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}
        self.probe, self.open = log.probe, log.open
        self.newest, self.search = log.newest, log.search

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        """Add the lines with the next write; StoreUnavailable when that fails."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, []).append((now, lines, done))
        if name not in self._writers:
            # A task of its own: whoever came first may give up, the others may not.
            self._writers[name] = asyncio.create_task(self._write_all(name))
        await done

    async def _write_all(self, name: str) -> None:
        try:
            while group := self._next(name):
                await self._write(name, group)
        finally:
            del self._writers[name]
            for _, _, done in self._waiting.pop(name, []):
                done.cancel()  # only when this was cut off: nobody writes them now

    def _next(self, name: str) -> list[Waiting]:
        """Return those that can go together: of one hour, with no clock that went back."""
        waiting = self._waiting.pop(name, [])
        count = 0
        for now, _, _ in waiting:
            before = waiting[max(count - 1, 0)][0]
            if hour_of(now) != hour_of(before) or went_back(
                now, stamp(before).encode()
            ):
                break
            count += 1
        if count < len(waiting):
            self._waiting[name] = waiting[count:]
        return waiting[:count]

    async def _write(self, name: str, group: list[Waiting]) -> None:
        lines = b"".join(lines for _, lines, _ in group)
        failure: BaseException | None = None
        try:
            await self._log.append(name, max(now for now, _, _ in group), lines)
        except BaseException as error:  # whatever it is, it is the callers' to see
            failure = error
        for _, _, done in group:
            if done.done():
                continue  # its caller went away
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(failure)
        if failure is not None and not isinstance(failure, Exception):
            raise failure
