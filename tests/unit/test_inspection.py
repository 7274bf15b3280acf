"""A probe is known by its id, on the event subscription that rejects it."""

from moderation import audit, inspection
from moderation.appendlog import stamp
from moderation.delivery import Acknowledge, Disposition, Reject, Verdict
from moderation.tally import Outcome
from moderation.watching import Watch
from tests.make import NOW, a_delivery, an_event


def an_outcome(
    event_id: str,
    subscription: str = "sub-flagged",
    disposition: Disposition | None = None,
    failed: str | None = None,
) -> Outcome:
    delivery = a_delivery(an_event(id=event_id))
    chosen = disposition or Reject("a probe")
    return Outcome(audit.entry(subscription, delivery, chosen, stamp(NOW)), failed)


def test_a_watch_sees_only_its_own_event_on_its_own_subscription() -> None:
    """
    The audit log gets the probe too, and acknowledges it; that is another delivery.
    """
    watch = Watch("probe", inspection.SUBSCRIPTION)
    recorded = Acknowledge(Verdict.RECORDED)

    watch.settled([an_outcome("other")])
    watch.settled([an_outcome("probe", "sub-all-events", recorded)])
    assert not watch.is_over()

    watch.settled([an_outcome("probe")])
    assert watch.is_over()
    assert watch.outcome is not None
    assert watch.outcome.entry.disposition == "reject"


def test_a_probe_that_was_not_settled_is_not_called_rejected() -> None:
    """
    The answer says what happened, not what was wanted.
    """
    lost = an_outcome("probe", failed="TokenLost")

    answer = inspection.report(lost.entry, here=True, failed=lost.failed)

    assert (answer.rejected, answer.reason) == (False, "not settled: TokenLost")


def test_each_probe_has_an_id_of_its_own() -> None:
    """
    Two people may inspect at once.
    """
    assert inspection.probe(NOW)["id"] != inspection.probe(NOW)["id"]
