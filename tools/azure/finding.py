"""What is not as it should be, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: events are lost or wait; or somebody should look; or nobody knows."""

    BROKEN = "broken"
    LOOK = "look"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to do something about: where, what is wrong, what to do."""

    where: str
    problem: str
    do: str
    level: Level = Level.BROKEN
