"""What needs a look: late drains, full batches, rejected events."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain, takewhile
from typing import Literal

import msgspec

from eventgrid_pull.blob.append_log import StoreUnavailable, stamp
from eventgrid_pull.settings.cron import last_due
from moderation.activity.log import ActivityLog, Summary
from moderation.dead_letters import blob_paths, days
from moderation.dead_letters.store import DeadLetterStore
from moderation.timers import Timer

LOOK_BACK = timedelta(hours=1)
# From when a drain is due until something of it is noted: a cold start, a minute of it.
GRACE = timedelta(minutes=3)
# Whether a rarer timer is late would take reading months of the log, at every look.
LONGEST_WATCHED = timedelta(days=7)
# So many drains in a row that end with a full batch are no coincidence.
FULL_DRAINS = 5
# Alerts do not wait for dead letters for longer.
LIST_SECONDS = 3.0
HEALTH = "GET /api/health says what is not well"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What needs attention, since when (null: not known), and what to do next.

    `info` is no reason to worry yet.
    """

    kind: Literal["in-error", "switched-off", "late", "full", "dead-lettered"]
    level: Literal["info", "warning"] = "warning"
    subscription: str
    since: datetime | None = None
    text: str
    next: str


async def find(
    activity: ActivityLog,
    dead_letters: DeadLetterStore,
    timers: Sequence[Timer],
    summaries: Sequence[Summary],
    since: datetime,
    now: datetime,
) -> list[Alert]:
    """Return the alerts, by the summaries since then, newest first.

    `since` is at least `LOOK_BACK` ago. Raises StoreUnavailable.
    """
    alerts: list[Alert | None] = []
    newest_hours = await _newest_today(dead_letters, now)
    oldest = stamp(now - LOOK_BACK)
    for timer in timers:
        own = [
            summary
            for summary in summaries
            if summary.subscription == timer.subscription
        ]
        if not timer.running:
            alerts.append(_undrained(timer))
        else:
            alerts.append(await _late(activity, timer, own, since, now))
        recent = [summary for summary in own if summary.at >= oldest]
        alerts.append(_full(timer, recent))
        newest = newest_hours.get(timer.subscription.lower())
        alerts.append(_dead_lettered(timer.subscription, recent, newest))
    return [alert for alert in alerts if alert is not None]


async def _newest_today(store: DeadLetterStore, now: datetime) -> dict[str, datetime]:
    """Return event subscription (in lower case) → today's newest hour with dead letters.

    Folders only: a handful of short lists. Empty when they cannot be had quickly, as
    the view of dead letters will say.
    """
    newest: dict[str, datetime] = {}
    try:
        async with asyncio.timeout(LIST_SECONDS):
            roots = await days.roots(store, None, archived=False)
            hours = await asyncio.gather(*(_hours(store, root, now) for root in roots))
    except (StoreUnavailable, TimeoutError):
        return {}
    for root, written in zip(roots, hours, strict=True):
        name = root.split("/")[-2].lower()
        for hour in written:
            at = now.replace(hour=hour, minute=0, second=0, microsecond=0)
            newest[name] = max(at, newest.get(name, at))
    return newest


async def _hours(store: DeadLetterStore, root: str, now: datetime) -> list[int]:
    today = blob_paths.days_of_dead_letters(root, now.date())
    names = await asyncio.gather(*(days.numbered(store, day, 0, 23) for day in today))
    return [int(name) for name in chain.from_iterable(names)]


async def _late(
    log: ActivityLog,
    timer: Timer,
    summaries: Sequence[Summary],
    since: datetime,
    now: datetime,
) -> Alert | None:
    """Return an alert if nothing was noted since the timer was due.

    A timer that was due more than a week ago is not watched.
    """
    name, due = timer.subscription, last_due(timer.schedule, now - GRACE)
    if due is None:
        return None
    if now - due > LONGEST_WATCHED:
        return None if await log.was_drained(name) else _fresh(timer)
    if due < since:  # a rare schedule
        summaries = await log.read([name], since=due, until=now)
    tried = [summary for summary in summaries if summary.at >= stamp(due)]
    if any(summary.completed for summary in tried):
        return None
    if tried:
        return _failing(name, tried)
    if not summaries and not await log.was_drained(name):
        return _fresh(timer)
    return _silent(name, summaries, due, now)


def _undrained(timer: Timer) -> Alert:
    causes = timer.problems or timer.off
    said = "; ".join(f"{cause.path} {cause.problem}" for cause in causes)
    return Alert(
        kind="in-error" if timer.problems else "switched-off",
        subscription=timer.subscription,
        text=f"no timer drains {timer.subscription}: {said}",
        next="fix that; the other event subscriptions are drained as always",
    )


def _silent(
    name: str, summaries: Sequence[Summary], due: datetime, now: datetime
) -> Alert:
    last = "no drain is known of the time that was looked at"
    if summaries:
        last = f"the last drain was {_ago(now - _at(summaries[0]))} ago"
    return Alert(
        kind="late",
        subscription=name,
        since=due,
        text=f"{name} should have been drained {_ago(now - due)} ago and was not: {last}",
        next=f"see that the app runs; {HEALTH}; "
        f"POST /api/pull?subscription={name} drains it now",
    )


def _failing(name: str, tried: Sequence[Summary]) -> Alert:
    return Alert(
        kind="late",
        subscription=name,
        since=_at(tried[-1]),
        text=f"the drains of {name} fail: {_count_of(len(tried), 'attempt')} since "
        "the timer was due, none to its end",
        next=f"{HEALTH}; the app's log has the reason",
    )


def _fresh(timer: Timer) -> Alert:
    return Alert(
        kind="late",
        level="info",
        subscription=timer.subscription,
        text=f"{timer.subscription} has not been drained yet; its timer is "
        f"{timer.setting('SCHEDULE')}={timer.schedule}",
        next="wait for the timer, or drain it now: "
        f"POST /api/pull?subscription={timer.subscription}",
    )


def _full(timer: Timer, summaries: Sequence[Summary]) -> Alert | None:
    run = list(takewhile(lambda summary: summary.last_full, summaries))
    if len(run) < FULL_DRAINS:
        return None
    name = timer.subscription
    return Alert(
        kind="full",
        subscription=name,
        since=_at(run[-1]),
        text=f"{name} is not drained to its end: the last {len(run)} times there was "
        "more when time was up",
        next=f"set {timer.setting('LANES')} to more, "
        f"or a denser {timer.setting('SCHEDULE')}",
    )


def _dead_lettered(
    name: str, summaries: Sequence[Summary], newest: datetime | None
) -> Alert | None:
    """Tell what this app rejected, and what lies there: Event Grid gives up, too."""
    rejecting = [summary for summary in summaries if summary.dispositions.get("reject")]
    said, since = [], newest
    if rejecting:
        count = sum(summary.dispositions["reject"] for summary in rejecting)
        said.append(f"{_count_of(count, 'event')} of {name} rejected in the last hour")
        since = _at(rejecting[-1])
    if newest:
        said.append(
            f"dead letters of {name} from today, the newest of {newest:%H}:00 UTC"
        )
    if not said:
        return None
    return Alert(
        kind="dead-lettered",
        subscription=name,
        since=since,
        text="; ".join(said),
        next="see why in the dead letters, fix the cause, then redrive them: "
        f"GET /api/deadletters?subscription={name}",
    )


def _at(summary: Summary) -> datetime:
    return datetime.fromisoformat(summary.at)


def _ago(span: timedelta) -> str:
    """Write a span as 90 s, 12 min, 3 h or 2 days."""
    seconds = max(0, int(span.total_seconds()))
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _count_of(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
