"""How many events to ask for at once, and whether to ask with one receiver more."""

from collections.abc import Sequence

from moderation.delivery import Delivery

# What Event Grid gives at most in one receive.
BATCH = 100
# A hundred events may be 100 MB, and four such batches more than an instance has.
LARGE_BATCH = 16 * 1024 * 1024
# The part of a lock that a batch may take before the next one is smaller.
SLOW = 0.25


def next_size(size: int, took: float, last: Sequence[Delivery]) -> int:
    """How many events to ask for after the last batch, 1 to 100.

    `took` is what part of its locks' time that took. Fewer after one that took long or
    was large: an event that waits for its neighbours uses up its lock, and handing it
    back would cost a delivery.
    """
    if took > SLOW or _is_large(last):
        return max(1, size // 2)
    return min(BATCH, size * 2) if took < SLOW / 4 else size


def calls_for_more(last: Sequence[Delivery]) -> bool:
    """Whether one more receiver is worth its while: there is a backlog, of events that
    fit into memory.
    """
    return len(last) == BATCH and not _is_large(last)


def _is_large(deliveries: Sequence[Delivery]) -> bool:
    return sum(len(one.raw) for one in deliveries) >= LARGE_BATCH
