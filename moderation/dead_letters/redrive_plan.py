"""Which dead letters can be redriven, and why the others cannot."""

import hashlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from eventgrid_pull import AnyEvent, Delivery, Disposition
from moderation.audit.entry import DeadLetterRef
from moderation.audit.log import AuditLog
from moderation.dead_letters import attempts, blob_paths, formats
from moderation.dead_letters.attempts import Ledger
from moderation.dead_letters.formats import DeadLetter
from moderation.dead_letters.store import DeadLetterStore

type Handler = Callable[[AnyEvent], Coroutine[Any, Any, Disposition]]
type NotDone = Literal["skipped", "notBegun", "already"]
# As its handler said (`outcomes.Verb`), or why it was not asked.
type Outcome = Literal["acknowledge", "release", "reject"] | NotDone

SKIPPED: Final = "skipped"
NOT_BEGUN: Final = "notBegun"
ALREADY: Final = "already"
NO_TIME = "there was no time for it: ask again"
LEASED = "someone redrives it now; if that has died, it is free again within a minute"


class Redriven(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became, or would become, of one chosen dead letter.

    `outcome`: acknowledge, release or reject, as its handler said; `skipped`: it cannot
    be redriven, and `reason` says why; `notBegun`: it can, and was not; `already`: it
    was acknowledged before. `archived`: its blob is in the archive now.
    """

    name: str
    index: int
    id: str | None = None
    source: str | None = None
    subscription: str | None = None
    outcome: Outcome
    verdict: str | None = None
    reason: str | None = None
    archived: bool = False


class RedriveContext(msgspec.Struct, frozen=True, kw_only=True):
    """Where dead letters are redriven, and how.

    `handlers` by the name of their event subscription of that `topic`; none raises;
    `handler_seconds` is how long one may take, `time_left` the seconds in which another
    dead letter may be begun. `by` is who wants it.
    """

    store: DeadLetterStore
    audit: AuditLog
    topic: str
    handlers: Mapping[str, Handler]
    handler_seconds: float
    by: str
    clock: Callable[[], datetime]
    time_left: Callable[[], float]
    stopping: Callable[[], bool] = lambda: False

    def may_begin(self) -> bool:
        """Return whether there is time for another one."""
        return self.time_left() > 0 and not self.stopping()


class Blob(msgspec.Struct, kw_only=True):
    """A dead-letter blob that was read, and what was tried with it."""

    name: str
    subscription: str
    content: bytes
    letters: list[DeadLetter]
    ledger: Ledger
    leased: bool = False

    def is_done(self) -> bool:
        """Return whether all of its dead letters are acknowledged."""
        return all(self.ledger.is_done(letter.index) for letter in self.letters)

    def event(self, index: int) -> AnyEvent | None:
        """Return the event at that index, where there is one."""
        return self.letters[index].event if index < len(self.letters) else None


class RedriveCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter that can be redriven; `deliveries` is how often it was delivered."""

    dead_letter: DeadLetterRef
    subscription: str
    event: AnyEvent
    deliveries: int

    def delivery(self, number: int) -> Delivery:
        """Return its delivery in that attempt; deliveries and redrives count as one."""
        count = self.deliveries + number
        event = msgspec.structs.replace(self.event, delivery_count=count)
        return Delivery(self.token(number), event)

    def token(self, number: int) -> str:
        """Return the lock token of an attempt: the same whoever makes it."""
        name = f"{self.dead_letter.name}#{self.dead_letter.index}"
        return f"{hashlib.sha256(name.encode()).hexdigest()[:8]}.{number}"


class NotRedriven(Exception):
    """The dead letter is not redriven: it cannot be, or need not, or there is no time.

    `outcome` is skipped, notBegun or already.
    """

    def __init__(
        self, outcome: NotDone, reason: str, *, archived: bool = False
    ) -> None:
        super().__init__(reason)
        self.outcome: Outcome = outcome
        self.archived = archived

    def result(self, name: str, index: int, blob: Blob | None = None) -> Redriven:
        """Return this as an answer about that dead letter."""
        event = blob.event(index) if blob else None
        return Redriven(
            name=name,
            index=index,
            id=event.id if event else None,
            source=event.source if event else None,
            subscription=blob.subscription if blob else None,
            outcome=self.outcome,
            reason=str(self),
            archived=self.archived,
        )


async def read(context: RedriveContext, name: str) -> Blob:
    """Read the blob with that name. Raises NotRedriven and StoreUnavailable."""
    subscription = subscription_of(context, name)
    stored = await context.store.read(name)
    if stored is None:
        await refuse_missing(context, name)
        raise NotRedriven(SKIPPED, "there is no such dead letter")
    return Blob(
        name=name,
        subscription=subscription,
        content=stored.content,
        letters=formats.read(stored.content),
        ledger=attempts.read(await context.store.ledger(name)),
        leased=stored.leased,
    )


async def refuse_missing(context: RedriveContext, name: str) -> None:
    """Say whether a blob that is not there is in the archive. Raises NotRedriven."""
    if await context.store.read(name, archived=True) is not None:
        reason = "all of its blob was acknowledged before"
        raise NotRedriven(ALREADY, reason, archived=True)


def subscription_of(context: RedriveContext, name: str) -> str:
    """Return the event subscription of the blob with that name, as it is declared.

    Whatever the case of its name in the path. Raises NotRedriven.
    """
    place = blob_paths.place(name)
    if place is None:
        raise NotRedriven(SKIPPED, "that is no name of a dead-letter blob")
    declared = {name.lower(): name for name in context.handlers}
    subscription = declared.get(place.subscription.lower())
    if subscription is None or place.topic.lower() != context.topic.lower():
        reason = f"nothing handles {place.subscription} of topic {place.topic} here"
        raise NotRedriven(SKIPPED, reason)
    return subscription


def check(blob: Blob, index: int) -> RedriveCandidate:
    """Return the dead letter, if it can be redriven. Raises NotRedriven."""
    if index >= len(blob.letters):
        reason = f"its blob holds {len(blob.letters)}, counted from 0"
        raise NotRedriven(SKIPPED, reason)
    letter = blob.letters[index]
    if letter.event is None:
        raise NotRedriven(SKIPPED, f"it cannot be read: {letter.unreadable}")
    if blob.ledger.is_done(index):
        raise NotRedriven(ALREADY, "a redrive was acknowledged before")
    return RedriveCandidate(
        dead_letter=DeadLetterRef(blob.name, index),
        subscription=blob.subscription,
        event=letter.event,
        deliveries=letter.properties.attempts or 0,
    )


def by_name(chosen: Sequence[DeadLetterRef]) -> dict[str, list[int]]:
    """Return the indexes of each blob, each once."""
    names: dict[str, list[int]] = {}
    for dead_letter in dict.fromkeys(chosen):
        names.setdefault(dead_letter.name, []).append(dead_letter.index)
    return names


async def plan(
    context: RedriveContext, chosen: Sequence[DeadLetterRef]
) -> list[Redriven]:
    """Say what a redrive would do: nothing is changed, and no handler is called.

    What would be given to its handler is `notBegun`. Raises StoreUnavailable.
    """
    results: list[Redriven] = []
    for name, indexes in by_name(chosen).items():
        try:
            if not context.may_begin():
                raise NotRedriven(NOT_BEGUN, NO_TIME)
            blob = await read(context, name)
        except NotRedriven as why:
            results += [why.result(name, index) for index in indexes]
        else:
            results += [_plan_letter(blob, index) for index in indexes]
    return results


def _plan_letter(blob: Blob, index: int) -> Redriven:
    try:
        check(blob, index)
        if blob.leased:
            raise NotRedriven(SKIPPED, LEASED)
    except NotRedriven as why:
        return why.result(blob.name, index, blob)
    before = len(blob.ledger.of(index))
    reason = f"would be given to the handler of {blob.subscription}"
    if before:
        reason += f"; redriven {before} times before"
    return NotRedriven(NOT_BEGUN, reason).result(blob.name, index, blob)
