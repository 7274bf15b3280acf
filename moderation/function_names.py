"""What follows from an event subscription's name: its timer functions and settings.

`sub-all-events` → `pull_all_events`, `pull_all_events_2` … and `PULL_ALL_EVENTS_SCHEDULE`,
`PULL_ALL_EVENTS_LANES`, `…_MANNER`, `…_PACE`. Bicep has the same rule; `tests/name-cases.json` holds both to it.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

# How many timer functions may drain one event subscription.
LANES = range(1, 17)
# An HTTP function has this name already.
TAKEN = "pull_now"
type What = Literal["SCHEDULE", "LANES", "MANNER", "PACE"]
_SETTING = re.compile(r"PULL_([A-Z0-9_]*_)?(SCHEDULE|LANES|MANNER|PACE)")


def function(subscription: str, lane: int = 1) -> str:
    """Return the name of the timer function that is that lane, the first by default."""
    name = subscription.lower()
    stem = (name.removeprefix("sub-") or name).replace("-", "_")
    return f"pull_{stem}" if lane == 1 else f"pull_{stem}_{lane}"


def setting(subscription: str, what: What) -> str:
    """Return the name of the setting that says when, how many, how or how often."""
    return f"{function(subscription).upper()}_{what}"


def is_timer_setting(name: str) -> bool:
    """Return whether a setting of that name would be about an event subscription."""
    return _SETTING.fullmatch(name) is not None


def clashes(subscriptions: Sequence[str]) -> Iterator[str]:
    """Yield what keeps these event subscriptions from having functions of their own."""
    first: dict[str, str] = {}
    for name in subscriptions:
        if function(name) == TAKEN:
            yield (
                f"{name} has the function name {TAKEN}, which POST /api/pull has: "
                "give it another name"
            )
        if (other := first.setdefault(function(name), name)) != name:
            yield _clash(other, name, function(name))
    for name in first.values():
        for lane in LANES[1:]:
            if (lane_name := function(name, lane)) in first:
                yield _clash(name, first[lane_name], lane_name)


def _clash(first: str, second: str, function: str) -> str:
    return (
        f"{first} and {second} have the same function name, {function}: give one of them "
        "another name"
    )
