"""The append log that lasts.

One append blob per log name, hour and writer (`log_paths.log_blob`), and another one after it
was full or the clock went back. A writer never shares a blob, so nothing
has to be locked, and Azure may make the container append-only.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob.aio import BlobClient, ContainerClient

from eventgrid_pull.blob import log_paths
from eventgrid_pull.blob.append_log import Segment, Segments
from eventgrid_pull.blob.blob_client import code, unavailable
from eventgrid_pull.blob.blob_reader import Reader

# Azurite and old API versions take 4 MiB in one block; newer ones 100 MiB.
BLOCK_BYTES = 4 * 1024 * 1024


class BlobAppendLog:
    """An append log in a container, which is made when it is missing."""

    def __init__(self, container: ContainerClient, writer: str) -> None:
        self._container = container
        self._reader = Reader(container)
        self._writer = writer
        self._segments = Segments()
        self._opened: dict[str, tuple[Segment, BlobClient]] = {}

    async def probe(self) -> None:
        """Ask for the container; one that is missing is made when it is needed."""
        with self._named_errors():
            await self._container.exists()

    async def open(self, name: str, now: datetime) -> None:
        """Create the blob for what is written now, or see that it is there."""
        await self._open(name, self._segments.at(name, now))

    async def append(self, name: str, now: datetime, lines: bytes) -> None:
        """Append the lines, in as few blocks as they fit into."""
        segment = self._segments.at(name, now)
        if name not in self._opened or self._opened[name][0] is not segment:
            await self._open(name, segment)
        for block in _blocks(segment.order(lines)):
            await self._append(name, block)

    async def _open(self, name: str, segment: Segment) -> None:
        path = log_paths.log_blob(name, segment.hour, self._writer, segment.number)
        blob = self._container.get_blob_client(path)
        with self._named_errors():
            await self._create(blob)
        self._opened[name] = (segment, blob)

    async def _create(self, blob: BlobClient) -> None:
        try:
            await _create_if_missing(blob)
        except ResourceNotFoundError:
            await self._create_container()
            await _create_if_missing(blob)

    async def _create_container(self) -> None:
        with suppress(ResourceExistsError):  # someone else was faster
            await self._container.create_container()

    async def _append(self, name: str, block: bytes) -> None:
        with self._named_errors():
            try:
                await self._opened[name][1].append_block(block)
            except HttpResponseError as error:
                if code(error) != "BlockCountExceedsLimit":
                    raise
                await self._open(name, self._segments.next(name))
                await self._opened[name][1].append_block(block)

    async def newest(
        self, name: str, *, since: datetime, until: datetime
    ) -> AsyncIterator[bytes]:
        """Yield the lines of that time, newest first; read from their ends, in pieces."""
        with self._named_errors():
            async for line in self._reader.newest(name, since=since, until=until):
                yield line

    async def search(
        self, name: str, needle: bytes, *, since: datetime, until: datetime
    ) -> list[bytes]:
        """Return the lines of that time that hold the needle, oldest first."""
        with self._named_errors():
            return await self._reader.search(name, needle, since=since, until=until)

    async def is_empty(self, name: str) -> bool:
        """Return whether nothing was ever appended under that name."""
        blobs = self._container.list_blobs(
            name_starts_with=f"{name}/", results_per_page=1
        )
        with self._named_errors(), suppress(ResourceNotFoundError):  # no container yet
            async for _ in blobs:
                return False
        return True

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except AzureError as error:
            raise unavailable(self._container.container_name, error) from error


async def _create_if_missing(blob: BlobClient) -> None:
    with suppress(ResourceExistsError):  # made before: it is there, that is all
        await blob.create_append_blob(match_condition=MatchConditions.IfMissing)


def _blocks(lines: bytes) -> list[bytes]:
    """Return the lines in blocks of whole lines, each as large as a block may be."""
    blocks, start = [], 0
    while len(lines) - start > BLOCK_BYTES:
        cut = lines.rfind(b"\n", start, start + BLOCK_BYTES) + 1
        end = cut if cut > start else start + BLOCK_BYTES
        blocks.append(lines[start:end])
        start = end
    return [*blocks, lines[start:]]
