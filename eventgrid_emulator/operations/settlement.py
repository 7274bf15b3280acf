"""Acknowledge, release, reject and renewLock: lock tokens in, the result in two lists."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from eventgrid_emulator.cloudevents import check_mark
from eventgrid_emulator.errors import FailedToken, TokenError, bad_request
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.namespace.subscription import Subscription
from eventgrid_emulator.queue import lock_tokens
from eventgrid_emulator.queue.entries import Entry, State

MAX_TOKENS = 100
_encode = msgspec.json.encode

type Act = Callable[[bytes, float], Entry | None]


class Verb(Enum):
    """What can be done with a lock."""

    ACKNOWLEDGE = "acknowledge"
    RELEASE = "release"
    REJECT = "reject"
    RENEW = "renewLock"


_PAST = {
    Verb.ACKNOWLEDGE: "acknowledged",
    Verb.RELEASE: "released",
    Verb.REJECT: "rejected",
    Verb.RENEW: "lock renewed",
}


@dataclass(slots=True)
class Settled:
    """The lock tokens of a settlement, in two lists."""

    succeeded: list[str] = field(default_factory=list)
    failed: list[FailedToken] = field(default_factory=list)

    def answer(self) -> bytes:
        """The body of the answer: both lists, always."""
        items = [
            {
                "lockToken": each.lock_token,
                "error": {"code": each.error.value[0], "message": each.error.value[1]},
            }
            for each in self.failed
        ]
        return _encode(
            {"succeededLockTokens": self.succeeded, "failedLockTokens": items}
        )


class _Body(msgspec.Struct):
    lock_tokens: list[str] = msgspec.field(name="lockTokens")


_decode = msgspec.json.Decoder(_Body).decode


def read_tokens(body: bytes) -> list[str]:
    """The lock tokens of a request, 1 to 100 of them."""
    check_mark(body)
    try:
        tokens = _decode(body).lock_tokens
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise bad_request(
            f'The body must be {{"lockTokens": [...]}}: {problem}'
        ) from None
    if not 1 <= len(tokens) <= MAX_TOKENS:
        raise bad_request(
            f"A request names 1 to {MAX_TOKENS} lock tokens; this one has {len(tokens)}"
        )
    return tokens


def settle(
    namespace: Namespace,
    subscription: Subscription,
    verb: Verb,
    tokens: Iterable[str],
    delay: float = 0.0,
) -> Settled:
    """What became of each token, tried on its own; the caller has it stored."""
    now = namespace.clock.now()
    act = _act(subscription, verb, delay)
    settled = Settled()
    entries: list[Entry] = []
    for token in tokens:
        secret = lock_tokens.decode(token)
        entry = act(secret, now) if secret is not None else None
        if entry is not None:
            settled.succeeded.append(token)
            entries.append(entry)
        else:
            lost = TokenError.BAD_TOKEN if secret is None else TokenError.TOKEN_LOST
            settled.failed.append(FailedToken(token, lost))
    _record(namespace, subscription, verb, entries, now + delay)
    namespace.note(subscription, _PAST[verb], [each.event.number for each in entries])
    subscription.counts.failed_tokens += len(settled.failed)
    if entries and verb in (Verb.RELEASE, Verb.REJECT):
        namespace.serve(subscription, now)
    return settled


def pretend(
    namespace: Namespace, subscription: Subscription, tokens: Iterable[str]
) -> Settled:
    """As if acknowledged, but the locks stay: the events will be delivered again."""
    now = namespace.clock.now()
    settled = Settled()
    for token in tokens:
        secret = lock_tokens.decode(token)
        if secret is not None and subscription.queue.holds(secret, now):
            settled.succeeded.append(token)
        else:
            lost = TokenError.BAD_TOKEN if secret is None else TokenError.TOKEN_LOST
            settled.failed.append(FailedToken(token, lost))
    return settled


def lose_locks(
    namespace: Namespace, subscription: Subscription, tokens: Iterable[str]
) -> None:
    """The locks end as if they had expired."""
    now = namespace.clock.now()
    secrets = [lock_tokens.decode(token) for token in tokens]
    lost = [subscription.queue.release(secret, 0, now) for secret in secrets if secret]
    held = [each for each in lost if each and each.state is not State.LOCKED]
    namespace.journal.released(subscription.key, held, now)
    namespace.serve(subscription, now)


def _act(subscription: Subscription, verb: Verb, delay: float) -> Act:
    queue = subscription.queue
    match verb:
        case Verb.ACKNOWLEDGE:
            return queue.acknowledge
        case Verb.REJECT:
            return queue.reject
        case Verb.RENEW:
            return queue.renew
        case Verb.RELEASE:
            return lambda secret, now: queue.release(secret, delay, now)


def _record(
    namespace: Namespace,
    subscription: Subscription,
    verb: Verb,
    entries: list[Entry],
    due: float,
) -> None:
    key, journal, counts = subscription.key, namespace.journal, subscription.counts
    match verb:
        case Verb.ACKNOWLEDGE:
            counts.acknowledged += len(entries)
            journal.forgotten(key, [entry.event for entry in entries])
        case Verb.REJECT:
            counts.rejected += len(entries)
        case Verb.RENEW:
            counts.renewed += len(entries)
            journal.renewed(key, entries)
        case Verb.RELEASE:
            counts.released += len(entries)
            held = [each for each in entries if each.state is not State.LOCKED]
            journal.released(key, held, due)
