"""The SQLite file behind a durable emulator, written by one thread in groups.

Whatever waits while a transaction is written goes into the next one. The write-ahead log
is not flushed to the disk at every commit: a killed process loses nothing that was
answered, a power cut may lose the last moments.
"""

import asyncio
import itertools
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventgrid_emulator.storage.schema import SCHEMA, VERSION

FILE_NAME = "emulator.sqlite"
EARLIER_NAME = "broker.sqlite"  # a file that an earlier version began keeps its name

type Statement = tuple[str, Sequence[Any]]


class StoreError(Exception):
    """The data folder cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Job:
    done: asyncio.Future[Any]
    statements: Sequence[Statement] = ()
    work: Callable[[sqlite3.Connection], Any] | None = None  # instead of statements


class Store:
    """A durable place for the namespace's state; open until `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._connection = _open(folder)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._failed: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)

    def read[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` finds in the file; before `start`."""
        try:
            return work(self._connection)
        except sqlite3.Error as problem:
            self._connection.close()
            raise StoreError(_explain(self.folder, problem)) from None

    def start(self) -> None:
        """Leave the file to the writing thread from now on."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def write(self, statements: list[Statement]) -> asyncio.Future[None]:
        """Write the statements; done once they are committed, in the order of the calls.

        After a failure every later write fails too, until `recover`.
        """
        done = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(done, statements))
        return done

    async def recover[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Take writes again; return what `work` finds in the file."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(done, work=work))
        return await done

    async def close(self) -> None:
        """Write everything that was handed in and close the file."""
        if self._thread.is_alive():
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _work(self) -> None:
        jobs: list[_Job | None] = []
        while None not in jobs:
            jobs = [self._jobs.get()]
            while not self._jobs.empty():
                jobs.append(self._jobs.get())
            present = (job for job in jobs if job is not None)
            for work, group in itertools.groupby(present, lambda job: job.work):
                self._do(work, list(group))

    def _do(
        self, work: Callable[[sqlite3.Connection], Any] | None, group: list[_Job]
    ) -> None:
        problem, result = None, None
        try:
            if work is not None:
                result = work(self._connection)
                self._failed = None
            elif self._failed is None:
                self._write(group)
        except sqlite3.Error as error:
            problem = str(error)
        if work is None:
            problem = self._failed = self._failed or problem
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_finish, group, problem, result)

    def _write(self, group: list[_Job]) -> None:
        execute = self._connection.execute
        execute("BEGIN")
        try:
            for write in group:
                for sql, values in write.statements:
                    execute(sql, values)
            execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise


def _finish(jobs: list[_Job], problem: str | None, result: Any) -> None:
    for job in jobs:
        if job.done.cancelled():
            continue
        if problem is None:
            job.done.set_result(result)
        else:
            job.done.set_exception(StoreError(problem))
            job.done.exception()  # seen, also where nobody waits for it


def _open(folder: Path) -> sqlite3.Connection:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            file_in(folder), timeout=1, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.Error) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise StoreError(
            f"The data folder {folder} cannot be used: {why}. Give another --data folder."
        ) from None
    try:
        _prepare(connection, folder)
    except sqlite3.Error as problem:
        connection.close()
        raise StoreError(_explain(folder, problem)) from None
    except StoreError:
        connection.close()
        raise
    return connection


def file_in(folder: Path) -> Path:
    """Return the file that is, or will be, in a data folder."""
    earlier = folder / EARLIER_NAME
    return earlier if earlier.exists() else folder / FILE_NAME


def _prepare(connection: sqlite3.Connection, folder: Path) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise StoreError(
            f"{file_in(folder)} was written by a newer emulator (version {version}; this"
            f" one knows {VERSION}). Use that emulator, or another --data folder."
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -8192")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    if version < VERSION:
        # One transaction, so that a kill leaves all of it or nothing.
        connection.executescript(
            f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"
        )
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE meta SET value = value WHERE name = 'opened'")
    connection.execute("COMMIT")


def _explain(folder: Path, problem: sqlite3.Error) -> str:
    path = file_in(folder)
    text = str(problem)
    if "locked" in text:
        return f"{path} is in use by another emulator. Stop it, or give another --data folder."
    if "readonly" in text:
        return f"{path} cannot be written. Give the folder write permission, or another --data folder."
    return f"{path} cannot be used: {text}. Move it away to start empty, or give another --data folder."
