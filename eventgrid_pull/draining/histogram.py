"""How long things took, counted in buckets that grow: small, and easy to add up."""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import ceil, log

import msgspec

# Bucket n ends at GROWTH ** n ms and bucket 0 at 1 ms, so that a percentile is off by
# no more than ERROR of its value (below 1 ms: by half a millisecond).
GROWTH = 1.1
ERROR = 0.05
LAST = 256  # begins beyond a year: whatever takes longer is counted there
LONGEST = GROWTH ** (LAST - 1)
_SCALE = 1 / log(GROWTH)


class Histogram(msgspec.Struct, rename="camel", omit_defaults=True):
    """How many times something was measured, their sum and the largest, in ms.

    `buckets`: number of a bucket → how many fell into it. Measurements of before there
    were buckets are in the other three only.
    """

    count: int = 0
    sum: float = 0.0
    max: float = 0.0
    buckets: dict[int, int] = {}

    @property
    def mean(self) -> float | None:
        """Return the mean in ms; None when nothing was measured."""
        return self.sum / self.count if self.count else None

    def add(self, *milliseconds: float) -> None:
        """Add measurements, none of them negative."""
        self.add_all(milliseconds)

    def add_all(self, milliseconds: Sequence[float]) -> None:
        """Add measurements, at least one."""
        buckets = Counter([int(log(ms) * _SCALE) + 1 for ms in milliseconds if ms >= 1])
        if brief := len(milliseconds) - buckets.total():
            buckets[0] = brief
        total, largest = sum(milliseconds), max(milliseconds)
        if largest >= LONGEST:
            late = [bucket for bucket in buckets if bucket > LAST]
            buckets[LAST] += sum(buckets.pop(bucket) for bucket in late)
        self.merge(Histogram(len(milliseconds), total, largest, buckets))

    def merge(self, other: "Histogram") -> None:
        """Add all measurements of another."""
        self.count += other.count
        self.sum += other.sum
        self.max = max(self.max, other.max)
        mine = self.buckets
        for bucket, count in other.buckets.items():
            mine[bucket] = mine.get(bucket, 0) + count

    def percentiles(self, *shares: float) -> Iterator[float | None]:
        """Yield what that share (0 to 1) of the measurements does not exceed, in ms.

        Within `ERROR` of the true one; None when there are no buckets.
        """
        buckets = sorted(self.buckets.items())
        for share in shares:
            rank = ceil(share * sum(self.buckets.values()))
            for bucket, count in buckets:
                rank -= count
                if rank <= 0:
                    yield min(_middle(bucket), self.max) if bucket < LAST else self.max
                    break
            else:
                yield None


def _middle(bucket: int) -> float:
    """Return the value that is off by the same part of it at both ends of the bucket."""
    return 2 * GROWTH**bucket / (GROWTH + 1) if bucket else 0.5
