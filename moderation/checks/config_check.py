"""Checks what can be checked before it hurts, and says which number to change.

`python3 dev.py doctor`, or `python -m tools.health_command` with the settings in the environment;
`GET /api/health` shows the same.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from eventgrid_pull import Status
from eventgrid_pull.draining.histogram import Histogram
from eventgrid_pull.draining.lock_renewal import RENEWABLE_SECONDS
from eventgrid_pull.outcomes import BACKOFF
from eventgrid_pull.settings.cron import longest_gap
from eventgrid_pull.settings.ticks import unheard
from moderation import timers
from moderation.activity.log import Summary
from moderation.checks.host_json import HOST_JSON, HostJsonInvalid, function_timeout
from moderation.filters.rules import warnings
from moderation.settings import Settings
from moderation.timers import Timer
from moderation.topology import EventSubscription, Topology
from moderation.topology_file import LOCK_SECONDS, seconds

HANDLERS = "moderation/handlers.py"
# The longest that the last receive of a drain waits.
RECEIVE_SECONDS = 10
# Fewer events do not show whether a drain keeps up.
MEASURED = 5


class Finding(msgspec.Struct, frozen=True):
    """One thing that will hurt: where, why, and which number to change."""

    where: str
    problem: str
    change: str


def examine(
    settings: Settings,
    environ: Mapping[str, str],
    declared: Topology,
    handled: Collection[str],
    host_json: Path = HOST_JSON,
) -> list[Finding]:
    """List everything that does not agree; nothing when all does. Times in seconds.

    `handled` are the event subscriptions that have a handler.
    """
    drained = timers.of(declared.names, environ, handled)
    return [
        *_in_error(drained),
        *_switched_off(drained),
        *(
            Finding(stray.path, stray.problem, "its name, or remove it")
            for stray in timers.strays(declared.names, environ, handled)
        ),
        *_budget(settings, drained),
        *_function_timeout(settings, environ, host_json),
        *(
            finding
            for shape in declared.event_subscriptions
            for finding in _subscription(shape, settings)
        ),
    ]


def _in_error(drained: Sequence[Timer]) -> Iterator[Finding]:
    for timer in drained:
        for wrong in timer.problems:
            problem = (
                f"{wrong.problem}; until then no timer drains {timer.subscription}"
            )
            is_setting = wrong.path != timer.subscription
            yield Finding(
                wrong.path, problem, "the setting" if is_setting else HANDLERS
            )


def _switched_off(drained: Sequence[Timer]) -> Iterator[Finding]:
    for timer in drained:
        name, count = timer.subscription, len(timer.functions)
        left = f"{timer.running} of {count} timer functions drain {name}"
        for wrong in timer.off:
            problem = f"{wrong.problem}: {left if timer.running else f'no timer drains {name}'}"
            yield Finding(wrong.path, problem, "it to false, or remove it")


def _budget(settings: Settings, drained: Sequence[Timer]) -> Iterator[Finding]:
    budget = settings.pull_budget
    for timer in drained:
        if gap := unheard(timer.manner, timer.schedule, budget):
            yield Finding(
                timer.setting("MANNER"),
                f"is stay, but {gap}",
                "PULL_BUDGET_SECONDS to more than that, or "
                f"{timer.setting('SCHEDULE')} to a denser schedule",
            )


def _function_timeout(
    settings: Settings, environ: Mapping[str, str], host_json: Path
) -> Iterator[Finding]:
    try:
        timeout = function_timeout(environ, host_json)
    except HostJsonInvalid as error:
        yield Finding(error.where, str(error), "it: the host does not start with it")
        return
    # The last receive may begin when the budget is nearly used up.
    longest = settings.pull_budget + RECEIVE_SECONDS + settings.handler_seconds
    if longest >= timeout:
        yield Finding(
            "functionTimeout",
            f"is {timeout:.0f} s, but a drain may take {longest} s with its last "
            "handler: the host would kill the worker",
            f"functionTimeout in host.json to more than {longest} s, or "
            "PULL_BUDGET_SECONDS or HANDLER_TIMEOUT_SECONDS to less",
        )


def _subscription(shape: EventSubscription, settings: Settings) -> Iterator[Finding]:
    lock, most = shape.receive_lock_duration_in_seconds, shape.max_delivery_count
    if settings.handler_seconds > RENEWABLE_SECONDS - lock:
        yield Finding(
            "HANDLER_TIMEOUT_SECONDS",
            f"is {settings.handler_seconds} s; a lock can be renewed for an hour only",
            f"it to at most {int(RENEWABLE_SECONDS - lock)}",
        )
    delays, lives = backoff_seconds(most), seconds(shape.event_time_to_live) or 0
    if delays >= lives:
        yield Finding(
            f"{shape.name}: maxDeliveryCount",
            f"is {most}: the delays between deliveries add up to {delays} s, and the "
            f"event lives {lives} s, so it would expire without a reason",
            "maxDeliveryCount to less, or eventTimeToLive to more",
        )
    for warning in warnings(shape.filters_configuration):
        yield Finding(
            f"{shape.name}: filtersConfiguration", warning, "it in topology.json"
        )


def slow_batches(summaries: Iterable[Summary], declared: Topology) -> Iterator[Finding]:
    """Find event subscriptions whose batches take half of their lock or more."""
    measured = {shape.name: Histogram() for shape in declared.event_subscriptions}
    for summary in summaries:
        measured[summary.subscription].merge(summary.handling)
    for name, handling in measured.items():
        lock = declared.subscription(name).receive_lock_duration_in_seconds
        took = handling.max / 1000
        if took >= lock / 2:
            longer = min(LOCK_SECONDS[-1], max(LOCK_SECONDS[0], int(took * 2) + 1))
            yield Finding(
                f"{name}: receiveLockDurationInSeconds",
                f"is {lock} s, and a batch took {took:.0f} s: its locks had to be renewed",
                f"it to {longer}, or make the handler faster",
            )


def late_events(
    summaries: Iterable[Summary], drained: Sequence[Timer]
) -> Iterator[Finding]:
    """Find event subscriptions of whose events half waited for longer than two ticks.

    By moments that we stamped: a publisher's clock is no reason to change a number.
    """
    waited = {timer.subscription: Histogram() for timer in drained}
    for summary in summaries:
        waited[summary.subscription].merge(summary.waited)
    for timer in drained:
        delay, gap = waited[timer.subscription], longest_gap(timer.schedule)
        if gap is None or delay.count < MEASURED:
            continue
        [median] = delay.percentiles(0.5)
        half = (median or 0.0) / 1000
        if half > 2 * gap:
            yield Finding(
                timer.subscription,
                f"is behind: half of its events waited {half:.0f} s or more, and its "
                f"ticks are at most {gap} s apart",
                f"{timer.setting('LANES')} to more, or the schedule",
            )


def blocking(statuses: Iterable[Status]) -> Iterator[Finding]:
    """Find async handlers that held the event loop of this process, each by its line."""
    for status in statuses:
        if (block := status.blocked) is not None:
            place = f"{Path(block.file).name}:{block.line}"
            yield Finding(
                status.name,
                f"its handler blocked the event loop for {block.seconds:.1f} s at {place}: "
                "no request was answered and no lock renewed meanwhile",
                "that to something awaited, or the handler to a plain function",
            )


def backoff_seconds(max_delivery_count: int) -> int:
    """Return how long the releases of an event that always fails take together."""
    steps = range(max_delivery_count - 1)
    return sum(int(BACKOFF[min(step, len(BACKOFF) - 1)]) for step in steps)
