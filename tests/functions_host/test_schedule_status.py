"""What is kept of a timer tells a missed occurrence from a new or changed schedule."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from functions_host.timers import cron, missed_timers, schedule_status
from functions_host.timers.schedule_status import NEVER_RAN, ScheduleStatus

NOW = datetime(2026, 11, 23, 9, 25, 20, tzinfo=UTC)
NEXT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
FIVE_MINUTES = cron.parse("0 */5 * * * *")


def ago(**span: float) -> datetime:
    """Return the time that long before now."""
    return NOW - timedelta(**span)


def test_a_new_timer_waits_for_its_first_occurrence() -> None:
    """Nothing is past due for a timer that was never seen."""
    found = missed_timers.at_start(None, FIVE_MINUTES, NOW)

    assert found == (ScheduleStatus(NEVER_RAN, NEXT, NOW), False)


@pytest.mark.parametrize("missed", [timedelta(minutes=6), timedelta(days=3)])
def test_missed_occurrences_are_one_past_due_run(missed: timedelta) -> None:
    """However many were missed, the answer is that one is due."""
    stored = schedule_status.after_run(FIVE_MINUTES, NOW - missed)

    assert missed_timers.at_start(stored, FIVE_MINUTES, NOW) == (stored, True)


def test_a_tick_missed_before_the_first_run_counts() -> None:
    """The first start has written down when the first run was to be."""
    stored, _ = missed_timers.at_start(None, FIVE_MINUTES, ago(minutes=20))

    assert missed_timers.at_start(stored, FIVE_MINUTES, NOW) == (stored, True)


def test_nothing_is_past_due_before_its_time() -> None:
    """A restart between two occurrences changes nothing."""
    stored = schedule_status.after_run(FIVE_MINUTES, ago(seconds=20))

    assert missed_timers.at_start(stored, FIVE_MINUTES, NOW) == (stored, False)


def test_a_changed_schedule_is_never_past_due() -> None:
    """What the old schedule missed, the new one never had."""
    stored = schedule_status.after_run(FIVE_MINUTES, ago(days=2))
    hourly = cron.parse("0 0 * * * *")

    status, past_due = missed_timers.at_start(stored, hourly, NOW)

    assert status.next == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert not past_due


def test_a_status_from_the_future_does_not_keep_a_timer_waiting() -> None:
    """The clock was set back while the host was down."""
    stored = schedule_status.after_run(FIVE_MINUTES, NOW + timedelta(hours=1))

    status, past_due = missed_timers.at_start(stored, FIVE_MINUTES, NOW)

    assert (status.next, past_due) == (NEXT, False)


def test_a_status_survives_being_written_down() -> None:
    """What is read back is what was kept."""
    status = schedule_status.after_run(FIVE_MINUTES, ago(seconds=20.123456))

    written = json.dumps(status.document()).encode()

    assert schedule_status.from_json(written) == status


def test_a_status_of_microsofts_host_can_be_read() -> None:
    """Seven digits of a second, an offset, and the first moment of .NET."""
    raw = (
        b'{"Last":"0001-01-01T00:00:00","Next":"2026-11-23T10:30:00+01:00",'
        b'"LastUpdated":"2026-11-23T09:25:20.1234567+00:00"}'
    )

    found = schedule_status.from_json(raw)

    assert found == ScheduleStatus(
        NEVER_RAN, NEXT, NOW + timedelta(microseconds=123456)
    )


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"Last": 1}', b"\xff"])
def test_an_unreadable_status_is_as_good_as_none(raw: bytes) -> None:
    """A damaged blob makes the timer new, it does not stop it."""
    assert schedule_status.from_json(raw) is None
