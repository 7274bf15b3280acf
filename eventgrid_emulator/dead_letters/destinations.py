"""Where dead letters go: a folder, or a storage account."""

import importlib.util
import tempfile
from pathlib import Path
from typing import Any, Protocol

AZURITE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
)


class Destination(Protocol):
    """Where dead letters go. `put` raises when it could not be done."""

    def put(self, container: str, name: str, content: bytes) -> None:
        """Store the content under this name; called in a thread."""


class Folder:
    """Dead letters as files below a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, container: str, name: str, content: bytes) -> None:
        """Write the file whole or not at all."""
        path = self._root / container / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        try:
            partial.write_bytes(content)
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)  # it takes room on a full disk
            raise


class BlobStorage:
    """Dead letters as blobs; a container that is missing is made."""

    def __init__(self, connection_string: str) -> None:
        if not _can_import("azure.storage.blob"):  # at the start, not at the first one
            raise ValueError(
                "--dead-letters in a storage account needs azure-storage-blob: pip"
                " install 'eventgrid-emulator[blob]'."
            )
        if "usedevelopmentstorage=true" in connection_string.lower():
            connection_string = AZURITE
        self.connection_string = connection_string
        self._client: Any = None

    def put(self, container: str, name: str, content: bytes) -> None:
        """Upload the blob. The SDK is imported here: it takes longer than the emulator's start."""
        from azure.core.exceptions import ResourceNotFoundError
        from azure.storage.blob import BlobServiceClient, ContentSettings

        if self._client is None:
            self._client = BlobServiceClient.from_connection_string(
                self.connection_string,
                retry_total=0,
                connection_timeout=5,
                read_timeout=10,
            )
        settings = ContentSettings(content_type="application/json")
        blob = self._client.get_blob_client(container, name)
        try:
            blob.upload_blob(content, content_settings=settings, overwrite=True)
        except ResourceNotFoundError:
            self._client.create_container(container)
            blob.upload_blob(content, content_settings=settings, overwrite=True)


def destination(text: str) -> Destination:
    """Return where a connection string (it has a `=`) or a folder leads.

    A ValueError when it has a `=` and names no account and no address of blobs.
    """
    if "=" not in text:
        return Folder(Path(text))
    names = {part.partition("=")[0].strip().lower() for part in text.split(";")}
    if not names & {"accountname", "blobendpoint", "usedevelopmentstorage"}:
        raise ValueError(
            "--dead-letters is neither a folder nor a storage connection string: it has"
            " a `=`, but no AccountName, BlobEndpoint or UseDevelopmentStorage"
        )
    return BlobStorage(text)


def check_destination(text: str | None) -> None:
    """Raise ValueError for a folder that could not be written at the first dead letter."""
    if text is None or not isinstance(destination(text), Folder):
        return
    try:
        Path(text).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=text):
            pass
    except OSError as problem:
        raise ValueError(
            f"--dead-letters {text} cannot be written: {problem.strerror}. Give another"
            " folder, or a storage connection string."
        ) from None


def _can_import(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # of a package above it
        return False
