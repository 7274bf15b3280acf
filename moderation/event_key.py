"""What tells an event from all others: its source and its id, together (CloudEvents)."""

from typing import NamedTuple


class EventKey(NamedTuple):
    """The identity of an event; both are empty for one that cannot be read."""

    source: str
    id: str
