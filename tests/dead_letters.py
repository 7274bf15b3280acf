"""Dead letters in memory, which keep what those in blobs keep."""

from collections.abc import AsyncIterator
from datetime import datetime

from moderation.dead_letters import blob_paths
from moderation.dead_letters.store import (
    BlobNotFound,
    Filed,
    Lease,
    LeaseHeld,
    LeaseLost,
    Stored,
)


class InMemoryDeadLetters:
    """Keeps the blobs for as long as the process lives."""

    def __init__(self) -> None:
        self.kept: dict[str, Stored] = {}
        self._leases: dict[str, _InMemoryLease] = {}

    def put(self, name: str, content: bytes, at: datetime) -> None:
        """Store a blob, as Event Grid does."""
        self.kept[name] = Stored(content, at)

    def end_leases(self) -> None:
        """End the leases of those who died, as a minute does."""
        self._leases.clear()

    async def folders(self, path: str) -> list[str]:
        """Return the names of the folders in that folder."""
        rests = [name.removeprefix(path) for name in self.kept if name.startswith(path)]
        return list({rest.split("/")[0] for rest in rests if "/" in rest})

    async def blobs(self, path: str) -> AsyncIterator[Filed]:
        """Yield the blobs in that folder."""
        for name, stored in self.kept.items():
            if f"{name.rpartition('/')[0]}/" == path:
                yield Filed(blob_paths.from_archive(name), stored.at)

    async def read(self, name: str, *, archived: bool = False) -> Stored | None:
        """Return the blob; None when it is not there."""
        stored = self.kept.get(blob_paths.archived(name) if archived else name)
        if stored is None:
            return None
        return Stored(stored.content, stored.at, leased=name in self._leases)

    async def lease(self, name: str) -> Lease:
        """Lease the blob, until it is released."""
        if name not in self.kept:
            raise BlobNotFound(name)
        if name in self._leases:
            raise LeaseHeld(name)
        self._leases[name] = _InMemoryLease(self._leases, name)
        return self._leases[name]

    async def ledger(self, name: str) -> bytes:
        """Return the blob's ledger; empty when nothing was tried yet."""
        stored = self.kept.get(blob_paths.ledger(name))
        return stored.content if stored else b""

    async def note(self, name: str, line: bytes, *, after: int) -> None:
        """Add a line to a ledger of so many bytes."""
        before = await self.ledger(name)
        if len(before) == after:
            self.kept[blob_paths.ledger(name)] = Stored(
                before + line, self.kept[name].at
            )
        elif before[after:] != line:
            raise LeaseLost(name)

    async def archive(self, name: str, content: bytes) -> None:
        """Put the blob into the archive, unless it is there already."""
        stored = self.kept[name]
        self.kept.setdefault(blob_paths.archived(name), Stored(content, stored.at))

    async def delete(self, name: str, lease: Lease) -> None:
        """Delete the blob, if it is there."""
        if self._leases.get(name) is not lease:
            raise LeaseLost(name)
        self.kept.pop(name, None)


class _InMemoryLease:
    def __init__(self, leases: dict[str, "_InMemoryLease"], name: str) -> None:
        self._leases = leases
        self._name = name

    async def renew(self) -> None:
        if self._leases.get(self._name) is not self:
            raise LeaseLost(self._name)

    async def release(self) -> None:
        if self._leases.get(self._name) is self:
            del self._leases[self._name]
