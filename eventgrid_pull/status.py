"""How the event subscriptions of a process are: what is wrong, and what they last did."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from eventgrid_pull.draining.drain_result import DrainSummary
from eventgrid_pull.handlers.loop_watch import Block, Blocks


class Known(Protocol):
    """An event subscription as it is declared; see `declaration.Declared`."""

    @property
    def functions(self) -> Sequence[str]:
        """The names of its timer functions."""

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong with its settings."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How an event subscription is: its functions, what is wrong, what it last did."""

    name: str
    functions: Sequence[str]
    problems: Sequence[str]
    error: str | None = None
    blocked: Block | None = None
    last: DrainSummary | None = None


class Statuses:
    """What is noted of each declared event subscription; its error is of the last drain."""

    def __init__(self, declared: Mapping[str, Known]) -> None:
        self.blocks = Blocks()
        self.last: dict[str, DrainSummary] = {}
        self.errors: dict[str, str | None] = {}
        self._declared = declared

    def all(self) -> list[Status]:
        """Return how each of them is."""
        return [
            Status(
                name=name,
                functions=declared.functions,
                problems=declared.problems,
                error=self.errors.get(name),
                blocked=self.blocks.found.get(name),
                last=self.last.get(name),
            )
            for name, declared in self._declared.items()
        ]
