"""The filters of an event subscription, as they are declared."""

import msgspec

# Keys of topology.json that are for whoever reads it.
REMARKS = ("$schema", "description")


class Filters(msgspec.Struct, frozen=True, rename="camel"):
    """Which events an event subscription takes: a type of the list, and every filter."""

    included_event_types: list[str] | None = None
    filters: list[dict[str, object]] = []
