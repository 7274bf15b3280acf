"""Settling a batch: one call for each disposition and delay, every answer read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import (
    Acknowledge,
    Disposition,
    Reject,
    Release,
    ReleaseDelay,
    Settled,
)
from eventgrid_pull.wire.http_retry import EventGridError

UNANSWERED = "Unanswered"


class Receiver(Protocol):
    """An event subscription to pull from; see `client.Subscription`."""

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        """Return up to so many deliveries; wait so many seconds for the first one."""

    async def renew(self, tokens: Sequence[str]) -> Settled:
        """Keep these for another lock duration."""

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        """Have these forgotten: they are done."""

    async def release(self, tokens: Sequence[str], delay: ReleaseDelay) -> Settled:
        """Give these back, to be delivered again after the delay."""

    async def reject(self, tokens: Sequence[str]) -> Settled:
        """Have these dead-lettered."""


type Decided = Sequence[tuple[Delivery, Disposition]]
type Group = tuple[type, ReleaseDelay]


async def settle(
    receiver: Receiver, decided: Decided
) -> tuple[dict[str, str | None], EventGridError | None]:
    """Return for each lock token None, or why it is not settled; and a failure.

    Tokens of a call that failed, or that an answer leaves out, are `Unanswered`: their
    events may come again. The first failure is returned, so that all calls are made.
    """
    groups: dict[Group, list[str]] = {}
    for delivery, disposition in decided:
        groups.setdefault(_group(disposition), []).append(delivery.lock_token)
    answers = await asyncio.gather(
        *(_call(receiver, group, tokens) for group, tokens in groups.items())
    )
    results: dict[str, str | None] = {}
    failures = []
    for tokens, answer in zip(groups.values(), answers, strict=True):
        if isinstance(answer, EventGridError):
            failures.append(answer)
            results |= dict.fromkeys(tokens, UNANSWERED)
        else:
            results |= {token: _why(answer, token) for token in tokens}
    return results, failures[0] if failures else None


def _group(disposition: Disposition) -> Group:
    if isinstance(disposition, Release):
        return Release, ReleaseDelay(disposition.delay or 0)
    return type(disposition), ReleaseDelay.NONE


async def _call(
    receiver: Receiver, group: Group, tokens: list[str]
) -> Settled | EventGridError:
    kind, delay = group
    calls: dict[type, Callable[[], Awaitable[Settled]]] = {
        Acknowledge: lambda: receiver.acknowledge(tokens),
        Release: lambda: receiver.release(tokens, delay),
        Reject: lambda: receiver.reject(tokens),
    }
    try:
        return await calls[kind]()
    except EventGridError as error:
        return error


def _why(settled: Settled, token: str) -> str | None:
    if token in settled.succeeded:
        return None
    return settled.failed.get(token, UNANSWERED)
