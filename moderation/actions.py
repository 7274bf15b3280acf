"""What people did by hand: who, when, and to which events; kept beside the audit log."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from moderation.appendlog import AppendLog, stamp

LOG = "actions"


class Action(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One action, as its line in the log `actions` of the audit container.

    `action` is a verb: publish, pull, inspect, peek, settle, renew, redrive, reveal.
    `by` is who did it (`console.caller`). `ids` are those of the events, if any.
    """

    at: str
    action: str
    by: str
    subscription: str | None = None
    ids: Sequence[str] = ()
    detail: str | None = None


class ActionLog:
    """Appends actions."""

    def __init__(self, log: AppendLog) -> None:
        self._log = log

    async def note(self, action: Action, now: datetime) -> None:
        """Keep one action, durable when this returns. Raises StoreUnavailable."""
        await self._log.append(LOG, now, msgspec.json.encode(action) + b"\n")


def action(
    verb: str,
    by: str,
    now: datetime,
    *,
    subscription: str | None = None,
    ids: Sequence[str] = (),
    detail: str | None = None,
) -> Action:
    """What is done now."""
    return Action(
        at=stamp(now),
        action=verb,
        by=by,
        subscription=subscription,
        ids=ids,
        detail=detail,
    )
