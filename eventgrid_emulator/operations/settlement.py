"""Acknowledge, release, reject and renewLock: lock tokens in, the result in two lists."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from eventgrid_emulator.errors import TokenError, bad_request
from eventgrid_emulator.events.cloudevents import refuse_byte_order_mark
from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.namespace.subscription import Subscription
from eventgrid_emulator.operations.query_parameters import Operation
from eventgrid_emulator.queue import lock_tokens
from eventgrid_emulator.queue.entries import Entry, State
from eventgrid_emulator.storage.journal import Journal

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
    refuse_byte_order_mark(body)
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
    """Settle each token on its own; the caller commits."""
    now, journal = namespace.clock.now(), namespace.journal
    queue, counts = subscription.queue, subscription.counts
    match operation:
        case Operation.ACKNOWLEDGE:
            settled = _apply(queue.acknowledge, tokens, now)
            counts.acknowledged += len(settled.entries)
            journal.forget(subscription.key, [entry.event for entry in settled.entries])
        case Operation.REJECT:
            settled = _apply(queue.reject, tokens, now)
            counts.rejected += len(settled.entries)
        case Operation.RENEW_LOCK:
            settled = _apply(queue.renew, tokens, now)
            counts.renewed += len(settled.entries)
            journal.renew(subscription.key, settled.entries)
        case _:
            settled = _release(journal, subscription, tokens, delay, now)
            counts.released += len(settled.entries)
    counts.failed_tokens += len(settled.failed)
    numbers = [entry.event.number for entry in settled.entries]
    namespace.note(subscription, DONE[operation], numbers)
    if numbers and operation in (Operation.RELEASE, Operation.REJECT):
        namespace.serve(subscription, now)
    return settled


def acknowledge_in_name_only(
    namespace: Namespace, subscription: Subscription, tokens: Iterable[str]
) -> Settled:
    """Answer as if acknowledged; the locks stay, and the events are delivered again."""
    return _apply(subscription.queue.find, tokens, namespace.clock.now())


def lose_locks(
    namespace: Namespace, subscription: Subscription, tokens: Iterable[str]
) -> None:
    """End the locks as if they had expired."""
    now = namespace.clock.now()
    _release(namespace.journal, subscription, tokens, 0, now)
    namespace.serve(subscription, now)


def _release(
    journal: Journal,
    subscription: Subscription,
    tokens: Iterable[str],
    delay: float,
    now: float,
) -> Settled:
    release = subscription.queue.release
    settled = _apply(lambda secret, now: release(secret, delay, now), tokens, now)
    held = [entry for entry in settled.entries if entry.state is not State.LOCKED]
    journal.release(subscription.key, held, now + delay)
    return settled


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
