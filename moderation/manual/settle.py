"""Settling by hand what was received by hand: recorded first, as everything is."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from eventgrid_pull import Delivery, EventGridError, Record
from eventgrid_pull.blob.append_log import CLOCK_SKEW, stamp
from eventgrid_pull.draining import drain_result
from eventgrid_pull.draining import settle as settlement
from eventgrid_pull.draining.drain_result import Outcome
from eventgrid_pull.draining.lock_renewal import NOT_KNOWN, RENEWABLE_SECONDS
from eventgrid_pull.outcomes import (
    Acknowledge,
    Disposition,
    Reject,
    Release,
    ReleaseDelay,
    Verb,
    resolve_disposition,
)
from moderation.audit import entry as audit_entry
from moderation.event_key import EventKey, key_of
from moderation.events import Verdict
from moderation.manual.peek import Peeked, PeekSession
from moderation.manual.recall import recall

NOT_PEEKED, LAST_DELIVERY = "NotPeeked", "LastDelivery"
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_WORDS = {
    NOT_PEEKED: "this app did not receive it by hand there within the last hour",
    LAST_DELIVERY: (
        "it was the last permitted delivery: released, the event is dead-lettered. "
        "Acknowledge it, reject it with a reason, or release it with giveUp"
    ),
    "TokenLost": (
        "its lock is gone: it ran out, or was renewed for an hour, or the event is "
        "settled. What is not settled comes again"
    ),
    "BadToken": "Event Grid cannot read this lock token",
    settlement.UNANSWERED: (
        "Event Grid did not say whether it is settled. What is not comes again"
    ),
}
_FAULT = "Event Grid could not do it; try again while the lock lasts"


class SettleRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to become of up to ten deliveries.

    `delay` is for a release. `gives_up` allows one of the last permitted delivery,
    which is a rejection.
    """

    disposition: Verb
    tokens: Sequence[str]
    delay: ReleaseDelay = ReleaseDelay.NONE
    reason: str = ""
    gives_up: bool = False


class Result(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of one lock token.

    `disposition` is what was recorded; `failed` the code why it is not settled, and
    `why` that in words. `id` and `source` are null for a token that is not known.
    """

    lock_token: str
    id: str | None = None
    source: str | None = None
    disposition: Verb | None = None
    settled: bool = False
    failed: str | None = None
    why: str | None = None


type Results = dict[str, Result]


async def settle(session: PeekSession, request: SettleRequest) -> list[Result]:
    """Record and settle what is held under these tokens, one result for each.

    A token whose lock is gone is refused before anything is recorded about it. Raises
    EventGridError and StoreUnavailable, with nothing settled.
    """
    async with session.turn:
        known = await recall(session, request.tokens)
        results = _refuse_unknown(request.tokens, known)
        results |= _refuse_last_deliveries(session, request, known)
        left = {token: known[token] for token in request.tokens if token not in results}
        results |= await _refuse_lost_locks(session, left)
        rest = [left[token].delivery(token) for token in left if token not in results]
        if rest:
            results |= await _record_and_settle(session, request, rest)
    return [results[token] for token in request.tokens]


async def renew(
    session: PeekSession, tokens: Sequence[str]
) -> tuple[list[Result], datetime | None]:
    """Keep these for another lock duration; and until when, if any is kept.

    Raises EventGridError and StoreUnavailable.
    """
    async with session.turn:
        known = await recall(session, tokens)
        results = _refuse_unknown(tokens, known)
        if not known:
            return list(results.values()), None
        renewal = session.action("renew", [peeked.key for peeked in known.values()])
        await session.actions.note(renewal, session.clock())
        asked = session.clock()
        answer = await session.receiver.renew(list(known))
    for token, peeked in known.items():
        code = answer.failed.get(token, settlement.UNANSWERED)
        failed = None if token in answer.succeeded else code
        results[token] = _result(token, peeked.key, failed)
    until = session.locked_until(asked) if answer.succeeded else None
    return [results[token] for token in tokens], until


def _refuse_unknown(tokens: Sequence[str], known: Mapping[str, Peeked]) -> Results:
    unknown = (token for token in tokens if token not in known)
    return {token: _result(token, None, NOT_PEEKED) for token in unknown}


def _refuse_last_deliveries(
    session: PeekSession, request: SettleRequest, known: Mapping[str, Peeked]
) -> Results:
    """Refuse releases that would dead-letter an event, unless the caller gives up."""
    if request.disposition != Verb.RELEASE or request.gives_up:
        return {}
    limit = session.declared.max_delivery_count
    return {
        token: _result(token, peeked.key, LAST_DELIVERY)
        for token, peeked in known.items()
        if peeked.delivery_count >= limit
    }


async def _refuse_lost_locks(
    session: PeekSession, known: Mapping[str, Peeked]
) -> Results:
    """Refuse those whose lock is gone, as Event Grid says when asked to renew it.

    Without asking, a second settlement would overrule the entry of the first.
    """
    now = session.clock()
    renewable = [token for token, peeked in known.items() if _is_renewable(peeked, now)]
    if not renewable:
        return {}
    answer = await session.receiver.renew(renewable)
    return {
        token: _result(token, known[token].key, code)
        for token, code in answer.failed.items()
        if token in known and code != NOT_KNOWN
    }


def _is_renewable(peeked: Peeked, now: datetime) -> bool:
    """Tell whether its lock can be renewed; in its last minutes it is only held."""
    age = now - datetime.fromisoformat(peeked.at)
    return age < timedelta(seconds=RENEWABLE_SECONDS) - CLOCK_SKEW


async def _record_and_settle(
    session: PeekSession, request: SettleRequest, deliveries: list[Delivery]
) -> Results:
    name, limit = session.declared.name, session.declared.max_delivery_count
    wanted = _disposition(request)
    decided = [
        (delivery, resolve_disposition(wanted, delivery.delivery_count, limit=limit))
        for delivery in deliveries
    ]
    keys = [key_of(delivery.event) for delivery in deliveries]
    detail = f"{request.disposition}: {wanted.reason}"
    await session.actions.note(session.action("settle", keys, detail), session.clock())
    now = session.clock()
    at = stamp(now)
    entries = [audit_entry.entry(name, *pair, at, by=session.by) for pair in decided]
    await session.audit.record(name, entries, now)
    answers, failure = await settlement.settle(session.receiver, decided)
    failed = [answers[delivery.lock_token] for delivery in deliveries]
    results = zip(decided, failed, strict=True)
    drain_result.report(
        name, [Outcome(Record(now, *pair), code) for pair, code in results]
    )
    return {
        delivery.lock_token: _result(
            delivery.lock_token, key, code, disposition.VERB, failure
        )
        for (delivery, disposition), key, code in zip(
            decided, keys, failed, strict=True
        )
    }


def _result(
    token: str,
    key: EventKey | None,
    failed: str | None,
    disposition: Verb | None = None,
    failure: EventGridError | None = None,
) -> Result:
    why = None if failed is None else _WORDS.get(failed, _FAULT)
    if failure is not None and failed == settlement.UNANSWERED:
        why = f"{why}: {failure}"
    return Result(
        lock_token=token,
        id=key and key.id,
        source=key and key.source,
        disposition=disposition,
        settled=failed is None,
        failed=failed,
        why=why,
    )


def _disposition(request: SettleRequest) -> Disposition:
    said = _CONTROL.sub(" ", request.reason).strip()
    reason = f"by hand: {said}" if said else "by hand"
    if request.disposition == Verb.ACKNOWLEDGE:
        return Acknowledge(Verdict.SETTLED_BY_HAND, reason)
    if request.disposition == Verb.RELEASE:
        return Release(reason, request.delay)
    return Reject(reason)
