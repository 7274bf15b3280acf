"""One suite over the append log in memory and the one in blob storage (Azurite)."""

import asyncio
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob.aio import BlobServiceClient

from eventgrid_pull.blob import blob_client as blobs
from eventgrid_pull.blob.append_log import (
    AppendLog,
    InMemoryAppendLog,
    StoreUnavailable,
    stamp,
    stamp_of,
)
from eventgrid_pull.blob.blob_append_log import BlobAppendLog
from tests.eventgrid_pull.orders import NOW, minutes
from tools.stack.parts import azurite, services

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def connection_string(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where an Azurite of this module's own answers."""
    folder = tmp_path_factory.mktemp("azurite")
    azurite.install()
    command = [azurite.node(), str(azurite.blob_service())]
    options = ["--blobPort", "0", "--location", str(folder), "--skipApiVersionCheck"]
    quiet = ["--silent", "--disableTelemetry"]
    process = subprocess.Popen(
        [*command, *options, *quiet], stdout=subprocess.PIPE, text=True
    )
    try:
        yield services.connection_string(_port(process))
    finally:
        process.terminate()
        process.communicate()


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if "successfully listen" in line:
            found = re.search(r":(\d+)", line.rpartition("//")[2])
            assert found is not None
            return int(found[1])
    pytest.fail("Azurite did not start")


@pytest.fixture
async def service(connection_string: str) -> AsyncIterator[BlobServiceClient]:
    """A client as the app makes it."""
    async with blobs.service(connection_string, None) as client:
        yield client


@pytest.fixture(params=["in memory", "blobs"])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[AppendLog]:
    """An empty append log of either kind."""
    if request.param == "in memory":
        yield InMemoryAppendLog()
        return
    address: str = request.getfixturevalue("connection_string")
    async with blobs.service(address, None) as client:
        yield BlobAppendLog(_container(client, request), "writer-1")


def _container(service: BlobServiceClient, request: pytest.FixtureRequest) -> Any:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    return service.get_container_client(name[:60].strip("-"))


def line(n: int, ago: float = 0, size: int = 0) -> bytes:
    return line_at(NOW - minutes(ago), n, size)


def line_at(moment: datetime, n: int, size: int = 0) -> bytes:
    at = stamp(moment).encode()
    return b'{"at":"%s","n":%d,"x":"%s"}\n' % (at, n, b"x" * size)


def number(text: bytes) -> int:
    return int(re.findall(rb'"n":(\d+)', text)[0])


async def numbers(log: AppendLog, name: str = "sub-a", back: float = 180) -> list[int]:
    lines = log.newest(name, since=NOW - minutes(back), until=NOW)
    return [number(text) async for text in lines]


async def test_lines_come_back_newest_first_over_hours(log: AppendLog) -> None:
    """Three hours, one log: the newest line is read first."""
    for n, ago in enumerate((150, 100, 35, 20, 0)):
        await log.append("sub-a", NOW - minutes(ago), line(n, ago))

    assert await numbers(log) == [4, 3, 2, 1, 0]
    assert await numbers(log, back=40) == [4, 3, 2]


async def test_logs_of_different_names_are_apart(log: AppendLog) -> None:
    """What one event subscription did is read without the others."""
    await log.append("sub-a", NOW, line(1))
    await log.append("sub-b", NOW, line(2))

    assert await numbers(log) == [1]
    assert await numbers(log, "sub-b") == [2]


async def test_a_log_that_was_never_written_is_empty(log: AppendLog) -> None:
    """Before the first drain there is neither blob nor container."""
    await log.probe()

    assert await numbers(log) == []


async def test_opening_again_keeps_what_was_written(log: AppendLog) -> None:
    """Every drain opens its log before it receives."""
    for n in range(3):
        await log.open("sub-a", NOW)
        await log.append("sub-a", NOW, line(n))

    assert await numbers(log) == [2, 1, 0]


async def test_lines_of_one_append_keep_their_order(log: AppendLog) -> None:
    """A batch is one append; read backwards, its last line comes first."""
    await log.append("sub-a", NOW, b"".join(line(n) for n in range(500)))

    assert await numbers(log) == list(reversed(range(500)))


# aiohttp would rather have a stream than 4 MiB of bytes; writing them takes it no time.
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_an_append_larger_than_a_block_is_kept_whole(log: AppendLog) -> None:
    """A hundred large events are more than storage takes at once."""
    lines = b"".join(line(n, size=1_000_000) for n in range(9))

    await log.append("sub-a", NOW, lines)

    assert await numbers(log) == list(reversed(range(9)))


async def test_a_log_is_empty_until_something_is_appended(
    log: InMemoryAppendLog | BlobAppendLog,
) -> None:
    """By its own name, not by one that begins with it."""
    before = await log.is_empty("sub-a")
    await log.append("sub-a", NOW - minutes(40 * 24 * 60), line(1, 40 * 24 * 60))

    assert (before, await log.is_empty("sub-a")) == (True, False)
    assert await log.is_empty("sub")


async def test_lines_of_several_writers_are_merged_by_time(
    service: BlobServiceClient, request: pytest.FixtureRequest
) -> None:
    """Each process has a blob of its own; a reader sees one log."""
    container = _container(service, request)
    one = BlobAppendLog(container, "one")
    two = BlobAppendLog(container, "two")
    for n, ago in enumerate((9, 7, 5, 3)):
        await (one, two)[n % 2].append("sub-a", NOW - minutes(ago), line(n, ago))

    assert await numbers(one) == [3, 2, 1, 0]


async def test_two_writers_may_make_the_container_at_once(
    service: BlobServiceClient, request: pytest.FixtureRequest
) -> None:
    """Three drains start side by side on an empty account."""
    container = _container(service, request)
    logs = [BlobAppendLog(container, f"writer-{n}") for n in range(6)]

    await asyncio.gather(*(log.open("sub-a", NOW) for log in logs))
    await asyncio.gather(*(log.append("sub-a", NOW, line(1)) for log in logs))

    assert await numbers(logs[0]) == [1] * 6


async def test_storage_that_does_not_answer_is_said_in_words() -> None:
    """Where nothing listens on this machine, how to start it; within seconds."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = services.connection_string(unused.getsockname()[1])
        async with blobs.service(address, None) as service:
            log = BlobAppendLog(service.get_container_client("audit"), "w")

            async with asyncio.timeout(30):
                with pytest.raises(StoreUnavailable, match=r"dev\.py run"):
                    await log.open("sub-a", NOW)
                with pytest.raises(StoreUnavailable, match="does not answer"):
                    await numbers(log)


async def found(log: AppendLog, since: float, until: float) -> list[int]:
    """The numbers of the lines from so many minutes ago to so many."""
    lines = log.newest("sub-a", since=NOW - minutes(since), until=NOW - minutes(until))
    return [number(text) async for text in lines]


async def searched(
    log: AppendLog, needle: bytes, since: float, until: float
) -> list[int]:
    """The same of those that hold the needle."""
    lines = await log.search(
        "sub-a", needle, since=NOW - minutes(since), until=NOW - minutes(until)
    )
    return [number(text) for text in lines]


@pytest.mark.parametrize("size", [0, 2_000, 30_000])
async def test_a_moment_is_found_in_the_middle_of_an_hour(
    log: AppendLog, size: int
) -> None:
    """Both ends of the time are kept, and lines of one moment stay together."""
    moments = [29 - n / 10 for n in range(100) for _ in range(3)]
    lines = [line(n, ago, size) for n, ago in enumerate(moments)]
    for at in range(0, 300, 30):
        batch = b"".join(lines[at : at + 30])
        await log.append("sub-a", NOW - minutes(moments[at]), batch)

    for since, until in ((25, 24), (29, 28.9), (28.95, 28.85), (19.1, 0), (60, 29)):
        wanted = [n for n, ago in enumerate(moments) if until <= ago <= since]
        assert await found(log, since, until) == wanted[::-1]
        assert await searched(log, b'"x":', since, until) == wanted


async def test_a_moment_is_found_between_large_lines_and_small_ones(
    log: AppendLog,
) -> None:
    """A line may be longer than what is looked at in one go."""
    sizes = [10, 1_000_000, 10, 10, 700_000, 300_000, 10, 900_000, 10]
    for n, size in enumerate(sizes):
        await log.append("sub-a", NOW - minutes(20 - n), line(n, 20 - n, size))

    for n in range(9):
        assert await found(log, 20, 20 - n) == list(range(n, -1, -1))
        assert await searched(log, b'"n":', 20 - n, 0) == list(range(n, 9))


@pytest.mark.parametrize("step", [0.01, 0.9, 1.1, 60, 1200, 4000])
async def test_a_clock_that_goes_back_hides_nothing(
    log: AppendLog, step: float
) -> None:
    """By a moment, by more than a second, into the hour before; and then it goes on."""
    seconds = [1.0, 1.5, 1.5 - step, 1.6 - step, 5.0 - step, 5.2, 5.2 - step, 6.0]
    moments = [
        NOW - minutes(NOW.minute) + timedelta(seconds=second) for second in seconds
    ]
    for n, at in enumerate(moments):
        await log.append("sub-a", at, line_at(at, n))

    lines = log.newest("sub-a", since=NOW - minutes(180), until=NOW)
    read = [line async for line in lines]

    assert sorted(map(number, read)) == list(range(8))
    assert [stamp_of(line) for line in read] == sorted(
        map(stamp_of, read), reverse=True
    )
    for moment in {stamp_of(line) for line in read}:
        until = datetime.fromisoformat(moment.decode())
        page = log.newest("sub-a", since=NOW - minutes(180), until=until)
        rest = [line for line in read if stamp_of(line) <= moment]
        assert [line async for line in page] == rest
    for at, n in zip(moments, range(8), strict=True):
        [given] = [line for line in read if number(line) == n]
        off = datetime.fromisoformat(stamp_of(given).decode()) - at
        assert timedelta(0) <= off <= timedelta(seconds=1)
    found = await log.search("sub-a", b'"n":', since=NOW - minutes(180), until=NOW)
    assert sorted(map(number, found)) == list(range(8))


async def test_a_needle_is_found_wherever_it_stands(log: AppendLog) -> None:
    """Over hours, at the ends of a blob, across the pieces that it is read in."""
    marked = {0, 7, 130, 131, 259, 399}
    for n in range(400):
        ago = 170 - n * 0.4
        text = line(n, ago, 9_000 + n)
        if n in marked:
            text = text.replace(b'"x":"', b'"x":"needle')
        await log.append("sub-a", NOW - minutes(ago), text)

    assert await searched(log, b"needle", 180, 0) == sorted(marked)
    assert await searched(log, b"needle", 170 - 7 * 0.4, 170 - 131 * 0.4) == [
        *(7, 130, 131)
    ]
    assert await searched(log, b"n" * 64_000, 180, 0) == []


async def test_nothing_is_found_where_nothing_is(log: AppendLog) -> None:
    """
    Before the first line, after the last one, and in a log that was never written.
    """
    assert await searched(log, b"n", 180, 0) == []
    await log.append("sub-a", NOW - minutes(30), line(1, 30))

    assert await found(log, 20, 0) == await found(log, 180, 31) == []
    assert await searched(log, b"n", 20, 0) == await searched(log, b"n", 180, 31) == []


async def test_a_line_that_is_not_yet_whole_is_not_read(
    service: BlobServiceClient, request: pytest.FixtureRequest
) -> None:
    """One longer than a block is written in two; a reader may come between them."""
    container = _container(service, request)
    log = BlobAppendLog(container, "writer-1")
    await log.append("sub-a", NOW, line(1))
    await log.append("sub-a", NOW, line(2)[:-8])
    assert await numbers(log) == await searched(log, b"n", 60, 0) == [1]

    await log.append("sub-a", NOW, line(2)[-8:])

    assert await numbers(log) == [2, 1]


async def test_lines_of_somebody_else_are_passed_over(log: AppendLog) -> None:
    """They hide nothing of what was written before them."""
    for n, text in enumerate((b"hello\n", b"\n\n", b'{"at":"0"}\n', b"{}\n")):
        await log.append("sub-a", NOW, line(n) + text)

    assert await numbers(log) == [3, 2, 1, 0]
    assert await searched(log, b'"n"', 60, 0) == [0, 1, 2, 3]


async def test_a_month_without_a_line_is_read_in_a_moment(log: AppendLog) -> None:
    """What lies far back is found without asking for every hour."""
    await log.append("sub-a", NOW - minutes(29 * 24 * 60), line(1, 29 * 24 * 60))

    async with asyncio.timeout(5):
        assert await found(log, 31 * 24 * 60, 0) == [1]
        assert await searched(log, b"n", 31 * 24 * 60, 0) == [1]


async def test_pages_over_several_writers_join_to_the_whole(
    service: BlobServiceClient, request: pytest.FixtureRequest
) -> None:
    """Nothing twice and nothing missing, while the writers go on writing."""
    container = _container(service, request)
    writers = [BlobAppendLog(container, f"writer-{n}") for n in range(3)]
    batches = [(n, 150 - n * 4 + n % 3 * 2) for n in range(30)]
    for n, ago in batches:
        lines = b"".join(line(n * 10 + place, ago) for place in range(7))
        await writers[n % 3].append("sub-a", NOW - minutes(ago), lines)
    whole = await numbers(writers[0])

    pages: list[bytes] = []
    until, seen = NOW, 0  # of the lines of that moment
    is_over = False
    while not is_over:
        newest = writers[0].newest("sub-a", since=NOW - minutes(180), until=until)
        page = [text async for text in newest][seen : seen + 11]
        pages += page
        is_over = len(page) < 11
        until = datetime.fromisoformat(stamp_of(pages[-1]).decode())
        seen = [*map(stamp_of, pages)].count(stamp_of(pages[-1]))
        late = len(pages) + 1_000
        await writers[1].append("sub-a", NOW, line(late))

    assert [*map(number, pages)] == whole
    assert len(whole) == 210
