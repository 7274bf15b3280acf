"""How each event subscription is drained: its timer functions and settings, or why not.

All of it follows from the declaration in `topology.json`, the handler, and four settings
that may be left out.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain

import msgspec

from eventgrid_pull.events.cloudevents import Problem
from eventgrid_pull.settings import cron
from eventgrid_pull.settings.setting_values import must_be_seconds, seconds_of
from eventgrid_pull.settings.ticks import LONGEST_PACE, MANNERS, Manner
from moderation import function_names
from moderation.function_names import What
from moderation.settings import Setting, must_be, whole_number

EVERY_FIVE_MINUTES = "0 */5 * * * *"
SIX_FIELDS = "six fields (second minute hour day month weekday), UTC"


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """How one event subscription is drained; with a problem, by hand at most.

    `trigger` is the schedule as the host is given it: the name of the setting, or the
    default where that is not set. `lanes` timer functions share the work, but for those
    that a setting switches off, each `off` with that setting.
    """

    subscription: str
    schedule: str
    trigger: str
    lanes: int
    manner: Manner
    pace: float
    problems: Sequence[Problem]
    off: Sequence[Problem] = ()

    @property
    def running(self) -> int:
        """Return how many of the timer functions the host lets fire."""
        return len(self.functions) - len(self.off)

    @property
    def functions(self) -> list[str]:
        """Return the names of the timer functions; none while there is a problem."""
        lanes = () if self.problems else range(1, self.lanes + 1)
        return [function_names.function(self.subscription, lane) for lane in lanes]

    def setting(self, what: What) -> str:
        """Return the name of its setting that says when, how many, how or how often."""
        return function_names.setting(self.subscription, what)


def settings(subscription: str) -> tuple[Setting, Setting, Setting, Setting]:
    """Return the settings of an event subscription: when, how many, how, how often."""
    return (
        Setting(
            function_names.setting(subscription, "SCHEDULE"),
            f"when {subscription} is drained: {SIX_FIELDS}",
            EVERY_FIVE_MINUTES,
        ),
        Setting(
            function_names.setting(subscription, "LANES"),
            f"{subscription}: how many timer functions drain it, each an instance of its "
            "own",
            "1",
            allowed=function_names.LANES,
        ),
        Setting(
            function_names.setting(subscription, "MANNER"),
            f"{subscription}: visit takes what is there at each tick; stay listens all "
            "the time and keeps an instance awake",
            "visit",
        ),
        Setting(
            function_names.setting(subscription, "PACE"),
            f"{subscription}: how long batches may fill where its timers stay, 0 to "
            f"{LONGEST_PACE}",
            "0.8",
            "s",
        ),
    )


def of(
    names: Sequence[str], environ: Mapping[str, str], handled: Collection[str]
) -> list[Timer]:
    """Return the timer of each declared event subscription, in the order of the file.

    `handled` are the event subscriptions that have a handler.
    """
    return [timer(name, environ, handled) for name in names]


def strays(
    names: Sequence[str], environ: Mapping[str, str], handled: Collection[str]
) -> list[Problem]:
    """Return what names an event subscription that is not declared: it has no effect."""
    known = {setting.name for setting in chain.from_iterable(map(settings, names))}
    allowed = ", ".join(names)
    return [
        *(
            Problem(name, f"names no event subscription of topology.json ({allowed})")
            for name in sorted(environ)
            if function_names.is_timer_setting(name) and name not in known
        ),
        *(Problem(name, not_declared(names)) for name in handled if name not in names),
    ]


def timer(
    subscription: str, environ: Mapping[str, str], handled: Collection[str]
) -> Timer:
    """Return the timer of an event subscription; see `of`."""
    when, how_many, how, how_often = settings(subscription)
    schedule = environ.get(when.name, "")
    lanes = environ.get(how_many.name, "").strip() or how_many.default
    count = whole_number(lanes, how_many.allowed)
    problems = []
    if subscription not in handled:
        problems.append(Problem(subscription, no_handler(subscription)))
    if schedule.strip() and (wrong := cron.problem(schedule)):
        problems.append(Problem(when.name, wrong))
    if count is None:
        problems.append(Problem(how_many.name, must_be(how_many.allowed)))
    manner = environ.get(how.name, "").strip() or how.default
    if manner not in MANNERS:
        problems.append(Problem(how.name, f"must be one of: {', '.join(MANNERS)}"))
    pace = seconds_of(
        environ.get(how_often.name, "").strip() or how_often.default, LONGEST_PACE
    )
    if pace is None:
        problems.append(Problem(how_often.name, must_be_seconds(LONGEST_PACE)))
    made = Timer(
        subscription=subscription,
        schedule=schedule.strip() or when.default,
        trigger=f"%{when.name}%" if schedule.strip() else when.default,
        lanes=count or 1,
        manner="stay" if manner == "stay" else "visit",
        pace=pace or 0.0,
        problems=problems,
    )
    return msgspec.structs.replace(made, off=_off(made.functions, environ))


def _off(functions: Sequence[str], environ: Mapping[str, str]) -> list[Problem]:
    """Return what switches functions off, as the host reads it.

    `AzureWebJobs.<function>.Disabled`, or with underscores for dots, in any case; `true`
    or `1`: https://learn.microsoft.com/azure/azure-functions/disable-function.
    """
    on = {
        name.lower(): name
        for name, value in environ.items()
        if value.lower() in ("true", "1")
    }
    return [
        Problem(on[switch], f"switches the function {function} off")
        for function in functions
        for switch in (
            f"azurewebjobs.{function}.disabled",
            f"azurewebjobs_{function}_disabled",
        )
        if switch in on
    ]


def no_handler(subscription: str) -> str:
    """Return what an event subscription without one lacks, as the rest of a sentence."""
    return (
        f'has no handler: write one with @pull.subscription("{subscription}", …) in '
        "handlers.py"
    )


def not_declared(names: Sequence[str]) -> str:
    """Return what a handler of no event subscription lacks, as the rest of a sentence."""
    return f"has a handler, but is not declared in topology.json ({', '.join(names)})"
