"""Searches read a bounded part of the log at once, however many are asked for."""

import asyncio
from datetime import timedelta
from typing import Any, cast

from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import ContainerClient

from eventgrid_pull.blob import blob_reader, log_paths
from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.blob.blob_reader import Reader
from tests.eventgrid_pull.orders import NOW

LINE = b'{"at":"%s","id":"a"}\n' % stamp(NOW).encode()


class Blob:
    """What a list says of a blob."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = len(LINE)


class Counting(Reader):
    """A reader over many blobs, which counts how many are being read."""

    def __init__(self) -> None:
        super().__init__(cast(ContainerClient, None))
        self.reading = self.most = 0

    async def _by_hour(self, prefix: str) -> dict[str, list[BlobProperties]]:
        folder = log_paths.hour_of_log(prefix.partition("/")[0], NOW)
        found: list[Any] = [Blob(f"{folder}{n}.ndjson") for n in range(40)]
        return {folder: found}

    async def _read(self, blob: BlobProperties, start: int, end: int) -> bytes:
        self.reading += 1
        self.most = max(self.most, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        return LINE[start:end]


async def test_many_searches_share_what_may_be_in_memory() -> None:
    """Ten who look for an event do not need ten times as much."""
    reader, since = Counting(), NOW - timedelta(minutes=1)

    found = await asyncio.gather(
        *(
            reader.search(f"log-{number}", b'"id":"a"', since=since, until=NOW)
            for number in range(10)
        )
    )

    assert [len(lines) for lines in found] == [40] * 10
    assert 1 < reader.most <= blob_reader.SCANS
