"""Where dead letters lie, as `storage/dead_letter_blobs.py` keeps them.

A dead letter's blob lies under its name, or, once every event in it is done, in the
archive (`blob_paths`). What was tried with it is in its *ledger*: lines that are only ever
added, each at the end that its writer knew.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

import msgspec

LEASE_SECONDS = 60


class Filed(msgspec.Struct, frozen=True):
    """A blob in a folder: its name without `archived/`, and when it was written."""

    name: str
    at: datetime


class Stored(msgspec.Struct, frozen=True):
    """A blob that was read, at most the first `formats.BLOB_BYTES` of it.

    `leased` when someone redrives it now.
    """

    content: bytes
    at: datetime
    leased: bool = False


class LeaseHeld(Exception):
    """Somebody else has the lease of the blob."""


class BlobNotFound(Exception):
    """There is no such blob (any more)."""


class LeaseLost(Exception):
    """The lease is not ours any more, or someone else wrote into the ledger."""


class Lease(Protocol):
    """The right to work on a dead letter, for so long: one may have it at a time."""

    async def renew(self) -> None:
        """Renew it for LEASE_SECONDS from now. Raises LeaseLost."""

    async def release(self) -> None:
        """Let others have it; never raises, because it ends by itself, too."""


class DeadLetterStore(Protocol):
    """Where dead letters lie. Everything raises StoreUnavailable."""

    async def folders(self, path: str) -> list[str]:
        """Return the names of the folders in that one (`""`, `local/`, …), in any order."""

    def blobs(self, path: str) -> AsyncIterator[Filed]:
        """Yield the blobs in that folder."""

    async def read(self, name: str, *, archived: bool = False) -> Stored | None:
        """Read the blob; None when it is not there."""

    async def lease(self, name: str) -> Lease:
        """Lease the blob for LEASE_SECONDS. Raises LeaseHeld and BlobNotFound."""

    async def ledger(self, name: str) -> bytes:
        """Read the blob's ledger; empty when nothing was tried yet."""

    async def note(self, name: str, line: bytes, *, after: int) -> None:
        """Add a line to a ledger of so many bytes, durable when this returns.

        Raises LeaseLost when the ledger has another length; not when that line ends it:
        it was added, and the answer to that was lost.
        """

    async def archive(self, name: str, content: bytes) -> None:
        """Put the blob into the archive, unless it is there already."""

    async def delete(self, name: str, lease: Lease) -> None:
        """Delete the blob, if it is there. Raises LeaseLost without the lease."""
