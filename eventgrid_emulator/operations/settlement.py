"""Acknowledge, release, reject and renewLock: lock tokens in, the result in two lists."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from eventgrid_emulator.cloudevents import check_mark
from eventgrid_emulator.errors import TokenError, bad_request
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.namespace.subscription import Subscription
from eventgrid_emulator.operations.request_line import Operation
from eventgrid_emulator.queue import lock_tokens
from eventgrid_emulator.queue.entries import Entry, State

MAX_TOKENS = 100
DONE = {
    Operation.ACKNOWLEDGE: "acknowledged",
    Operation.RELEASE: "released",
    Operation.REJECT: "rejected",
    Operation.RENEW_LOCK: "lock renewed",
}

type Act = Callable[[bytes, float], Entry | None]


@dataclass(slots=True)
class Settled:
    """The lock tokens of a settlement, in two lists."""

    succeeded: list[str] = field(default_factory=list)
    failed: list[tuple[str, TokenError]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def body(self) -> bytes:
        """Return the body of the answer: both lists, always."""
        failed = [
            {
                "lockToken": token,
                "error": {"code": error.code, "message": error.message},
            }
            for token, error in self.failed
        ]
        return msgspec.json.encode(
            {"succeededLockTokens": self.succeeded, "failedLockTokens": failed}
        )


class _Body(msgspec.Struct):
    lock_tokens: list[str] = msgspec.field(name="lockTokens")


_decode = msgspec.json.Decoder(_Body).decode


def read_tokens(body: bytes) -> list[str]:
    """Return the lock tokens of a request, 1 to 100 of them."""
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
    operation: Operation,
    tokens: Iterable[str],
    delay: float = 0.0,
) -> Settled:
    """Settle each token on its own; the caller has it stored."""
    now = namespace.clock.now()
    settled = _apply(_act(subscription, operation, delay), tokens, now)
    entries = settled.entries
    _record(namespace, subscription, operation, entries, now + delay)
    numbers = [entry.event.number for entry in entries]
    namespace.note(subscription, DONE[operation], numbers)
    subscription.counts.failed_tokens += len(settled.failed)
    if entries and operation in (Operation.RELEASE, Operation.REJECT):
        namespace.serve(subscription, now)
    return settled


def pretend(
    namespace: Namespace, subscription: Subscription, tokens: Iterable[str]
) -> Settled:
    """Answer as if acknowledged; the locks stay, and the events are delivered again."""
    return _apply(subscription.queue.find, tokens, namespace.clock.now())


def lose_locks(
    namespace: Namespace, subscription: Subscription, tokens: Iterable[str]
) -> None:
    """End the locks as if they had expired."""
    now = namespace.clock.now()
    release = _act(subscription, Operation.RELEASE, 0)
    lost = _apply(release, tokens, now).entries
    held = [entry for entry in lost if entry.state is not State.LOCKED]
    namespace.journal.release(subscription.key, held, now)
    namespace.serve(subscription, now)


def _apply(act: Act, tokens: Iterable[str], now: float) -> Settled:
    settled = Settled()
    for token in tokens:
        secret = lock_tokens.decode(token)
        entry = act(secret, now) if secret is not None else None
        if entry is not None:
            settled.succeeded.append(token)
            settled.entries.append(entry)
        else:
            error = TokenError.BAD_TOKEN if secret is None else TokenError.TOKEN_LOST
            settled.failed.append((token, error))
    return settled


def _act(subscription: Subscription, operation: Operation, delay: float) -> Act:
    queue = subscription.queue
    if operation is Operation.RELEASE:
        return lambda secret, now: queue.release(secret, delay, now)
    acts = {
        Operation.ACKNOWLEDGE: queue.acknowledge,
        Operation.REJECT: queue.reject,
        Operation.RENEW_LOCK: queue.renew,
    }
    return acts[operation]


def _record(
    namespace: Namespace,
    subscription: Subscription,
    operation: Operation,
    entries: list[Entry],
    due: float,
) -> None:
    key, journal, counts = subscription.key, namespace.journal, subscription.counts
    match operation:
        case Operation.ACKNOWLEDGE:
            counts.acknowledged += len(entries)
            journal.forget(key, [entry.event for entry in entries])
        case Operation.REJECT:
            counts.rejected += len(entries)
        case Operation.RENEW_LOCK:
            counts.renewed += len(entries)
            journal.renew(key, entries)
        case Operation.RELEASE:
            counts.released += len(entries)
            held = [entry for entry in entries if entry.state is not State.LOCKED]
            journal.release(key, held, due)
