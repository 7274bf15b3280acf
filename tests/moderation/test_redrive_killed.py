"""A redrive that is killed at any step: nothing is lost, and nothing counts twice."""

import asyncio
import json
import multiprocessing
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob.aio import BlobLeaseClient, BlobServiceClient

from eventgrid_pull.blob import blob_client
from eventgrid_pull.blob.blob_append_log import BlobAppendLog
from moderation.audit.log import AuditLog, Query
from moderation.dead_letters import attempts
from moderation.dead_letters.redrive_plan import Redriven
from moderation.storage.dead_letter_blobs import BlobDeadLetters
from tests.functions_host.hosting import blob_storage
from tests.make import an_event
from tests.moderation import redriving_process
from tests.moderation.redriving_process import KILLED

pytestmark = pytest.mark.contract

FOLDER = "local/moderation-events/sub-flagged/2026/11/23/10"
# More steps than a redrive has; the last of them are those at which it lives.
STEPS = 24
# Where a system can fork, all that a redrive imports is imported once.
FORKS = "forkserver" in multiprocessing.get_all_start_methods()
PROCESSES: Any = multiprocessing.get_context("forkserver" if FORKS else "spawn")
PROCESSES.set_forkserver_preload(["tests.moderation.redriving_process"])


@pytest.fixture(scope="module")
def connection_string(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where an Azurite of this module's own answers."""
    with blob_storage(tmp_path_factory.mktemp("azurite")) as found:
        yield found


class Redrives:
    """Redrives of one blob with two dead letters, in processes."""

    def __init__(
        self, connection: str, client: BlobServiceClient, name: str, effects: Path
    ) -> None:
        self._connection = connection
        self._client = client
        self.name = name
        self._effects = effects
        self._container = client.get_container_client("dead-letters")
        letters = [{"event": an_event(id=f"{name}-{n}")} for n in range(2)]
        self.content = json.dumps(letters).encode()

    async def put(self) -> None:
        """Dead-letter the events."""
        if not await self._container.exists():
            await self._container.create_container()
        await self._container.upload_blob(self.name, self.content)

    def start(self, step: int) -> BaseProcess:
        """A redrive that dies before that step."""
        arguments = (self._connection, self.name, step, self._effects)
        process: BaseProcess = PROCESSES.Process(
            target=redriving_process.main, args=arguments
        )
        process.start()
        return process

    async def end_lease(self) -> None:
        """What a minute does to the lease of one that died."""
        blob = self._container.get_blob_client(self.name)
        try:
            await BlobLeaseClient(blob).break_lease(0)
        except HttpResponseError:
            return  # it has none, or is not there any more

    async def redrive(self) -> list[str]:
        """The outcomes of a redrive that lives."""
        results, _ = await self._live()
        return [result.outcome for result in results]

    async def steps(self) -> int:
        """How many steps a redrive that lives has."""
        _, count = await self._live()
        return count

    async def _live(self) -> tuple[list[Redriven], int]:
        return await redriving_process.redrive_two(
            self._connection, self.name, 0, self._effects
        )

    async def places(self) -> list[tuple[str, bytes]]:
        """Where the blob is, and what is in it."""
        store = BlobDeadLetters(self._container)
        found = {
            "kept": await store.read(self.name),
            "archived": await store.read(self.name, archived=True),
        }
        return [(where, blob.content) for where, blob in found.items() if blob]

    async def recorded(self) -> list[tuple[int, str, int]]:
        """Index, disposition and count of the entries about this blob, folded."""
        log = BlobAppendLog(self._client.get_container_client("audit"), "reader")
        now = redriving_process.clock()
        query = Query(
            since=now - timedelta(minutes=30),
            until=now + timedelta(minutes=1),
            subscriptions=["sub-flagged"],
            limit=1000,
        )
        found = await AuditLog(log).find(query, time_left=lambda: 10.0)
        return sorted(
            (entry.redrive.index, entry.disposition, entry.delivery_count)
            for entry in found.entries
            if entry.redrive is not None and entry.redrive.name == self.name
        )

    async def noted(self) -> list[tuple[int, str | None]]:
        """Index and outcome of what the ledger has."""
        content = await BlobDeadLetters(self._container).ledger(self.name)
        found = attempts.read(content).attempts.values()
        return [(attempt.index, attempt.outcome) for attempt in found]

    def effects(self) -> Counter[str]:
        """How often the handler did its work, by event id."""
        if not self._effects.exists():
            return Counter()
        return Counter(self._effects.read_text(encoding="utf-8").split())


@pytest.fixture
async def redrives(
    connection_string: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Redrives]:
    """One dead-letter blob of this test's own."""
    number = abs(hash(request.node.name))
    name = f"{FOLDER}/{number}.json"
    async with blob_client.service(connection_string, None) as client:
        found = Redrives(connection_string, client, name, tmp_path / "effects.txt")
        await found.put()
        yield found


DONE = [(0, "acknowledge", 1), (1, "acknowledge", 1)]


@pytest.mark.parametrize("step", range(1, STEPS))
async def test_killed_at_any_step_it_is_finished_by_the_next(
    redrives: Redrives, step: int
) -> None:
    """
    The blob is in one place, and the audit log has one outcome for each dead letter.

    The handler runs again only for the one that was not recorded.
    """
    process = redrives.start(step)
    await asyncio.to_thread(process.join)
    assert process.exitcode in (KILLED, 0)
    recorded = len(await redrives.recorded())
    ran = redrives.effects()

    await redrives.end_lease()
    outcomes = await redrives.redrive()

    assert set(outcomes) <= {"acknowledge", "already"}
    assert outcomes.count("already") >= recorded
    assert await redrives.places() == [("archived", redrives.content)]
    assert await redrives.recorded() == DONE
    assert await redrives.noted() == [(0, "acknowledge"), (1, "acknowledge")]
    assert len(redrives.effects()) == 2
    twice = sum(redrives.effects().values()) - 2
    assert twice == sum(ran.values()) - recorded


async def test_the_last_of_those_steps_are_after_the_end(redrives: Redrives) -> None:
    """So the test above kills at every step there is."""
    assert await redrives.steps() < STEPS


async def test_of_two_processes_one_redrives(redrives: Redrives) -> None:
    """Whichever has the lease first; the other leaves it alone, or finds it done."""
    processes = [redrives.start(0) for _ in range(2)]

    for process in processes:
        await asyncio.to_thread(process.join)

    assert [process.exitcode for process in processes] == [0, 0]
    assert list(redrives.effects().values()) == [1, 1]
    assert await redrives.recorded() == DONE
    assert await redrives.places() == [("archived", redrives.content)]
