"""Dead letters in the container that Event Grid writes them into."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobClient, BlobLeaseClient, ContainerClient

from eventgrid_pull.blob.blob_client import code, unavailable
from moderation.dead_letters import blob_paths
from moderation.dead_letters.formats import BLOB_BYTES
from moderation.dead_letters.store import (
    LEASE_SECONDS,
    BlobNotFound,
    Filed,
    Lease,
    LeaseHeld,
    LeaseLost,
    Stored,
)


class BlobDeadLetters:
    """The dead letters in a container; none when there is no such container yet."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    async def folders(self, path: str) -> list[str]:
        """Return the names of the folders in that folder."""
        with suppress(ResourceNotFoundError), self.errors():
            return [
                folder.name.removeprefix(path).rstrip("/")
                async for folder in self._container.walk_blobs(path, delimiter="/")
                if folder.name.endswith("/")
            ]
        return []

    async def blobs(self, path: str) -> AsyncIterator[Filed]:
        """Yield the blobs in that folder."""
        with suppress(ResourceNotFoundError), self.errors():
            async for blob in self._container.list_blobs(path):
                yield Filed(blob_paths.from_archive(blob.name), blob.last_modified)

    async def read(self, name: str, *, archived: bool = False) -> Stored | None:
        """Read the blob; None when it is not there."""
        blob = self._blob(blob_paths.archived(name) if archived else name)
        with suppress(ResourceNotFoundError), self.errors():
            stream = await blob.download_blob()
            content = await stream.read(BLOB_BYTES)
            leased = stream.properties.lease.state == "leased"
            return Stored(content, stream.properties.last_modified, leased)
        return None

    async def lease(self, name: str) -> Lease:
        """Lease the blob for LEASE_SECONDS."""
        lease = BlobLeaseClient(self._blob(name))
        try:
            with self.errors():
                await lease.acquire(LEASE_SECONDS)
        except ResourceNotFoundError as error:
            raise BlobNotFound(name) from error
        except LeaseLost as error:
            raise LeaseHeld(name) from error
        return BlobLease(lease, self)

    async def ledger(self, name: str) -> bytes:
        """Read the blob's ledger; empty when nothing was tried yet."""
        with suppress(ResourceNotFoundError), self.errors():
            stream = await self._ledger(name).download_blob()
            return await stream.readall()
        return b""

    async def note(self, name: str, line: bytes, *, after: int) -> None:
        """Add a line to a ledger of so many bytes."""
        blob = self._ledger(name)
        try:
            with self.errors():
                if after == 0:
                    await _create(blob)
                await blob.append_block(line, appendpos_condition=after)
        except ResourceNotFoundError as error:  # the ledger was deleted meanwhile
            raise LeaseLost(name) from error
        except LeaseLost:
            # The client tries again when an answer is lost, and meets its own line.
            if (await self.ledger(name))[after:] != line:
                raise

    async def archive(self, name: str, content: bytes) -> None:
        """Put the blob into the archive, unless it is there already."""
        settings = ContentSettings(content_type="application/json")
        blob = self._blob(blob_paths.archived(name))
        with self.errors(), suppress(ResourceExistsError):
            await blob.upload_blob(content, content_settings=settings)

    async def delete(self, name: str, lease: Lease) -> None:
        """Delete the blob, if it is there."""
        held = lease.id if isinstance(lease, BlobLease) else ""
        with suppress(ResourceNotFoundError), self.errors():
            await self._blob(name).delete_blob(lease=held)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise LeaseLost or StoreUnavailable for an error in here; that of no blob stays."""
        try:
            yield
        except AzureError as error:
            if isinstance(error, HttpResponseError) and _is_lost(error):
                raise LeaseLost(code(error)) from error
            if isinstance(error, ResourceNotFoundError):
                raise
            raise unavailable(self._container.container_name, error) from error

    def _blob(self, name: str) -> BlobClient:
        return self._container.get_blob_client(name)

    def _ledger(self, name: str) -> BlobClient:
        return self._blob(blob_paths.ledger(name))


class BlobLease:
    """A lease of a dead letter's blob."""

    def __init__(self, client: BlobLeaseClient, store: BlobDeadLetters) -> None:
        self.client = client
        self.id = str(client.id)
        self._store = store

    async def renew(self) -> None:
        """Renew it for LEASE_SECONDS from now."""
        if self.client.id is None:
            raise LeaseLost("the lease was released")
        try:
            with self._store.errors():
                await self.client.renew()
        except ResourceNotFoundError as error:
            raise LeaseLost("the blob is gone") from error

    async def release(self) -> None:
        """Let others have it; it ends by itself, too."""
        with suppress(AzureError):
            await self.client.release()


async def _create(blob: BlobClient) -> None:
    with suppress(ResourceExistsError):  # by a redrive that died before its first line
        await blob.create_append_blob(match_condition=MatchConditions.IfMissing)


def _is_lost(error: HttpResponseError) -> bool:
    """Tell whether somebody else has the lease, it ended, or the ledger has grown."""
    word = code(error)
    return word.startswith("Lease") or word == "AppendPositionConditionNotMet"
