"""A probe is known by its id, on the event subscription that rejects it."""

import msgspec
import pytest

from eventgrid_pull.blob.append_log import stamp
from eventgrid_pull.drain_result import Outcome
from eventgrid_pull.outcomes import Acknowledge, Disposition, Reject
from eventgrid_pull.recorder import Record
from eventgrid_pull.watching import Watch
from moderation import probe
from moderation.audit import entry
from moderation.events import Verdict
from tests.make import APPROVED, NOW, a_delivery, an_event, declaring


def an_outcome(
    event_id: str, disposition: Disposition | None = None, failed: str | None = None
) -> Outcome:
    delivery = a_delivery(an_event(id=event_id))
    chosen = disposition or Reject("a probe")
    return Outcome(Record(NOW, delivery, chosen), failed)


def test_a_watch_sees_only_its_own_event_on_its_own_subscription() -> None:
    """
    The audit log gets the probe too, and acknowledges it; that is another delivery.
    """
    watch = Watch("probe", "sub-flagged")
    recorded = Acknowledge(Verdict.RECORDED)

    watch.settled("sub-flagged", [an_outcome("other")])
    watch.settled("sub-all-events", [an_outcome("probe", recorded)])
    assert not watch.is_over()

    watch.settled("sub-flagged", [an_outcome("probe")])
    assert watch.is_over()
    assert watch.outcome is not None
    assert watch.outcome.record.disposition == Reject("a probe")


def test_a_probe_that_was_not_settled_is_not_called_rejected() -> None:
    """
    The answer says what happened, not what was wanted.
    """
    lost = an_outcome("probe", failed="TokenLost")

    record = lost.record
    made = entry.entry("sub-flagged", record.delivery, record.disposition, stamp(NOW))

    answer = probe.report(made, here=True, failed=lost.failed)

    assert (answer.rejected, answer.reason) == (False, "not settled: TokenLost")


@pytest.mark.parametrize(
    ("names", "place"),
    [
        (["sub-approved", "sub-flagged"], "sub-flagged"),
        (["flagged"], None),  # nobody handles that one
        (["sub-approved"], None),
        ([], None),
    ],
)
def test_a_probe_goes_where_it_is_rejected_or_nowhere(
    names: list[str], place: str | None
) -> None:
    """
    Another handler would act on it as on any event.
    """
    assert probe.place(declaring(*names)) == place


def test_a_filter_that_keeps_the_probe_out_is_seen_before_it_is_published() -> None:
    """
    Nobody waits for 30 seconds for what cannot come.
    """
    shape = declaring("sub-flagged")
    taking = shape.event_subscriptions[0].filters_configuration
    other = msgspec.structs.replace(taking, included_event_types=[APPROVED])
    one = msgspec.structs.replace(
        shape.event_subscriptions[0], filters_configuration=other
    )

    kept_out = msgspec.structs.replace(shape, event_subscriptions=[one])
    assert probe.place(kept_out) is None


def test_each_probe_has_an_id_of_its_own() -> None:
    """
    Two people may inspect at once.
    """
    assert probe.probe(NOW)["id"] != probe.probe(NOW)["id"]
