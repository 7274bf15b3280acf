"""Decisions are values; how often and how late is decided here."""

from eventgrid_pull.outcomes import (
    Acknowledge,
    Disposition,
    Reject,
    Release,
    ReleaseDelay,
    resolve_disposition,
)
from tests.eventgrid_pull.orders import a_delivery


def test_a_failing_event_is_released_ever_later_and_then_given_up() -> None:
    """The last permitted delivery is rejected by us, not expired by Event Grid."""
    failed = Release("boom")
    answers = [resolve_disposition(failed, count, limit=6) for count in range(1, 7)]

    delays = [answer.delay for answer in answers if isinstance(answer, Release)]
    assert delays == [10, 60, 600, 3600, 3600]
    assert answers[-1] == Reject("gave up after 6 deliveries: boom")


def test_a_delay_that_the_handler_chose_is_kept() -> None:
    """The handler may know better when to try again."""
    chosen = Release("later", ReleaseDelay.ONE_HOUR)

    assert resolve_disposition(chosen, 1, limit=10) == chosen


def test_other_dispositions_are_carried_out_as_they_are() -> None:
    """Only a release depends on the delivery count."""
    done: list[Disposition] = [Acknowledge("kept"), Reject("no")]

    assert [
        resolve_disposition(disposition, 10, limit=10) for disposition in done
    ] == done


def test_a_delivery_count_that_is_off_does_not_stop_anything() -> None:
    """Other emulators count from 0, or do not count."""
    assert resolve_disposition(Release("x"), 0, limit=10) == Release(
        "x", ReleaseDelay(10)
    )


def test_a_shortened_lock_token_cannot_settle_anything() -> None:
    """The audit log may be read by people who must not settle."""
    delivery = a_delivery()

    assert len(delivery.short_token) == 11
    assert delivery.short_token.startswith("CiYK…")
    assert delivery.lock_token.endswith(delivery.short_token[-6:])
