"""Dead letters: their document, their path, and the folder or container they go to."""

import importlib.util
import tempfile
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from eventgrid_emulator.queue.entries import DeadLetterReason, Undeliverable

AZURITE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
)
# Kept for `GET /_local/deadletters`; older ones are only at their destination.
REMEMBERED, REMEMBERED_BYTES = 1000, 16 * 1024 * 1024
_encode = msgspec.json.encode
_REASONS = {
    DeadLetterReason.MAX_DELIVERIES: (
        "Maximum delivery attempts was exceeded.",
        "Event was not acknowledged nor rejected.",
    ),
    DeadLetterReason.REJECTED: ("Event was rejected.", "Event was rejected."),
    DeadLetterReason.EXPIRED: (
        "Time to live was exceeded.",
        "Event was not acknowledged nor rejected.",
    ),
}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A document, and the path of the blob that it belongs in, container first.

    The name of the blob is chosen with the dead letter and stored with it: whoever
    writes it a second time, after a kill or an answer that was lost, writes the same.
    """

    id: int
    blob: str
    since: float
    document: bytes

    @property
    def place(self) -> tuple[str, str]:
        """Return the names of its topic and event subscription."""
        _, _, topic, subscription, *_ = self.blob.split("/")
        return topic, subscription


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


class RecentDeadLetters:
    """The newest dead letters, kept in memory wherever else they go."""

    def __init__(self) -> None:
        self._letters: dict[int, DeadLetter] = {}
        self._size = 0

    def remember(self, letters: Iterable[DeadLetter]) -> None:
        """Keep dead letters that have arrived, once each however often they are sent."""
        for letter in letters:
            if letter.id not in self._letters:
                self._letters[letter.id] = letter
                self._size += len(letter.document)
        while len(self._letters) > REMEMBERED or self._size > REMEMBERED_BYTES:
            self._forget(next(iter(self._letters)))

    def find(self, topic: str | None, subscription: str | None) -> list[bytes]:
        """Return the dead letters of a topic or event subscription, oldest first.

        Each is the document as it was stored, with its blob's path in front.
        """
        matching = []
        for letter in self._letters.values():
            of_topic, of_subscription = letter.place
            if topic in (None, of_topic) and subscription in (None, of_subscription):
                blob = _encode(letter.blob)
                matching.append(b'{"blob":%b,%b' % (blob, letter.document[1:]))
        return matching

    def remove(self, is_meant: Callable[[DeadLetter], bool]) -> None:
        """Forget those that are meant."""
        for letter in list(self._letters.values()):
            if is_meant(letter):
                self._forget(letter.id)

    def _forget(self, letter_id: int) -> None:
        self._size -= len(self._letters.pop(letter_id).document)


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


def document(item: Undeliverable, to_machine_time: Callable[[float], float]) -> bytes:
    """Return one item of the array that a dead-letter blob holds."""
    reason, result = _REASONS[item.reason]
    properties = _encode(
        {
            "deadletterreason": reason,
            "deliveryattempts": item.count,
            "deliveryresult": result,
            "publishutc": stamp(to_machine_time(item.event.published)),
            "deliveryattemptutc": stamp(to_machine_time(item.last_attempt)),
        }
    )
    return b'{"deadLetterProperties":%b,"event":%b}' % (properties, item.event.body)


def stamp(seconds: float) -> str:
    """Return a UTC time with seven digits and `Z`, as the service writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def blob_name(subscription_path: str, now: float) -> str:
    """Return `<subscription_path>/<y>/<m>/<d>/<h>/<guid>.json`, numbers not padded."""
    at = datetime.fromtimestamp(now, UTC)
    hour = f"{at.year}/{at.month}/{at.day}/{at.hour}"
    return f"{subscription_path}/{hour}/{uuid.uuid4()}.json"
