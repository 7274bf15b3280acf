"""When a timer last ran and runs next, as it is kept between two lives of the host."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from functions_host.timers.cron import NEVER, Schedule

NEVER_RAN = datetime(1, 1, 1, tzinfo=UTC)
# .NET writes seven digits of a second; Python reads six.
EXCESS_DIGITS = re.compile(r"(\.\d{6})\d+")


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    """The last occurrence that ran, the next one, and when this was written."""

    last: datetime
    next: datetime
    last_updated: datetime

    def document(self) -> dict[str, str]:
        """Return the status in the words of the Functions host."""
        return {
            "Last": self.last.isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.last_updated.isoformat(),
        }


def from_json(raw: bytes) -> ScheduleStatus | None:
    """Return the stored status; None if it cannot be read, as if the timer were new."""
    try:
        document = json.loads(raw)
        times = [_time(document[k]) for k in ("Last", "Next", "LastUpdated")]
    except (ValueError, TypeError, KeyError):
        return None
    return ScheduleStatus(*times)


def after_run(schedule: Schedule, began: datetime) -> ScheduleStatus:
    """Return the status after a run that began then; the next counts from its start."""
    return ScheduleStatus(began, schedule.after(began), began)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(EXCESS_DIGITS.sub(r"\1", text))
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        # The first and the last moment of .NET, seen from another time zone.
        return NEVER if time.year > 1 else NEVER_RAN
