"""Where dead letters lie: every name of a blob is built here, and read here.

A dead letter's is
`<namespace>/<topic>/<event subscription>/<year>/<month>/<day>/<hour>/<file>`, the
numbers padded or not; once every event in it is done, `archived/` and that; and
`redrives/` and that, with `.ndjson`, is its ledger.
"""

import re
from datetime import UTC, date, datetime
from typing import NamedTuple

ARCHIVE, LEDGERS = "archived", "redrives"
_LINES = ".ndjson"
_DEAD_LETTER = re.compile(
    r"(?P<namespace>[A-Za-z0-9-]{1,50})/(?P<topic>[A-Za-z0-9-]{1,50})"
    r"/(?P<subscription>[A-Za-z0-9-]{1,50})"
    r"/(?P<year>\d{4})/(?P<month>\d\d?)/(?P<day>\d\d?)/(?P<hour>\d\d?)/\w[\w.-]{0,99}",
    re.ASCII,
)


class Place(NamedTuple):
    """What the name of a dead-letter blob says: whose it is, and of which hour."""

    namespace: str
    topic: str
    subscription: str
    hour: datetime


def place(name: str) -> Place | None:
    """Return what the name says; None for one that no dead-letter blob has.

    The name comes from outside: no part of one that is taken leads to another folder.
    """
    found = _DEAD_LETTER.fullmatch(name)
    if found is None or found["namespace"] in (ARCHIVE, LEDGERS):
        return None
    year, month, day, hour = (
        int(found[part]) for part in ("year", "month", "day", "hour")
    )
    try:
        when = datetime(year, month, day, hour, tzinfo=UTC)
    except ValueError:
        return None
    return Place(found["namespace"], found["topic"], found["subscription"], when)


def archived(name: str) -> str:
    """Return where the blob lies once every dead letter in it is done."""
    return f"{ARCHIVE}/{name}"


def from_archive(path: str) -> str:
    """Return the blob's own name, wherever it lies."""
    return path.removeprefix(f"{ARCHIVE}/")


def ledger(name: str) -> str:
    """Return where the attempts to redrive that blob's dead letters are kept."""
    return f"{LEDGERS}/{name}{_LINES}"


def ledgers(folder: str) -> str:
    """Return the folder that has the ledgers of that folder's blobs."""
    return f"{LEDGERS}/{from_archive(folder)}"


def from_ledger(path: str) -> str:
    """Return the name of the blob that a ledger is of."""
    return path.removeprefix(f"{LEDGERS}/").removesuffix(_LINES)


def days_of_dead_letters(root: str, day: date) -> set[str]:
    """Return a day's folders: not padded, as Event Grid writes it, and padded."""
    return {
        f"{root}{day.year}/{day.month}/{day.day}/",
        f"{root}{day.year}/{day.month:02}/{day.day:02}/",
    }


def hours_of_dead_letters(root: str, hour: datetime) -> set[str]:
    """Return an hour's folders, padded and not."""
    return {
        f"{folder}{name}/"
        for folder in days_of_dead_letters(root, hour.date())
        for name in (f"{hour.hour}", f"{hour.hour:02}")
    }
