"""The SQLite file behind a durable emulator, written by one thread in groups.

Whatever waits while a transaction is written goes into the next one. The write-ahead log
is not flushed to the disk at every commit: a killed process loses nothing that was
answered, a power cut may lose the last moments.
"""

import asyncio
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
class _Write:
    statements: list[Statement]
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Call:
    work: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]


class Store:
    """A durable place for the namespace's state; open until `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._connection = _open(folder)
        self._jobs: queue.SimpleQueue[_Write | _Call | None] = queue.SimpleQueue()
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
        self._jobs.put(_Write(statements, done))
        return done

    async def recover[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Take writes again; return what `work` finds in the file."""

        def again(connection: sqlite3.Connection) -> T:
            result = work(connection)
            self._failed = None
            return result

        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Call(again, done))
        return await done

    async def close(self) -> None:
        """Write everything that was handed in and close the file."""
        if self._thread.is_alive():
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if isinstance(job, _Call):
                self._run(job)
                continue
            group = [job]
            following = self._gather(group)
            self._commit(group)
            if isinstance(following, _Call):
                self._run(following)
            elif following is _STOP:
                return

    def _gather(self, group: list[_Write]) -> object:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return None
            if not isinstance(job, _Write):
                return _STOP if job is None else job
            group.append(job)

    def _commit(self, group: list[_Write]) -> None:
        if self._failed is None:
            try:
                self._write(group)
            except sqlite3.Error as problem:
                self._failed = str(problem)
        self._report(group, self._failed)

    def _write(self, group: list[_Write]) -> None:
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

    def _run(self, call: _Call) -> None:
        try:
            self._report([call], None, call.work(self._connection))
        except sqlite3.Error as problem:
            self._report([call], str(problem))

    def _report(
        self, jobs: Sequence[_Write | _Call], problem: str | None, result: Any = None
    ) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_finish, jobs, problem, result)


_STOP = object()


def _finish(
    jobs: Sequence[_Write | _Call], problem: str | None, result: Any = None
) -> None:
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
