"""How the event subscriptions of a process are: what is wrong, and what they last did."""

from collections.abc import Sequence

import msgspec

from eventgrid_pull.draining.drain_summary import DrainSummary
from eventgrid_pull.handlers.loop_watch import Block, Blocks


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How an event subscription is: its functions, what is wrong, what it last did."""

    name: str
    functions: Sequence[str]
    problems: Sequence[str]
    error: str | None = None
    blocked: Block | None = None
    last: DrainSummary | None = None


class Statuses:
    """What is noted of each event subscription; its error is of the last drain."""

    def __init__(self) -> None:
        self.blocks = Blocks()
        self.last: dict[str, DrainSummary] = {}
        self.errors: dict[str, str | None] = {}

    def of(
        self, name: str, functions: Sequence[str], problems: Sequence[str]
    ) -> Status:
        """Return how the event subscription of that name is."""
        return Status(
            name=name,
            functions=functions,
            problems=problems,
            error=self.errors.get(name),
            blocked=self.blocks.found.get(name),
            last=self.last.get(name),
        )
