"""How a timer's runs pull, and how long one goes on: until the next tick has passed."""

from datetime import datetime, timedelta
from typing import Literal

from eventgrid_pull.settings import cron

# Take what is there at each tick; or listen from one tick to the next.
type Manner = Literal["visit", "stay"]
MANNERS: tuple[Manner, ...] = ("visit", "stay")
# A receive is open for some time at least, so a longer pace would save nothing.
LONGEST_PACE = 60

# The host starts the next run at once after one that outlasted its interval: so long
# after the tick there is no gap in which nobody listens.
OVERLAP_SECONDS = 1.0
# A tick that fires a moment early is not the next one.
EARLY = timedelta(seconds=0.5)


def unheard(manner: Manner, schedule: str, budget: float) -> str | None:
    """Return why nobody listens before some ticks; None where somebody does."""
    # This looks at up to sixty years of days: not when a visit is declared.
    gap = (cron.longest_gap(schedule) or 0) if manner == "stay" else 0
    if budget > gap:
        return None
    return (
        f"its ticks are up to {gap} s apart and a run may take {budget:.0f} s: nobody "
        "listens in between"
    )


def seconds_to_run(schedule: str, now: datetime, budget: float) -> float:
    """Return in how many seconds a run that begins now is to begin its last receive.

    Never more than the budget.
    """
    due = cron.next_due(schedule, now + EARLY)
    if due is None:
        return budget
    return min(budget, (due - now).total_seconds() + OVERLAP_SECONDS)
