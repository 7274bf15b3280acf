"""Percentiles from few numbers: near enough, and the same in whatever order they came."""

from math import ceil

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventgrid_pull.draining.histogram import ERROR, LAST, Histogram

YEAR = 366 * 86_400_000.0
SHARES = 0.1, 0.5, 0.99
TIMES = st.lists(st.floats(min_value=0, max_value=YEAR), min_size=1, max_size=200)


def a_histogram(milliseconds: list[float]) -> Histogram:
    histogram = Histogram()
    histogram.add_all(milliseconds)
    return histogram


@given(TIMES, st.sampled_from([0.01, 0.5, 0.9, 0.99, 1.0]))
def test_a_percentile_is_near_the_true_one(times: list[float], share: float) -> None:
    """Within 5 % of it, or half a millisecond where it is below one."""
    true = sorted(times)[ceil(share * len(times)) - 1]

    [found] = a_histogram(times).percentiles(share)

    assert found is not None
    assert abs(found - true) <= max(ERROR * true, 0.5)


@given(st.lists(TIMES, min_size=1, max_size=8), st.randoms())
def test_histograms_add_up_to_the_same_in_any_order(
    parts: list[list[float]], random: object
) -> None:
    """Lanes and instances note theirs in whatever order."""
    shuffled = parts.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    whole = a_histogram([ms for part in parts for ms in part])
    one_way, other_way = Histogram(), Histogram()
    for part, other in zip(parts, shuffled, strict=True):
        one_way.merge(a_histogram(part))
        other_way.merge(a_histogram(other))

    for merged in (one_way, other_way):
        assert (merged.count, merged.max) == (whole.count, whole.max)
        assert merged.buckets == whole.buckets
        assert [*merged.percentiles(*SHARES)] == [*whole.percentiles(*SHARES)]


def test_a_histogram_stays_small_whatever_is_measured() -> None:
    """An event's own time may be any: it may have waited for two thousand years."""
    times = [1.05**power for power in range(650)] + [6.4e13] * 1000
    histogram = a_histogram(times)

    assert max(histogram.buckets) == LAST
    assert len(msgspec.json.encode(histogram)) < 4000
    assert list(histogram.percentiles(0.99)) == [6.4e13]


def test_nothing_measured_is_nothing_known() -> None:
    """Not zero."""
    histogram = Histogram()

    assert (histogram.mean, *histogram.percentiles(0.5)) == (None, None)


@pytest.mark.parametrize("milliseconds", [0.0, 0.2, 0.9999, 1.0, 1.0001, 40.0])
def test_a_percentile_never_exceeds_the_largest(milliseconds: float) -> None:
    """A p99 beyond the maximum would look like a mistake."""
    [found] = a_histogram([milliseconds]).percentiles(0.99)

    assert found is not None
    assert found <= milliseconds
