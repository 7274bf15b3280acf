"""Reading the blobs of an append log: from their ends, from a moment on, or for a needle.

A blob's lines are in the order of their moments (`append_log.Segment`), so a moment is
found by halving: an hour is not read from its end when a page begins in its middle.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import ContainerClient

from eventgrid_pull.blob import log_paths
from eventgrid_pull.blob.append_log import BEGINS, hours_back, merge, stamp, stamp_of

FIRST_READ_BYTES = 64 * 1024
READ_BYTES = 1024 * 1024
SCAN_BYTES = 4 * 1024 * 1024
# So many blobs are searched at once, for all who search: their pieces are in memory.
SCANS = 16
# Halving ends at a piece that is read as fast as one more look.
NEAR_BYTES = 128 * 1024
LOOK_BYTES = 8 * 1024
STAMP_ENDS = len(b'{"at":"2026-01-31T12:00:00.000000Z')


class Reader:
    """Reads the blobs of `log_paths.log_blob`; azure.core's errors pass."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container
        self._scans = asyncio.Semaphore(SCANS)

    async def newest(
        self, name: str, *, since: datetime, until: datetime
    ) -> AsyncIterator[bytes]:
        """Yield the lines stamped from `until` back to `since`, newest first."""
        oldest, newest = stamp(since).encode(), stamp(until).encode()
        blobs: dict[str, list[BlobProperties]] = {}
        listed = ""
        for hour in hours_back(since, until):
            path = log_paths.hour_of_log(name, hour)
            if not path.startswith(listed or "/"):
                # The first day alone; of what is older, a month with each call.
                folder = log_paths.month_of_log if listed else log_paths.day_of_log
                listed = folder(name, hour)
                blobs = await self._by_hour(listed)
            found = blobs.get(path, [])
            async for line in merge([self._read_back(blob, newest) for blob in found]):
                if stamp_of(line) < oldest:
                    break
                yield line

    async def search(
        self, name: str, needle: bytes, *, since: datetime, until: datetime
    ) -> list[bytes]:
        """Return the lines of that time that hold the needle, oldest first."""
        hours = hours_back(since, until)
        folders = [log_paths.hour_of_log(name, hour) for hour in hours]
        within = stamp(since).encode(), stamp(until).encode()
        found: list[bytes] = []
        for prefix in _prefixes(name, hours):
            blobs = await self._by_hour(prefix)
            here = [blob for path in folders for blob in blobs.get(path, [])]
            scans = [self._scan(blob, needle, *within) for blob in here]
            for lines in await asyncio.gather(*scans):
                found += lines
        return sorted(found, key=stamp_of)

    async def _by_hour(self, prefix: str) -> dict[str, list[BlobProperties]]:
        """Return the blobs by the folder of their hour, in the order of their names."""
        found: dict[str, list[BlobProperties]] = {}
        try:
            async for blob in self._container.list_blobs(name_starts_with=prefix):
                found.setdefault(log_paths.folder_of(blob.name), []).append(blob)
        except ResourceNotFoundError:
            return {}  # no container yet: nothing was ever written
        return found

    async def _read_back(
        self, blob: BlobProperties, newest: bytes
    ) -> AsyncIterator[bytes]:
        """Yield the blob's lines up to that moment, from the last to the first."""
        end = blob.size
        if _hour_ends(blob) > newest:
            _, end = await self._bisect(blob, lambda at: at > newest)
        size, rest, is_whole = FIRST_READ_BYTES, b"", False
        while end > 0:
            start = max(0, end - size)
            read = await self._read(blob, start, end)
            first, *lines = (read + rest).split(b"\n")
            if lines and not is_whole:
                lines.pop()  # what comes after the last line: of one not yet written
                is_whole = True
            for line in reversed(lines):
                if line.startswith(BEGINS) and stamp_of(line) <= newest:
                    yield line
            rest, end, size = first, start, READ_BYTES
        if is_whole and rest.startswith(BEGINS) and stamp_of(rest) <= newest:
            yield rest

    async def _scan(
        self, blob: BlobProperties, needle: bytes, oldest: bytes, newest: bytes
    ) -> list[bytes]:
        """Return the blob's lines with the needle; those without it are not decoded."""
        start, found, rest, size = 0, [], b"", NEAR_BYTES
        async with self._scans:
            if _hour_begins(blob) < oldest:
                start, _ = await self._bisect(blob, lambda at: at >= oldest)
            while start < blob.size:
                end = min(start + size, blob.size)
                read = rest + await self._read(blob, start, end)
                whole = read.rfind(b"\n") + 1
                found += _lines_with(needle, read, whole)
                last = read.rfind(b"\n", 0, max(whole - 1, 0)) + 1
                if stamp_of(read[last:]) > newest:
                    break
                rest, start, size = read[whole:], end, min(size * 4, SCAN_BYTES)
        return [line for line in found if oldest <= stamp_of(line) <= newest]

    async def _bisect(
        self, blob: BlobProperties, is_late: Callable[[bytes], bool]
    ) -> tuple[int, int]:
        """Return where lines begin around the first late one: one before it, and it.

        0 and the blob's size where there is none.
        """
        early, near, late = 0, blob.size, blob.size
        while near - early > NEAR_BYTES:
            middle = (early + near) // 2
            found = await self._line_after(blob, middle, near)
            if found is None:
                near = middle
            elif is_late(found[1]):
                near, late = middle, found[0]
            else:
                early = found[0]
        return early, late

    async def _line_after(
        self, blob: BlobProperties, start: int, end: int
    ) -> tuple[int, bytes] | None:
        """Return where the first line between these places begins, and its moment."""
        size = LOOK_BYTES
        while True:
            stop = min(start - 1 + size, blob.size)
            read = await self._read(blob, start - 1, stop)
            begins = read.find(b"\n") + 1
            if begins and start - 1 + begins >= end:
                return None
            if begins and len(read) >= begins + STAMP_ENDS:
                return start - 1 + begins, stamp_of(read[begins:])
            if stop >= end + STAMP_ENDS or stop == blob.size:
                return None
            size *= 8

    async def _read(self, blob: BlobProperties, start: int, end: int) -> bytes:
        client = self._container.get_blob_client(blob.name)
        stream = await client.download_blob(offset=start, length=end - start)
        return await stream.readall()


def _lines_with(needle: bytes, read: bytes, end: int) -> list[bytes]:
    """Return the lines with the needle; `end` is where the last whole line ends."""
    found = []
    at = read.find(needle, 0, end)
    while at >= 0:
        ends = read.find(b"\n", at)
        found.append(read[read.rfind(b"\n", 0, at) + 1 : ends])
        at = read.find(needle, ends, end)
    return found


def _prefixes(name: str, hours: list[datetime]) -> list[str]:
    """Return what to list for those hours: the one, or their days, oldest first."""
    if len(hours) == 1:
        return [log_paths.hour_of_log(name, hours[0])]
    return sorted({log_paths.day_of_log(name, hour) for hour in hours})


def _hour_begins(blob: BlobProperties) -> bytes:
    return stamp(log_paths.hour_of_blob(blob.name)).encode()


def _hour_ends(blob: BlobProperties) -> bytes:
    return stamp(log_paths.hour_of_blob(blob.name) + timedelta(hours=1)).encode()
