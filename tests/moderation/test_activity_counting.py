"""What a drain counts is small, whatever the events make up."""

from datetime import datetime

import msgspec

from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.draining.counters import (
    NAMES,
    OTHERS,
    count_into,
    count_pairs_into,
    largest,
)
from eventgrid_pull.draining.drain_result import DrainResult, Outcome
from eventgrid_pull.event import Delivery
from eventgrid_pull.outcomes import Acknowledge
from eventgrid_pull.recorder import Record
from moderation.activity.log import DrainCounts, Summary
from moderation.events import Verdict
from tests.make import APPROVED, NOW, a_delivery, a_result, an_event, minutes

DONE = Acknowledge(Verdict.RECORDED)


class Drained:
    """What a drain counts, with what the models said."""

    def __init__(self) -> None:
        self.result = DrainResult("sub-flagged")
        self._counts = DrainCounts()

    def add(self, *outcomes: Outcome) -> None:
        self.result.add(outcomes)
        self._counts.add([outcome.record for outcome in outcomes])

    def take(self, now: datetime) -> Summary:
        return self._counts.summary(self.result.take(now))

    def end(self, now: datetime) -> Summary:
        return self._counts.summary(self.result.end(now))


def counted(drained: Drained, *deliveries: Delivery) -> None:
    """All of them acknowledged, and settled."""
    drained.add(
        *(Outcome(Record(NOW, delivery, DONE), None) for delivery in deliveries)
    )


def judged(**changes: object) -> Delivery:
    return a_delivery(an_event(a_result(**changes)))


def test_what_the_models_said_is_counted() -> None:
    """Categories by severity, confidences in tenths, models with their version."""
    drained = Drained()
    counted(
        drained,
        judged(category="hate", severity="high", confidence=1.0),
        judged(category="hate", severity="low", confidence=0.9, modelVersion="2.5.0"),
        judged(category="violence", severity="high", confidence=0.3),
        a_delivery(an_event(type="com.contoso.ai.Unheard")),
    )

    found = drained.end(NOW)

    assert found.matrix == {"hate": {"high": 1, "low": 1}, "violence": {"high": 1}}
    assert found.categories == {"hate": 2, "violence": 1}
    assert found.severities == {"high": 2, "low": 1}
    assert found.confidences == [0, 0, 0, 1, 0, 0, 0, 0, 0, 2]
    assert found.models == {"text-moderator-v2 2.4.0": 2, "text-moderator-v2 2.5.0": 1}
    assert found.received == 4


def test_a_minute_of_a_drain_and_the_rest_add_up() -> None:
    """
    Each event is in one line of the activity log; the caller of the drain gets it all.
    """
    drained = Drained()
    counted(drained, judged(), judged())
    first = drained.take(NOW)
    counted(drained, a_delivery(an_event(type=APPROVED)))

    last = drained.end(NOW + minutes(1))

    assert (first.received, first.drains, first.at) == (2, 0, stamp(NOW))
    assert (last.received, last.drains, last.at) == (1, 1, stamp(NOW + minutes(1)))
    assert (drained.result.summary.received, drained.result.summary.drains) == (3, 1)
    assert first.models == {"text-moderator-v2 2.4.0": 2}
    assert last.models == {"text-moderator-v2 2.4.0": 1}
    assert drained.result.settled == {"acknowledge": 3}


def test_a_summary_stays_small_whatever_events_make_up() -> None:
    """Thousands of names of any length and alphabet are one line of the log."""
    drained = Drained()
    for first in range(0, 1200, 100):
        numbers = range(first, first + 100)
        counted(
            drained,
            *(
                a_delivery(
                    an_event(
                        a_result(
                            category=f"{number}" + "\x01" * 200,
                            modelName=f"{number}" + "ж" * 200,
                        )
                    )
                )
                for number in numbers
            ),
            *(
                a_delivery(an_event(type=f"{number}" + "💥" * 1000))
                for number in numbers
            ),
        )

    found = drained.end(NOW)

    assert len(found.models) == len(found.matrix) == len(found.types) == NAMES + 1
    assert found.categories[OTHERS] == 1200 - NAMES
    assert sum(found.models.values()) == 1200
    assert len(msgspec.json.encode(found)) < 100_000


def test_the_largest_counts_come_first_and_nothing_is_left_out() -> None:
    """A table shows the names that matter, and its sum is right."""
    counts = {"few": 1, OTHERS: 4, "many": 9, "some": 3}

    assert largest(counts, 2) == {"many": 9, "some": 3, OTHERS: 5}
    assert largest({"one": 1}) == {"one": 1}


def test_a_name_that_is_known_is_counted_however_many_there_are() -> None:
    """Only new names are put together."""
    counts = {f"{number}": {"high": 1} for number in range(NAMES)}

    count_pairs_into(counts, {"0": {"high": 2}, "new": {"low": 1}})

    assert (counts["0"], counts[OTHERS]) == ({"high": 3}, {"low": 1})


def test_a_long_name_is_cut_and_counted_once() -> None:
    """Eighty characters tell names apart."""
    counts: dict[str, int] = {}

    for _ in range(2):
        count_into(counts, {"x" * 1000: 2})

    assert counts == {"x" * 79 + "…": 4}
