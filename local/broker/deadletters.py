"""Dead letters: their document, their path, and the folder or container they go to."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from local.broker.entries import Ended, Ending

logger = logging.getLogger(__name__)

RETRY_PAUSES = (10.0, 60.0, 300.0)
GIVE_UP_AFTER = 2 * 86_400.0
BLOB_LIMIT = 1000
AZURITE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
)
_REASONS = {
    Ending.MAX_DELIVERIES: (
        "Maximum delivery attempts was exceeded.",
        "Event was not acknowledged nor rejected.",
    ),
    Ending.REJECTED: ("Event was rejected.", "Event was rejected."),
    Ending.EXPIRED: (
        "Time to live was exceeded.",
        "Event was not acknowledged nor rejected.",
    ),
}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One document on its way: container and event subscription are in its path."""

    id: int
    path: str
    since: float
    document: bytes


class Destination(Protocol):
    """Where dead letters go. `put` raises when it could not be done."""

    def put(self, container: str, name: str, content: bytes) -> None:
        """Store the content under this name; called in a thread."""


class Folder:
    """Dead letters as files below a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, container: str, name: str, content: bytes) -> None:
        """Appears whole or not at all."""
        path = self._root / container / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(content)
        partial.replace(path)


class BlobStorage:
    """Dead letters as blobs; a container that is missing is made."""

    def __init__(self, connection_string: str) -> None:
        if "usedevelopmentstorage=true" in connection_string.lower():
            connection_string = AZURITE
        self.connection_string = connection_string
        self._client: Any = None

    def put(self, container: str, name: str, content: bytes) -> None:
        """The SDK is imported here, because it takes longer than the broker's own start."""
        from azure.core.exceptions import ResourceNotFoundError
        from azure.storage.blob import BlobServiceClient, ContentSettings

        if self._client is None:
            self._client = BlobServiceClient.from_connection_string(
                self.connection_string,
                retry_total=0,
                connection_timeout=5,
                read_timeout=20,
            )
        settings = ContentSettings(content_type="application/json")
        blob = self._client.get_blob_client(container, name)
        try:
            blob.upload_blob(content, content_settings=settings, overwrite=True)
        except ResourceNotFoundError:
            self._client.create_container(container)
            blob.upload_blob(content, content_settings=settings, overwrite=True)


def destination(text: str) -> Destination:
    """A storage connection string (it has a `=`) or a folder."""
    return BlobStorage(text) if "=" in text else Folder(Path(text))


def document(ended: Ended) -> bytes:
    """One item of the array that a dead-letter blob holds."""
    reason, result = _REASONS[ended.ending]
    properties = msgspec.json.encode(
        {
            "deadletterreason": reason,
            "deliveryattempts": ended.count,
            "deliveryresult": result,
            "publishutc": stamp(ended.event.published),
            "deliveryattemptutc": stamp(ended.last_attempt),
        }
    )
    return b'{"deadLetterProperties":%b,"event":%b}' % (properties, ended.event.body)


def stamp(seconds: float) -> str:
    """A UTC time with seven digits and `Z`, as the service writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def blob_name(subscription_path: str, now: float) -> str:
    """`<namespace>/<topic>/<event subscription>/<y>/<m>/<d>/<h>/<guid>.json`, not padded."""
    at = datetime.fromtimestamp(now, UTC)
    hour = f"{at.year}/{at.month}/{at.day}/{at.hour}"
    return f"{subscription_path}/{hour}/{uuid.uuid4()}.json"


class DeadLetterQueue:
    """Dead letters wait here until the destination has them, two days at most."""

    def __init__(
        self,
        to: Destination,
        clock: Callable[[], float],
        delivered: Callable[[list[DeadLetter], bool], None],
    ) -> None:
        self._to = to
        self._clock = clock
        self._delivered = delivered
        self._waiting: dict[int, DeadLetter] = {}
        self._news = asyncio.Event()
        self.failures = 0
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, letter: DeadLetter) -> None:
        """Send it as soon as the destination takes it."""
        self._waiting[letter.id] = letter
        self._news.set()

    def replace(self, letters: Iterable[DeadLetter]) -> None:
        """These wait, and no others."""
        self._waiting = {letter.id: letter for letter in letters}
        self._news.set()

    def look_again(self) -> None:
        """The clock moved: a pause may be over."""
        self._news.set()

    async def run(self) -> None:
        """Deliver what comes, until cancelled."""
        while True:
            await self._wait()
            if self._waiting and self._clock() >= self._not_before:
                await self.flush()

    async def flush(self) -> None:
        """One attempt for everything that waits."""
        try:
            while self._waiting:
                await self._send(self._next_batch())
            self.failures, self._not_before = 0, 0.0
        except Exception as problem:  # whatever a storage client raises is "down"
            self._hold_back(problem)

    async def _wait(self) -> None:
        pause: float | None = None
        if self._waiting:
            pause = max(0.0, self._not_before - self._clock())
        try:
            async with asyncio.timeout(pause):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()

    def _next_batch(self) -> list[DeadLetter]:
        path = next(iter(self._waiting.values())).path
        batch = [letter for letter in self._waiting.values() if letter.path == path]
        return batch[:BLOB_LIMIT]

    async def _send(self, batch: list[DeadLetter]) -> None:
        container, _, path = batch[0].path.partition("/")
        content = b"[" + b",".join(letter.document for letter in batch) + b"]"
        name = blob_name(path, self._clock())
        await asyncio.to_thread(self._to.put, container, name, content)
        self._done(batch, arrived=True)

    def _hold_back(self, problem: Exception) -> None:
        now = self._clock()
        pause = RETRY_PAUSES[min(self.failures, len(RETRY_PAUSES) - 1)]
        self.failures += 1
        self._not_before = now + pause
        line = str(problem).strip().partition("\n")[0]
        logger.warning(
            "%d dead letters are kept; the next attempt is in %d s: %s",
            len(self._waiting),
            pause,
            line,
        )
        given_up = [
            letter
            for letter in self._waiting.values()
            if now - letter.since >= GIVE_UP_AFTER
        ]
        if given_up:
            self._done(given_up, arrived=False)

    def _done(self, letters: list[DeadLetter], *, arrived: bool) -> None:
        for letter in letters:
            self._waiting.pop(letter.id, None)
        self._delivered(letters, arrived)
