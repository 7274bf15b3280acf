"""What mypy says of handlers: run by no test, checked with all the rest.

In strict mode a comment that ignores no error is an error.
"""

from collections.abc import Awaitable, Callable
from typing import assert_type

import msgspec

from eventgrid_pull import (
    Acknowledge,
    Disposition,
    Event,
    EventGridPull,
    MalformedEvent,
    Reject,
)

pull = EventGridPull(topic="orders")


class Paid(msgspec.Struct):
    """An order that is paid."""

    cents: int


@pull.subscription("sub-1", schedule="%EVERY%")
def plain(event: Event[Paid]) -> Reject | None:
    """Return the type of its data as it is."""
    assert_type(event.data, Paid)
    return Reject("negative amount") if event.data.cents < 0 else None


@pull.subscription("sub-2", schedule="%EVERY%")
async def of_a_loop(event: Event[Paid] | MalformedEvent) -> Disposition:
    """Take what is malformed, too."""
    return Acknowledge(reason=event.id)


@pull.subscription("sub-3", schedule="%EVERY%")
async def batch(events: list[Event[Paid]]) -> list[Acknowledge]:
    """Take a batch."""
    return [Acknowledge(note=event.data.cents) for event in events]


@pull.subscription("sub-3b", schedule="%EVERY%")
def batch_with_none(events: list[Event[Paid]]) -> list[Reject | None]:
    """Take a batch, and say nothing of what is done."""
    return [Reject("no") if event.data.cents < 0 else None for event in events]


# The handler keeps its type below a declaration.
assert_type(plain(Event("1", "/s", "Paid", Paid(1))), Reject | None)
takes_one: Callable[[Event[Paid]], Reject | None] = plain
takes_many: Callable[[list[Event[Paid]]], Awaitable[list[Acknowledge]]] = batch


@pull.subscription("sub-4", schedule="%EVERY%")  # type: ignore[type-var]
def of_no_event(event: Paid) -> None:
    """Take data without its event."""


@pull.subscription("sub-5", schedule="%EVERY%")  # type: ignore[type-var]
def of_text(event: Event[Paid]) -> str:
    """Return what is no disposition."""
    return "acknowledge"


@pull.subscription("sub-6", schedule="%EVERY%")  # type: ignore[type-var]
def of_nothing() -> None:
    """Take nothing."""


@pull.subscription("sub-7", schedule="%EVERY%")  # type: ignore[type-var]
def of_two(event: Event[Paid], other: int) -> None:
    """Take more than an event."""


@pull.subscription("sub-8", schedule=60)  # type: ignore[arg-type]
def each_minute(event: Event[Paid]) -> None:
    """Have a schedule that is none."""


@pull.subscription("sub-9", schedule="%EVERY%", on_malformed="ignore")  # type: ignore[arg-type]
def ignoring(event: Event[Paid]) -> None:
    """Do with malformed events what cannot be done."""
