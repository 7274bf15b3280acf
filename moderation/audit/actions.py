"""What people did by hand: who, when, and to which events; kept beside the audit log."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec

from eventgrid_pull.blob.append_log import AppendLog, Stamp, stamp
from moderation.event_key import EventKey

LOG = "actions"
# Longer ids and sources are cut: whoever publishes an event chooses them.
LONGEST_ID = 512


class Action(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One action, as its line in the log `actions` of the audit container.

    `action` is a verb: publish, pull, inspect, peek, settle, renew, redrive, reveal.
    `by` is who did it (`console.auth`). `ids` are those of the events, if any, and
    `sources` theirs, in the same order; lines of an older version have none.
    """

    at: Stamp
    action: str
    by: str
    subscription: str | None = None
    ids: Sequence[str] = ()
    sources: Sequence[str] = ()
    detail: str | None = None

    def keys_of(self, event_id: str) -> set[EventKey] | None:
        """Return the events with that id; None when some are there without a source."""
        if len(self.sources) != len(self.ids):
            return None if event_id in self.ids else set()
        keys = map(EventKey, self.sources, self.ids)
        return {key for key in keys if key.id == event_id}


class Publish(Action, frozen=True, kw_only=True):
    """The action `publish`, with what stands in its events since (`publish_stamp`).

    `identity` is who published and `stamped` when that began. Lines of an older version
    have neither. An append that was repeated has the same again, `at` a moment later.
    """

    identity: str | None = None
    stamped: Stamp | None = None


class ManualAction(Publish, frozen=True, kw_only=True):
    """Any action, as its line is read back; of a peek, at which delivery."""

    delivery_count: int | None = None

    def fold_key(self, line: bytes) -> object:
        """Return what the lines of a repeated append have in common."""
        return line if self.stamped is None else (self.identity, self.stamped)


class ActionLog:
    """Appends actions, and gives them back."""

    def __init__(self, log: AppendLog) -> None:
        self._log = log

    async def note(self, action: Action, now: datetime) -> None:
        """Keep one action, durable when this returns. Raises StoreUnavailable."""
        await self.keep([action], now)

    async def keep(self, actions: Sequence[Action], now: datetime) -> None:
        """Keep several in one append."""
        await self.append(msgspec.json.Encoder().encode_lines(actions), now)

    async def append(self, lines: bytes, now: datetime) -> None:
        """Keep actions that are encoded already."""
        await self._log.append(LOG, now, lines)

    async def open(self, now: datetime) -> None:
        """Look before doing: StoreUnavailable when nothing could be kept."""
        await self._log.open(LOG, now)

    def newest(self, *, since: datetime, until: datetime) -> AsyncIterator[bytes]:
        """Return the lines of those hours, newest first. Raises StoreUnavailable."""
        return self._log.newest(LOG, since=since, until=until)


def action(
    verb: str,
    by: str,
    now: datetime,
    *,
    subscription: str | None = None,
    events: Sequence[EventKey] = (),
    detail: str | None = None,
) -> Action:
    """Return the action that is done now."""
    return Action(
        at=stamp(now),
        action=verb,
        by=by,
        subscription=subscription,
        ids=[key.id for key in events],
        sources=[key.source for key in events],
        detail=detail,
    )


def publish_action(
    by: str,
    identity: str,
    now: datetime,
    *,
    stamped: datetime,
    events: Sequence[EventKey],
) -> Publish:
    """Return what is noted now of events that are in the topic, stamped then."""
    return Publish(
        at=stamp(now),
        action="publish",
        by=by,
        ids=[key.id[:LONGEST_ID] for key in events],
        sources=[key.source[:LONGEST_ID] for key in events],
        identity=identity,
        stamped=stamp(stamped),
    )


def needles(event_id: str) -> list[bytes]:
    """Return what a line with that event holds: its id, as the first or after one."""
    value = msgspec.json.encode(event_id)
    return [b"[" + value, b"," + value]


def decode(line: bytes) -> ManualAction | None:
    """Return the action of a line; None for any other line."""
    try:
        return _decoder.decode(line)
    except (ValueError, RecursionError):
        return None


_decoder = msgspec.json.Decoder(ManualAction)
