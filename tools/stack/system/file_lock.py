"""A lock that the operating system lets go when its holder dies, however it dies."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

HELD = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)


class HeldByAnother(Exception):
    """Another process holds the lock."""


def take(path: Path) -> IO[bytes]:
    """Take the lock, held until the file is closed or this process ends."""
    file = path.open("ab")
    try:
        if sys.platform == "win32":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if error.errno not in HELD:
            raise
        raise HeldByAnother(str(path)) from error
    return file


@contextmanager
def hold(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock for the length of a `with`, after waiting for it if need be."""
    waited = False
    while True:
        try:
            file = take(path)
            break
        except HeldByAnother:
            if not waited:
                on_wait()
            waited = True
            time.sleep(0.2)  # noqa: TID251  # no lock of both systems can be awaited
    with file:
        yield
