"""What a drain, or a minute of one, did in numbers: for charts, and to be added up."""

import msgspec

from eventgrid_pull.draining.counters import count_into
from eventgrid_pull.draining.histogram import Histogram

COUNTS = ("dispositions", "types", "failed")


class DrainSummary(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """What a drain, or a minute of one, did to one event subscription.

    `at` is when it was noted; `drains` is 0 for a drain that goes on. `last_full` says
    that every receive brought at once as many events as it may: there are more. `waited` is
    from when we published an event to its first delivery; `queue_delay` the same by its
    publisher's clock, for events that do not say when we did. `handling` is how long
    the handlers of a batch took. `failed` counts lock tokens that were not settled.
    `completed` is false when Event Grid or the recorder ended the drain.
    """

    at: str
    subscription: str
    completed: bool = True
    drains: int = 1
    received: int = 0
    full_batches: int = 0
    last_full: bool = False
    dispositions: dict[str, int] = {}
    types: dict[str, int] = {}
    failed: dict[str, int] = {}
    waited: Histogram = msgspec.field(default_factory=Histogram)
    queue_delay: Histogram = msgspec.field(default_factory=Histogram)
    handling: Histogram = msgspec.field(default_factory=Histogram)

    def count(self, other: "DrainSummary") -> None:
        """Add what another summary counted."""
        self.drains += other.drains
        self.received += other.received
        self.full_batches += other.full_batches
        for name in COUNTS:
            if more := getattr(other, name):
                count_into(getattr(self, name), more)
        self.waited.merge(other.waited)
        self.queue_delay.merge(other.queue_delay)
        self.handling.merge(other.handling)
