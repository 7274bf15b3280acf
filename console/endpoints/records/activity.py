"""What flows: counts and delays over time, from the activity log alone."""

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain
from typing import Annotated

import msgspec
from msgspec import Meta

from console import alerts
from console.alerts import Alert
from console.validation import ApiRequest, choose
from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.draining.counters import largest
from eventgrid_pull.draining.histogram import Histogram
from eventgrid_pull.outcomes import Verb
from moderation import timers
from moderation.activity import log
from moderation.activity.log import CONFIDENCES, Summary

# Steps of at least a minute, so that there are no more than 144 of them.
STEPS = {120: 60, 720: 300, 1440: 900}
NAMES_A_STEP = 10


class ActivityQuery(msgspec.Struct, frozen=True):
    """How many minutes to look back, and at which event subscription (all of them)."""

    minutes: Annotated[int, Meta(ge=1, le=24 * 60)] = 30
    subscription: str | None = None


class Delays(msgspec.Struct, frozen=True):
    """How long something took, in ms; percentiles are within 5 % of the true ones."""

    count: int
    mean: float | None
    max: float | None
    p50: float | None
    p99: float | None


class Counted(msgspec.Struct, frozen=True, rename="camel"):
    """What was done to one event subscription in one step.

    `queueDelayMs`: from when this app published an event to its first delivery.
    `claimedDelayMs`: the same by its publisher's clock, where it was published elsewhere.
    """

    received: int
    acknowledge: int
    release: int
    reject: int
    failed: int
    drains: int
    full_batches: int
    types: dict[str, int]
    categories: dict[str, int]
    severities: dict[str, int]
    queue_delay_ms: Delays
    claimed_delay_ms: Delays
    handling_ms: Delays


class Interval(msgspec.Struct, frozen=True):
    """One step of time, by when it began; those in which nothing was done are left out."""

    minute: datetime
    subscriptions: dict[str, Counted]


class Cell(msgspec.Struct, frozen=True):
    """How many deliveries had that category and severity."""

    category: str
    severity: str
    count: int


class Model(msgspec.Struct, frozen=True):
    """How many deliveries a model judged: its name and version."""

    model: str
    count: int


class Totals(msgspec.Struct, frozen=True, rename="camel"):
    """All steps added up: an event counts once for each delivery.

    `confidence`: ten counts, from 0.0 to below 0.1, …, from 0.9 to 1.0.
    """

    queue_delay_ms: Delays
    claimed_delay_ms: Delays
    handling_ms: Delays
    dispositions: dict[str, int]
    types: dict[str, int]
    matrix: list[Cell]
    confidence: list[int]
    models: list[Model]


class Activity(msgspec.Struct, frozen=True, rename="camel"):
    """Steps of so many seconds, oldest first, and what needs a look."""

    step_seconds: int
    since: datetime
    until: datetime
    minutes: list[Interval]
    totals: Totals
    last_drain: dict[str, datetime | None]
    alerts: list[Alert]


async def recent_activity(request: ApiRequest[ActivityQuery, None]) -> Activity:
    """Return counts and delays over time, and what needs a look."""
    runtime, minutes = request.runtime, request.query.minutes
    names = choose(runtime.topology.names, request.query.subscription)
    until = runtime.clock()
    step = timedelta(seconds=next(STEPS[most] for most in STEPS if minutes <= most))
    since = _begin(until, step, minutes)
    earliest = min(since, until - alerts.LOOK_BACK)
    summaries = await runtime.activity.read(names, since=earliest, until=until)
    recent = [summary for summary in summaries if summary.at >= stamp(since)]
    steps = log.by_time(recent, step)
    drained = [
        timer
        for timer in timers.of(runtime.topology.names, os.environ, runtime.handled)
        if timer.subscription in names
    ]
    return Activity(
        step_seconds=int(step.total_seconds()),
        since=since,
        until=until,
        minutes=[
            Interval(
                begin,
                {name: _to_response(summary) for name, summary in counted.items()},
            )
            for begin, counted in steps.items()
        ],
        totals=_totals(chain.from_iterable(step.values() for step in steps.values())),
        last_drain=log.last_drains(summaries, names),
        alerts=await alerts.find(
            runtime.activity, runtime.dead_letters, drained, summaries, earliest, until
        ),
    )


def _begin(until: datetime, step: timedelta, minutes: int) -> datetime:
    """Return when the first of the steps begins; the last has `until` in it."""
    midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
    steps = -(-timedelta(minutes=minutes) // step)
    return midnight + ((until - midnight) // step - steps + 1) * step


def _to_response(summary: Summary) -> Counted:
    return Counted(
        received=summary.received,
        **{verb.value: summary.dispositions.get(verb, 0) for verb in Verb},
        failed=sum(summary.failed.values()),
        drains=summary.drains,
        full_batches=summary.full_batches,
        types=largest(summary.types, NAMES_A_STEP),
        categories=largest(summary.categories, NAMES_A_STEP),
        severities=summary.severities,
        queue_delay_ms=_delays(summary.waited),
        claimed_delay_ms=_delays(summary.queue_delay),
        handling_ms=_delays(summary.handling),
    )


def _totals(summaries: Iterable[Summary]) -> Totals:
    total = Summary(at="", subscription="", drains=0)
    for summary in summaries:
        total.merge(summary)
    return Totals(
        queue_delay_ms=_delays(total.waited),
        claimed_delay_ms=_delays(total.queue_delay),
        handling_ms=_delays(total.handling),
        dispositions={verb: total.dispositions.get(verb, 0) for verb in Verb},
        types=largest(total.types),
        matrix=[
            Cell(category, severity, count)
            for category, severities in sorted(total.matrix.items())
            for severity, count in sorted(severities.items())
        ],
        confidence=total.confidences or [0] * CONFIDENCES,
        models=[Model(name, count) for name, count in largest(total.models).items()],
    )


def _delays(histogram: Histogram) -> Delays:
    p50, p99 = histogram.percentiles(0.5, 0.99)
    largest = histogram.max if histogram.count else None
    return Delays(histogram.count, *map(_round, (histogram.mean, largest, p50, p99)))


def _round(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
