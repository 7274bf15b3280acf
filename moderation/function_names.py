"""What follows from an event subscription's name: its timer functions and settings.

`sub-all-events` → `pull_all_events`, `pull_all_events_2` … and `PULL_ALL_EVENTS_SCHEDULE`,
`PULL_ALL_EVENTS_LANES`, `…_MANNER`, `…_PACE`. Bicep has the same rule; `tests/name-cases.json` holds both to it.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# How many timer functions may drain one event subscription.
LANES = range(1, 17)
# An HTTP function has this name already.
TAKEN = "pull_now"
_SETTING = re.compile(r"PULL_([A-Z0-9_]*_)?(SCHEDULE|LANES|MANNER|PACE)")


def function(subscription: str, lane: int = 1) -> str:
    """Return the name of the timer function that is that lane, the first by default."""
    name = subscription.lower()
    stem = (name.removeprefix("sub-") or name).replace("-", "_")
    return f"pull_{stem}" if lane == 1 else f"pull_{stem}_{lane}"


def schedule_setting(subscription: str) -> str:
    """Return the name of the setting that says when it is drained."""
    return f"{function(subscription).upper()}_SCHEDULE"


def lanes_setting(subscription: str) -> str:
    """Return the name of the setting that says how many timer functions drain it."""
    return f"{function(subscription).upper()}_LANES"


def manner_setting(subscription: str) -> str:
    """Return the name of the setting that says whether its timers visit or stay."""
    return f"{function(subscription).upper()}_MANNER"


def pace_setting(subscription: str) -> str:
    """Return the name of the setting that says how long batches may fill meanwhile."""
    return f"{function(subscription).upper()}_PACE"


def is_timer_setting(name: str) -> bool:
    """Return whether a setting of that name would be about an event subscription."""
    return _SETTING.fullmatch(name) is not None


class Clash(NamedTuple):
    """Event subscriptions that come to one function name: two, or one and the app itself."""

    subscriptions: tuple[str, ...]
    function: str

    def __str__(self) -> str:
        if len(self.subscriptions) == 1:
            return (
                f"{self.subscriptions[0]} comes to the function name {self.function}, "
                "which POST /api/pull has: give it another name"
            )
        both = " and ".join(self.subscriptions)
        return (
            f"{both} come to one function name, {self.function}: give one of them "
            "another name"
        )


def clashes(subscriptions: Sequence[str]) -> Iterator[Clash]:
    """Yield what keeps these event subscriptions from having functions of their own."""
    first: dict[str, str] = {}
    for name in subscriptions:
        if function(name) == TAKEN:
            yield Clash((name,), TAKEN)
        if (other := first.setdefault(function(name), name)) != name:
            yield Clash((other, name), function(name))
    for name in first.values():
        for lane in LANES[1:]:
            if (lanes := function(name, lane)) in first:
                yield Clash((name, first[lanes]), lanes)
