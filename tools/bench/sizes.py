"""How much a bench measures."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Rounds that count (one more is thrown away), and what is in each of them.

    `events` are consumed or published per round, a hundred at least; `backlog` is
    drained whole, `emulator_events` go through the emulator alone, `starts` fresh
    interpreters are started, latency is watched for so many `seconds`, timers that stay
    for `stay_seconds`, and the console answers over so many `entries`.
    """

    rounds: int
    events: int
    backlog: int
    emulator_events: int
    starts: int
    seconds: float
    entries: int
    stay_seconds: float


FULL = Size(
    rounds=7,
    events=4_000,
    backlog=100_000,
    emulator_events=20_000,
    starts=15,
    seconds=20.0,
    entries=1_000_000,
    stay_seconds=90.0,
)
QUICK = Size(
    rounds=3,
    events=1_000,
    backlog=20_000,
    emulator_events=4_000,
    starts=5,
    seconds=4.0,
    entries=100_000,
    stay_seconds=9.0,
)
