"""What a drain counts is small, whatever the events make up."""

import msgspec

from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.drain_result import Outcome, Tally
from eventgrid_pull.outcomes import Acknowledge, Delivery, Disposition, Reject, Verdict
from moderation.activity.counters import (
    NAMES,
    OTHERS,
    count_into,
    count_pairs_into,
    largest,
)
from moderation.activity.log import Summary
from moderation.audit import entry
from tests.make import APPROVED, NOW, a_delivery, a_result, an_event, minutes

DONE = Acknowledge(Verdict.RECORDED)


def a_tally() -> Tally:
    return Tally("sub-flagged", Summary(at="", subscription="sub-flagged"))


def counted(tally: Tally, *deliveries: Delivery) -> None:
    """All of them acknowledged, and settled."""
    at = stamp(NOW)
    outcomes = [
        Outcome(entry.entry("sub-flagged", one, DONE, at), None) for one in deliveries
    ]
    tally.add(deliveries, outcomes)


def judged(**changes: object) -> Delivery:
    return a_delivery(an_event(a_result(**changes)))


def test_what_the_models_said_is_counted() -> None:
    """
    Categories by severity, confidences in tenths, models with their version.
    """
    tally = a_tally()
    counted(
        tally,
        judged(category="hate", severity="high", confidence=1.0),
        judged(category="hate", severity="low", confidence=0.9, modelVersion="2.5.0"),
        judged(category="violence", severity="high", confidence=0.3),
        a_delivery(an_event(type="com.contoso.ai.Unheard")),
    )

    found = tally.end(NOW)

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
    tally = a_tally()
    counted(tally, judged(), judged())
    first = tally.take(NOW)
    counted(tally, a_delivery(an_event(type=APPROVED)))

    last = tally.end(NOW + minutes(1))

    assert (first.received, first.drains, first.at) == (2, 0, stamp(NOW))
    assert (last.received, last.drains, last.at) == (1, 1, stamp(NOW + minutes(1)))
    assert (tally.summary.received, tally.summary.drains) == (3, 1)
    assert tally.summary.models == {"text-moderator-v2 2.4.0": 3}
    assert tally.settled == {"acknowledge": 3}


def test_what_was_not_settled_is_not_counted_as_settled() -> None:
    """
    The disposition was recorded, but Event Grid did not take it.
    """
    tally, deliveries = a_tally(), [judged(), judged()]
    chosen: list[Disposition] = [DONE, Reject("no")]
    entries = [
        entry.entry("sub-flagged", *pair, stamp(NOW))
        for pair in zip(deliveries, chosen, strict=True)
    ]

    tally.add(deliveries, [Outcome(entries[0], "TokenLost"), Outcome(entries[1], None)])

    assert (tally.settled, tally.failed) == ({"reject": 1}, {"TokenLost": 1})
    assert tally.summary.dispositions == {"acknowledge": 1, "reject": 1}
    assert tally.summary.failed == {"TokenLost": 1}


def test_a_summary_stays_small_whatever_events_make_up() -> None:
    """
    Thousands of names of any length and alphabet are one line of the log.
    """
    tally = a_tally()
    for first in range(0, 1200, 100):
        numbers = range(first, first + 100)
        counted(
            tally,
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

    found = tally.end(NOW)

    assert len(found.models) == len(found.matrix) == len(found.types) == NAMES + 1
    assert found.categories[OTHERS] == 1200 - NAMES
    assert sum(found.models.values()) == 1200
    assert len(msgspec.json.encode(found)) < 100_000


def test_the_largest_counts_come_first_and_nothing_is_left_out() -> None:
    """
    A table shows the names that matter, and its sum is right.
    """
    counts = {"few": 1, OTHERS: 4, "many": 9, "some": 3}

    assert largest(counts, 2) == {"many": 9, "some": 3, OTHERS: 5}
    assert largest({"one": 1}) == {"one": 1}


def test_a_name_that_is_known_is_counted_however_many_there_are() -> None:
    """
    Only new names are put together.
    """
    counts = {f"{number}": {"high": 1} for number in range(NAMES)}

    count_pairs_into(counts, {"0": {"high": 2}, "new": {"low": 1}})

    assert (counts["0"], counts[OTHERS]) == ({"high": 3}, {"low": 1})


def test_a_long_name_is_cut_and_counted_once() -> None:
    """
    Eighty characters tell names apart.
    """
    counts: dict[str, int] = {}

    for _ in range(2):
        count_into(counts, {"x" * 1000: 2})

    assert counts == {"x" * 79 + "…": 4}
