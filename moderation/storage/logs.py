"""The logs that are kept: entries about deliveries, people's actions, activity."""

import uuid
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING

from eventgrid_pull.blob.append_log import AppendLog
from eventgrid_pull.blob.group_commit import GroupCommitLog
from eventgrid_pull.events.cloudevents import Problem
from moderation.activity.log import ActivityLog, Store
from moderation.audit.actions import ActionLog
from moderation.audit.log import AuditLog
from moderation.settings import Settings, SettingsInvalid

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.storage.blob.aio import BlobServiceClient


class Logs:
    """The logs of one process; audit log and actions share appends."""

    def __init__(
        self,
        audit_log: AppendLog,
        activity_log: Store,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        grouped = GroupCommitLog(audit_log)
        self.audit = AuditLog(grouped)
        self.actions = ActionLog(grouped)
        self.activity = ActivityLog(activity_log)
        self.store = audit_log
        self._close = close

    async def close(self) -> None:
        """Close the connections."""
        if self._close is not None:
            await self._close()


def of(settings: Settings) -> Logs:
    """Return the logs that the settings name; nothing is connected yet."""
    # Imported here because it costs 200 ms of a cold start that the page does not need.
    from eventgrid_pull.blob.blob_append_log import BlobAppendLog

    account = service(settings)
    writer = uuid.uuid4().hex[:12]
    audit_log, activity_log = (
        BlobAppendLog(account.get_container_client(name), writer)
        for name in (settings.audit_container, settings.activity_container)
    )
    return Logs(audit_log, activity_log, account.close)


def service(settings: Settings, account_url: str | None = None) -> "BlobServiceClient":
    """Return the client of that account, or else of the one that has the logs."""
    from eventgrid_pull.blob import blob_client

    if account_url is None and settings.audit_connection_string is not None:
        return blob_client.service(settings.audit_connection_string, None)
    return blob_client.service(
        account_url or settings.audit_account_url or "", identity()
    )


@cache
def identity() -> "AsyncTokenCredential":
    """Return the credential of the app's identity. Raises SettingsInvalid."""
    # Imported here because it costs 150 ms of a cold start, and a key needs none of it.
    from azure.identity.aio import DefaultAzureCredential

    try:
        return DefaultAzureCredential()
    except ValueError as error:  # of AZURE_AUTHORITY_HOST, AZURE_TOKEN_CREDENTIALS …
        wrong = Problem("AZURE_…", f"settings of the identity: {error}")
        raise SettingsInvalid([wrong]) from None
