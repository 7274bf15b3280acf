"""Redrive: a dead letter once more through the handler of its own event subscription.

Never through the topic, so that other event subscriptions don't see the event again.
Every step leaves something behind that the next redrive finds, should this one die:

1. *lease the blob*, for a minute, renewed while the handler works. Who has no lease
   changes nothing; that of a redrive that died ends by itself.
2. *note the beginning* in the blob's ledger, behind what was read there.
3. *the handler*, with the time limit and the rules for exceptions of a delivery.
4. *record* the outcome in the audit log, if the lease is still ours.
5. *note the outcome* in the ledger.
6. once every dead letter of the blob is acknowledged, *copy* it into the archive, if it
   is not there, then *delete* it. A release, a reject or an exception leaves it.

Died before 2: nothing happened. Between 2 and 4: the handler may have run and nothing
is recorded; it runs again, as after a lock that expired, under the same number, so that
readers of the audit log fold the two entries should both be written after all. Between
4 and 5: the audit log, asked for the minutes after the beginning, has the outcome; the
handler does not run for it again. Between 5 and the copy, or the copy and the delete:
the ledger says that all is done; what is missing is done.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from eventgrid_pull import Record
from eventgrid_pull.blob.append_log import StoreUnavailable, stamp
from eventgrid_pull.draining import drain_result
from eventgrid_pull.outcomes import Release, ReleaseDelay
from moderation.audit import entry as audit_entry
from moderation.audit.entry import AuditEntry, DeadLetterRef
from moderation.audit.log import Query
from moderation.dead_letters import redrive_plan
from moderation.dead_letters.attempts import Attempt
from moderation.dead_letters.redrive_handler import HeldLease, decide
from moderation.dead_letters.redrive_plan import (
    LEASED,
    NO_TIME,
    NOT_BEGUN,
    SKIPPED,
    Blob,
    NotRedriven,
    Outcome,
    RedriveCandidate,
    RedriveContext,
    Redriven,
)
from moderation.dead_letters.store import BlobNotFound, LeaseHeld, LeaseLost

_log = logging.getLogger(__name__)

# After so many seconds no other dead letter is begun: the rest is `notBegun`.
BEGIN_SECONDS = 60.0
# No redrive records an outcome later than this after its beginning.
RECORDED_WITHIN = timedelta(minutes=5)
LEASE_LOST = "its lease was lost: someone else may be at work on it; look again"
UNFINISHED = "not finished; ask again, and what was recorded counts"
UNSEEN = "there was no time to see what an earlier redrive recorded: ask again"


async def redrive(
    context: RedriveContext, chosen: Sequence[DeadLetterRef]
) -> list[Redriven]:
    """Redrive one after the other, those of a blob together; say what became of each.

    Never raises for what storage does or does not: the result says it.
    """
    results: list[Redriven] = []
    for name, indexes in redrive_plan.by_name(chosen).items():
        results += await _BlobRedrive(context, name).redrive(indexes)
    return results


class _BlobRedrive:
    """One blob's dead letters, from the lease to the archive."""

    def __init__(self, context: RedriveContext, name: str) -> None:
        self._context = context
        self._name = name
        self._blob: Blob | None = None
        self._archived = False

    async def redrive(self, indexes: list[int]) -> list[Redriven]:
        """Return a result for each; also where storage fails or a lost lease stops it."""
        results: list[Redriven] = []
        why: NotRedriven | None = None
        try:
            await self._redrive_all(indexes, results)
        except NotRedriven as error:
            why = error
        except LeaseLost:
            why = NotRedriven(SKIPPED, LEASE_LOST)
        except StoreUnavailable as error:
            _log.error("the redrive of %s ended: %s", self._name, error)
            why = NotRedriven(SKIPPED, f"{UNFINISHED}: {error}")
        if why is not None:
            rest = indexes[len(results) :]
            results += [why.result(self._name, index, self._blob) for index in rest]
        return [
            msgspec.structs.replace(result, archived=result.archived or self._archived)
            for result in results
        ]

    async def _redrive_all(self, indexes: list[int], results: list[Redriven]) -> None:
        held = await self._lease()
        try:
            blob = self._blob = await redrive_plan.read(self._context, self._name)
            for index in indexes:
                result = await self._redrive(held, blob, index)
                results.append(result)
            await self._archive(held, blob)
        finally:
            await held.lease.release()

    async def _lease(self) -> HeldLease:
        context, name = self._context, self._name
        if not context.may_begin():
            raise NotRedriven(NOT_BEGUN, NO_TIME)
        redrive_plan.subscription_of(context, name)
        try:
            return HeldLease(await context.store.lease(name))
        except LeaseHeld as error:
            raise NotRedriven(SKIPPED, LEASED) from error
        except BlobNotFound as error:
            await redrive_plan.refuse_missing(context, name)
            raise NotRedriven(SKIPPED, "there is no such dead letter") from error

    async def _redrive(self, held: HeldLease, blob: Blob, index: int) -> Redriven:
        try:
            candidate = redrive_plan.check(blob, index)
            if not self._context.may_begin():
                raise NotRedriven(NOT_BEGUN, NO_TIME)
            await self._finish_earlier(blob, candidate)
            redrive_plan.check(blob, index)
        except NotRedriven as why:
            return why.result(blob.name, index, blob)
        entry = await self._handle(held, blob, candidate)
        return Redriven(
            name=blob.name,
            index=index,
            id=entry.id,
            source=entry.source,
            subscription=entry.subscription,
            outcome=msgspec.convert(entry.disposition.value, Outcome),
            verdict=entry.verdict,
            reason=entry.reason,
        )

    async def _finish_earlier(self, blob: Blob, candidate: RedriveCandidate) -> None:
        """Note the outcome of a redrive that died after it was recorded."""
        earlier = blob.ledger.unfinished(candidate.dead_letter.index)
        if earlier is None:
            return
        entry = await self._find_recorded(candidate, earlier)
        if entry is not None:
            await self._note(blob, earlier.with_outcome(entry))

    async def _find_recorded(
        self, candidate: RedriveCandidate, attempt: Attempt
    ) -> AuditEntry | None:
        """Find the entry of that attempt, or of one before it that bears its number."""
        began = datetime.fromisoformat(attempt.at)
        query = Query(
            since=began - RECORDED_WITHIN,
            until=began + RECORDED_WITHIN,
            subscriptions=[candidate.subscription],
            id=candidate.event.id,
            source=candidate.event.source,
            limit=1000,
        )
        wanted = (candidate.dead_letter, candidate.token(attempt.number))
        while True:
            found = await self._context.audit.find(
                query, time_left=self._context.time_left
            )
            for entry in found.entries:
                if (entry.redrive, entry.lock_token) == wanted:
                    return entry
            if found.complete:
                return None
            if self._context.time_left() <= 0:
                raise NotRedriven(NOT_BEGUN, UNSEEN)
            query = msgspec.structs.replace(query, after=found.position)

    async def _handle(
        self, held: HeldLease, blob: Blob, candidate: RedriveCandidate
    ) -> AuditEntry:
        context, now = self._context, self._context.clock()
        await context.audit.open(candidate.subscription, now)  # look before it is begun
        await held.renew_when_due()  # what an earlier one recorded may take long to see
        attempt = blob.ledger.begin(candidate.dead_letter.index, context.by, now)
        await self._note(blob, attempt)
        disposition = await decide(
            held, context, candidate.subscription, candidate.event
        )
        await held.renew_when_due()
        now = context.clock()
        if isinstance(disposition, Release):  # nothing will deliver it again by itself
            disposition = Release(disposition.reason, ReleaseDelay.NONE)
        record = Record(now, candidate.delivery(attempt.number), disposition)
        entry = audit_entry.entry(
            candidate.subscription,
            record.delivery,
            disposition,
            stamp(now),
            by=attempt.by,
            redrive=candidate.dead_letter,
        )
        await context.audit.record(candidate.subscription, [entry], now)
        outcome = drain_result.Outcome(record, None)
        drain_result.report(candidate.subscription, [outcome])
        await self._note(blob, attempt.with_outcome(entry))
        return entry

    async def _note(self, blob: Blob, attempt: Attempt) -> None:
        line = attempt.line()
        await self._context.store.note(blob.name, line, after=blob.ledger.size)
        blob.ledger.size += len(line)
        blob.ledger.take(attempt)

    async def _archive(self, held: HeldLease, blob: Blob) -> None:
        if blob.is_done():
            await held.renew_when_due()
            await self._context.store.archive(blob.name, blob.content)
            await self._context.store.delete(blob.name, held.lease)
            self._archived = True
