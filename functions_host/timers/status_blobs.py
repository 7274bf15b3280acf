"""Timer statuses in blobs, where and as the Functions host keeps them.

The host's one door to `azure.storage.blob`.
"""

import asyncio
import contextlib
import hashlib
import importlib
import json
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from functions_host.timers.schedule_status import ScheduleStatus, from_json

CONTAINER = "azure-webjobs-hosts"
SETTING = "AzureWebJobsStorage"


class StoreUnavailable(Exception):
    """Statuses can be neither read nor written; the text says why."""


class StatusBlobs:
    """`timers/<host id>/Host.Functions.<function>/status` in AzureWebJobsStorage."""

    def __init__(self, connection_string: str, host_id: str) -> None:
        self._connection_string = connection_string
        self._host_id = host_id
        self._container: Any = None
        self._opening = asyncio.Lock()

    async def read(self, function: str) -> ScheduleStatus | None:
        """Return the function's status, if it ever had one. Raises StoreUnavailable."""
        blob = await self._blob(function)
        try:
            raw = await (await blob.download_blob()).readall()
        except self._errors.ResourceNotFoundError:
            return None
        except self._errors.AzureError as error:
            raise StoreUnavailable(_first_line(error)) from None
        return from_json(raw)

    async def write(self, function: str, status: ScheduleStatus) -> None:
        """Store the status. Raises StoreUnavailable."""
        raw = json.dumps(status.document()).encode()
        blob = await self._blob(function)
        try:
            await self._upload(blob, raw)
        except self._errors.AzureError as error:
            raise StoreUnavailable(_first_line(error)) from None

    async def close(self) -> None:
        """Close the connections."""
        if self._container is not None:
            await self._container.close()

    async def _upload(self, blob: Any, raw: bytes) -> None:
        try:
            await blob.upload_blob(raw, overwrite=True)
        except self._errors.ResourceNotFoundError:
            # Another timer may make it at the same moment.
            with contextlib.suppress(self._errors.ResourceExistsError):
                await self._container.create_container()
            await blob.upload_blob(raw, overwrite=True)

    async def _blob(self, function: str) -> Any:
        async with self._opening:
            if self._container is None:
                self._container = await self._open()
        return self._container.get_blob_client(
            f"timers/{self._host_id}/Host.Functions.{function}/status"
        )

    async def _open(self) -> Any:
        # A third of a second of imports, kept off the loop and off the start.
        blob = await asyncio.to_thread(
            importlib.import_module, "azure.storage.blob.aio"
        )
        self._errors = importlib.import_module("azure.core.exceptions")
        try:
            return blob.ContainerClient.from_connection_string(
                self._connection_string,
                CONTAINER,
                # The caller tries again, after a longer pause than a client would make.
                retry_total=0,
                connection_timeout=3,
                read_timeout=10,
            )
        except ValueError as error:
            raise StoreUnavailable(f"{SETTING}: {error}") from None


def host_id(app_dir: Path, environ: Mapping[str, str]) -> str:
    """Return the id of this app's timers: the same at every start."""
    if given := environ.get("AzureFunctionsWebHost__hostid"):
        return given.lower()
    machine = re.sub("[^a-z0-9]+", "-", platform.node().lower()).strip("-")[:20]
    digest = hashlib.sha256(str(app_dir).encode()).hexdigest()[:10]
    return f"{machine or 'local'}-{digest}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
