"""Redriving dead letters over HTTP."""

from collections.abc import Sequence
from time import monotonic
from typing import Annotated

import msgspec

from console.validation import ApiRequest
from eventgrid_pull import AnyEvent, Disposition
from moderation.audit.entry import DeadLetterRef
from moderation.dead_letters import redrive, redrive_plan
from moderation.dead_letters.redrive_plan import Handler, RedriveContext, Redriven
from moderation.event_key import EventKey
from moderation.runtime import Runtime


class Chosen(msgspec.Struct, frozen=True):
    """A dead letter: its blob's name, and its position in it from 0."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    index: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0


class RedriveBody(msgspec.Struct, frozen=True, rename="camel"):
    """Which dead letters, 1 to 50. `dryRun` says what would be done, and does nothing."""

    dead_letters: Annotated[list[Chosen], msgspec.Meta(min_length=1, max_length=50)]
    dry_run: bool = True


class RedriveAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What became, or would become, of each."""

    dry_run: bool
    results: Sequence[Redriven]


async def redrive_dead_letters(request: ApiRequest[None, RedriveBody]) -> RedriveAnswer:
    """Give dead letters to the handlers of their own event subscriptions once more."""
    chosen = [
        DeadLetterRef(letter.name, letter.index) for letter in request.body.dead_letters
    ]
    context = _context(request)
    planned = await redrive_plan.plan(context, chosen)
    if request.body.dry_run:
        return RedriveAnswer(dry_run=True, results=planned)
    await request.note(
        "redrive",
        events=[
            EventKey(letter.source or "", letter.id) for letter in planned if letter.id
        ],
        detail=", ".join(f"{letter.name}#{letter.index}" for letter in planned),
    )
    return RedriveAnswer(dry_run=False, results=await redrive.redrive(context, chosen))


def _context(request: ApiRequest[None, RedriveBody]) -> RedriveContext:
    runtime, ends = request.runtime, monotonic() + redrive.BEGIN_SECONDS
    names = runtime.topology.names
    return RedriveContext(
        store=runtime.dead_letters,
        audit=runtime.audit,
        topic=runtime.settings.topic,
        handlers={
            name: _handler(runtime, name) for name in names if name in runtime.handled
        },
        handler_seconds=runtime.settings.handler_seconds,
        by=request.caller.name,
        clock=runtime.clock,
        time_left=lambda: ends - monotonic(),
        stopping=runtime.is_stopping,
    )


def _handler(runtime: Runtime, name: str) -> Handler:
    """Return what decides about a dead letter as about an event that is delivered."""

    async def handle(event: AnyEvent) -> Disposition:
        return await runtime.consumer.handle(name, event.raw, event.delivery_count)

    return handle
