"""What a durable emulator keeps, and what it says when its folder cannot be used."""

import asyncio
import contextlib
import functools
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from eventgrid_emulator import EmulatedNamespace
from eventgrid_emulator.app import LOOK_EVERY
from eventgrid_emulator.errors import Refusal
from eventgrid_emulator.queue.clock import Clock
from eventgrid_emulator.storage.schema import VERSION, read_all
from eventgrid_emulator.storage.sqlite import (
    EARLIER_NAME,
    FILE_NAME,
    Store,
    StoreError,
    _prepare,
)
from tests.eventgrid_emulator.conftest import TOPOLOGY
from tests.eventgrid_emulator.emulator_process import running, start_failing
from tests.eventgrid_emulator.wire import (
    ALL,
    EVENT,
    Wire,
    connected,
    emulated,
    lock_tokens,
    until,
)

pytestmark = pytest.mark.contract

opened = functools.partial(emulated, TOPOLOGY)


def depth(namespace: EmulatedNamespace) -> tuple[int, int, int]:
    queue = namespace.app.namespace.subscription("moderation-events", "sub-all-events")
    found = queue.queue.depth()
    return found.ready, found.locked, found.delayed


async def test_a_lock_that_ended_while_the_emulator_was_down_is_over(
    tmp_path: Path,
) -> None:
    """Its token is lost, and the next delivery counts one more."""
    at = [1_800_000_000.0]
    async with opened(data=tmp_path, clock=Clock(lambda: at[0])) as (_, wire):
        await wire.publish(EVENT)
        old = lock_tokens(await wire.receive())
    at[0] += 60
    async with opened(data=tmp_path, clock=Clock(lambda: at[0])) as (_, wire):
        [found] = await wire.receive()
        assert found["brokerProperties"]["deliveryCount"] == 2
        _, _, body = await wire.settle("acknowledge", old)
        assert body["failedLockTokens"][0]["error"]["code"] == "TokenLost"


async def test_an_orderly_stop_answers_receivers_and_loses_nothing(
    tmp_path: Path,
) -> None:
    """SIGTERM ends a long poll with an empty answer and the process with 0."""
    async with (
        running("--data", str(tmp_path)) as emulator,
        connected(emulator.endpoint) as wire,
    ):
        await wire.publish(EVENT | {"type": "com.contoso.ai.ContentFlagged"})
        await wire.receive()
        waiting = asyncio.create_task(wire.receive())

        async def is_waiting() -> bool:
            async with wire.http.get("/_local/subscriptions") as answer:
                [topic] = (await answer.json())["topics"]
            return any(
                queue["waitingReceivers"] for queue in topic["eventSubscriptions"]
            )

        while not await is_waiting():  # noqa: ASYNC110  (another process knows)
            await asyncio.sleep(0.01)
        if os.name == "posix":
            assert await emulator.terminate() == 0
            assert await waiting == []
        else:
            await emulator.kill()
            waiting.cancel()
    async with opened(data=tmp_path) as (namespace, _):
        assert depth(namespace)[1] == 1


async def fill(namespace: EmulatedNamespace, wire: Wire) -> int:
    """Publish until the file is full; return the number of events that were taken."""
    taken = 0
    large = EVENT | {"data": "x" * 4000}
    while (await wire.publish(*[large] * 10))[0] == 200:
        taken += 10
        assert taken < 5000, "the file never filled up"
    return taken


async def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    """503 while the file cannot grow; what was answered 200 is all there, once each."""
    async with opened(data=tmp_path) as (namespace, wire):
        store = namespace.app.namespace.commits._store
        assert store is not None
        await store.recover(lambda c: c.execute("PRAGMA max_page_count = 300"))
        taken = await fill(namespace, wire)
        status, _, body = await wire.publish(*[EVENT | {"data": "x" * 40_000}] * 20)
        assert status == 503
        assert "data folder" in body["error"]["message"]
        await until(lambda: namespace.app.namespace.commits.failure is None)
        assert depth(namespace)[0] == taken

        await store.recover(lambda c: c.execute("PRAGMA max_page_count = 100000"))
        assert (await wire.publish(EVENT))[0] == 200
        assert depth(namespace)[0] == taken + 1
    async with opened(data=tmp_path) as (namespace, _):
        assert depth(namespace)[0] == taken + 1


@contextlib.asynccontextmanager
async def unwritable(namespace: EmulatedNamespace) -> AsyncIterator[None]:
    """Make the data folder unwritable for the length of a block."""
    commits = namespace.app.namespace.commits
    store = commits._store
    assert store is not None
    await store.recover(lambda c: c.execute("PRAGMA query_only = ON"))
    yield
    await store.recover(lambda c: c.execute("PRAGMA query_only = OFF"))
    await until(lambda: commits.failure is None)


@pytest.mark.parametrize("verb", ["publish", "receive", "acknowledge", "renewLock"])
async def test_nothing_is_answered_that_is_not_stored(
    verb: str, tmp_path: Path
) -> None:
    """The first request that cannot be stored is refused, and undone."""
    async with opened(data=tmp_path) as (namespace, wire):
        await wire.publish(EVENT, EVENT)
        tokens = lock_tokens(await wire.receive(1))
        before = depth(namespace)
        async with unwritable(namespace):
            match verb:
                case "publish":
                    status, _, _ = await wire.publish(EVENT)
                case "receive":
                    status, _, _ = await wire.post(f"{ALL}:receive")
                case _:
                    status, _, _ = await wire.settle(verb, tokens)
            assert status == 503
        assert depth(namespace) == before


async def test_a_moved_clock_is_stored_before_it_is_answered(tmp_path: Path) -> None:
    """What cannot be stored is a 503; the time that was seen holds after a restart."""
    async with opened(data=tmp_path) as (namespace, wire):
        async with (
            unwritable(namespace),
            wire.http.post("/_local/clock", json={"advance": 7200}) as answer,
        ):
            assert answer.status == 503
        assert (await wire.publish(EVENT))[0] == 200
    async with opened(data=tmp_path) as (namespace, _):
        assert namespace.app.namespace.clock.offset == 7200


async def test_an_event_subscription_declared_on_a_full_disk_keeps_its_events(
    tmp_path: Path,
) -> None:
    """Its name is stored once that is possible; nobody else gets what it holds."""

    def declared(*names: str) -> dict[str, Any]:
        listed = [{"name": name} for name in names]
        return {"topic": "moderation-events", "eventSubscriptions": listed}

    async with opened(data=tmp_path) as (namespace, wire):
        async with unwritable(namespace):
            with pytest.raises(Refusal):
                await namespace.declare(declared("sub-all-events", "sub-late"))
        assert (await wire.publish(EVENT))[0] == 200
    both = declared("sub-all-events", "sub-other", "sub-late")
    async with EmulatedNamespace(both, data=tmp_path) as namespace:
        found = namespace.app.namespace.topic("moderation-events").subscriptions
        depths = {name: len(found[name].queue) for name in found}
    assert depths == {"sub-all-events": 1, "sub-other": 0, "sub-late": 1}


async def test_a_topology_that_changes_on_a_full_disk_holds_later(
    tmp_path: Path,
) -> None:
    """The change is tried again until the folder can be written."""
    path = tmp_path / "topology.json"
    path.write_text('{"topic": "orders", "eventSubscriptions": []}')
    async with EmulatedNamespace(path, data=tmp_path / "data") as namespace:
        namespace.app.watch(path)
        await asyncio.sleep(0)  # the watch has seen the file as it is
        known = namespace.app.namespace
        known.commits.failure = "the disk is full"
        listed = '[{"name": "sub-late"}]'
        path.write_text(f'{{"topic": "orders", "eventSubscriptions": {listed}}}')
        await asyncio.sleep(2 * LOOK_EVERY)
        known.commits.failure = None
        await until(lambda: "sub-late" in known.topics["orders"].subscriptions)


async def test_a_folder_in_use_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """Two emulators never write one file."""
    async with running("--data", str(tmp_path)):
        code, problem = await start_failing("--data", str(tmp_path))
    assert code == 1
    assert "in use by another emulator" in problem
    assert "Traceback" not in problem


def newer(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")


def torn(path: Path) -> None:
    Store(path.parent).read(lambda c: c.close())
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE much (text)")
        connection.execute("INSERT INTO much VALUES (?)", ("x" * 100_000,))
        connection.execute("DROP TABLE event")
        connection.commit()


def garbage(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


@pytest.mark.parametrize(
    ("spoil", "says"), [(newer, "newer emulator"), (garbage, "not a database")]
)
def test_a_file_that_cannot_be_used_is_left_alone(
    spoil: Callable[[Path], None], says: str, tmp_path: Path
) -> None:
    """The error names the file, and its content is what it was."""
    path = tmp_path / FILE_NAME
    spoil(path)
    before = path.read_bytes()

    with pytest.raises(StoreError) as caught:
        Store(tmp_path)

    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_a_file_that_lost_a_table_is_named(tmp_path: Path) -> None:
    """What can be opened and not be read is refused in the same words."""
    torn(tmp_path / FILE_NAME)

    with pytest.raises(StoreError, match="cannot be used: no such table"):
        Store(tmp_path).read(read_all)


def test_a_kill_while_the_file_is_made_leaves_all_of_it_or_nothing(
    tmp_path: Path,
) -> None:
    """Tables and version appear together, so that the next start is not refused."""

    def cut(action: int, name: str | None, value: str | None, *_: str | None) -> int:
        writes = action == sqlite3.SQLITE_PRAGMA and name == "user_version" and value
        return sqlite3.SQLITE_DENY if writes else sqlite3.SQLITE_OK

    connection = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    connection.set_authorizer(cut)
    with contextlib.closing(connection), pytest.raises(sqlite3.DatabaseError):
        _prepare(connection, tmp_path)

    Store(tmp_path).read(lambda c: c.close())


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    """The error says what permission is missing."""
    Store(tmp_path).read(lambda c: c.close())
    (tmp_path / FILE_NAME).chmod(0o400)
    tmp_path.chmod(0o500)

    with pytest.raises(StoreError, match="cannot be"):
        Store(tmp_path)
    tmp_path.chmod(0o700)


async def test_a_file_under_its_earlier_name_is_not_lost(tmp_path: Path) -> None:
    """What was queued before the file was called otherwise is there after an upgrade."""
    async with opened(data=tmp_path) as (_, wire):
        await wire.publish(EVENT)
    (tmp_path / FILE_NAME).rename(tmp_path / EARLIER_NAME)

    async with opened(data=tmp_path) as (_, wire):
        assert len(await wire.receive()) == 1

    assert not (tmp_path / FILE_NAME).exists()
