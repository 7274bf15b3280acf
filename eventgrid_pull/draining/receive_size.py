"""How many events to ask for at once: as many as fit into memory, and into their locks."""

import msgspec

from eventgrid_pull.event import Delivery

# What Event Grid gives at most in one receive.
BATCH = 100
# So many are asked for while nobody knows what they weigh: each may have a megabyte.
FIRST = 8
# What a batch may weigh. Four receivers hold four of them, and recording and sending
# them takes several copies of each.
BATCH_BYTES = 1024 * 1024
# The part of a lock that a batch may take before the next one is smaller.
SLOW = 0.25


def next_size(size: int, took: float) -> int:
    """Return how many events to ask for after a batch of that size, 1 to 100.

    `took` is what part of its locks' time that took. Fewer after one that took long: an
    event that waits for its neighbours uses up its lock, and handing it back would cost
    a delivery.
    """
    if took > SLOW:
        return max(1, size // 2)
    return min(BATCH, size * 2) if took < SLOW / 4 else size


class Received(msgspec.Struct, frozen=True):
    """The answer to one receive, how many events it asked for, and when it came."""

    asked: int
    deliveries: list[Delivery]
    at: float

    @property
    def is_full(self) -> bool:
        """Return whether there may be more."""
        return len(self.deliveries) >= self.asked

    @property
    def fitting(self) -> int:
        """Return how many events like these a batch may have, 1 to 100."""
        weight = sum(len(delivery.event.raw) for delivery in self.deliveries)
        fits = BATCH_BYTES * len(self.deliveries) // max(1, weight)
        return min(BATCH, max(1, fits))
