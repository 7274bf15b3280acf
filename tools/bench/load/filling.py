"""A day of audit entries and summaries, as drains would have left them in storage."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from azure.storage.blob.aio import BlobServiceClient

from eventgrid_pull.blob.append_log import hour_of, stamp
from eventgrid_pull.blob.blob_append_log import BlobAppendLog
from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import Acknowledge
from eventgrid_pull.publishing.publish_stamp import ATTRIBUTE
from moderation import events
from moderation.activity.log import Summary
from moderation.audit import entry
from moderation.events import Verdict
from tools.bench.load.events import APPROVED, FLAGGED, WHEN, event
from tools.terminal import say

HOURS = 24
BATCH = 100
WRITERS = 2
# From an event's own time until its entry is stamped.
HANDLED = timedelta(milliseconds=400)
ALL = "sub-all-events"
OWN = {"sub-flagged": FLAGGED, "sub-approved": APPROVED}
ID, AT = "{id}", stamp(datetime.fromisoformat("2000-01-01T00:00:00Z"))


@dataclass(frozen=True, slots=True)
class Known:
    """An event that is in the log, and its time."""

    id: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """How many entries were written, and two of the events.

    `made` has a UUID of version 7 as id, `foreign` one that says nothing.
    """

    entries: int
    made: Known
    foreign: Known


async def fill(service: BlobServiceClient, entries: int, until: datetime) -> Day:
    """Fill a day: half of the entries are those of who takes every event."""
    since = until - timedelta(hours=HOURS)
    total = entries // 2 // BATCH * BATCH
    gap = timedelta(hours=HOURS) / (total // BATCH)
    container = service.get_container_client("audit")
    logs = [BlobAppendLog(container, f"writer{n:06d}") for n in range(WRITERS)]
    lines: dict[tuple[int, str], list[bytes]] = {}
    hour = hour_of(since)
    for number in range(0, total, BATCH):
        at = since + gap * (number // BATCH)
        if hour_of(at) != hour:
            await _write(logs, hour, lines)
            hour, lines = hour_of(at), {}
            say(f"{2 * number:,}", end=" ")
        name = list(OWN)[number // BATCH % 2]
        writer = number // BATCH % WRITERS
        for subscription in (name, ALL):
            batch = lines.setdefault((writer, subscription), [])
            batch += _lines(subscription, OWN[name], range(number, number + BATCH), at)
    await _write(logs, hour, lines)
    await _summaries(service, since, total)
    middle = total // 2 // BATCH * BATCH
    time = since + gap * (middle // BATCH) - HANDLED
    made, foreign = (Known(_id(middle + n, time), time) for n in (1, 0))
    return Day(2 * total, made, foreign)


def _lines(name: str, kind: str, numbers: range, at: datetime) -> Iterator[bytes]:
    """Yield the lines of one batch, recorded in one moment."""
    time, stamped = at - HANDLED, stamp(at).encode()
    template = _TEMPLATES[name, kind].replace(AT.encode(), stamped)
    template = template.replace(WHEN.encode(), stamp(time).encode())
    for number in numbers:
        yield template.replace(ID.encode(), _id(number, time).encode())


def _id(number: int, time: datetime) -> str:
    """Return an event's id: the first of each batch has one of a publisher's own."""
    if number % BATCH == 0:
        return f"order-{number:030d}"
    digits = f"{int(time.timestamp() * 1000):012x}7{number % 4096:03x}8{number:015x}"
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(parts)


def _template(name: str, kind: str) -> bytes:
    raw = msgspec.json.encode(event(0, kind) | {"id": ID, ATTRIBUTE: WHEN})
    delivery = Delivery("CiYKJDQxM2M5ZDcy", events.read(raw, 1))
    done = Acknowledge(Verdict.RECORDED if name == ALL else Verdict.QUARANTINED)
    return msgspec.json.encode(entry.entry(name, delivery, done, AT)) + b"\n"


_TEMPLATES = {
    (name, kind): _template(name, kind)
    for own, kind in OWN.items()
    for name in (own, ALL)
}


async def _write(
    logs: list[BlobAppendLog], hour: datetime, lines: dict[tuple[int, str], list[bytes]]
) -> None:
    await asyncio.gather(
        *(
            logs[writer].append(name, hour, b"".join(batch))
            for (writer, name), batch in lines.items()
        )
    )


async def _summaries(service: BlobServiceClient, since: datetime, total: int) -> None:
    """Write a summary for each minute and event subscription, as drains do."""
    container = service.get_container_client("activity")
    log = BlobAppendLog(container, "writer000000")
    per_minute = max(total // (HOURS * 60), 1)
    for hours in range(HOURS + 1):
        first = hour_of(since) + timedelta(hours=hours)
        moments = [first + timedelta(minutes=n) for n in range(60)]
        within = [
            moment
            for moment in moments
            if since <= moment < since + timedelta(hours=HOURS)
        ]
        for name in (*OWN, ALL):
            count = per_minute if name == ALL else per_minute // 2
            made = [_summary(name, moment, count) for moment in within]
            lines = b"".join(msgspec.json.encode(summary) + b"\n" for summary in made)
            if lines:
                await log.append(name, first, lines)


def _summary(name: str, at: datetime, count: int) -> Summary:
    summary = Summary(
        at=stamp(at),
        subscription=name,
        received=count,
        dispositions={"acknowledge": count},
        types={OWN.get(name, FLAGGED): count},
        categories={"violence": count},
        severities={"high": count // 4, "low": count - count // 4},
        matrix={"violence": {"high": count // 4, "low": count - count // 4}},
        models={"vision-moderator-v3 3.2.1": count},
    )
    summary.count_confidences([(9, count)])
    for milliseconds in range(10, 400, 13):
        summary.waited.add(milliseconds)
        summary.handling.add(milliseconds / 10)
    return summary
