"""Driving a handler in a test: no network, no settings, no waiting.

[disposition] = await testing.handle(pull, "sub-paid", testing.event("com.shop.Paid", {…}))
assert disposition == Reject("negative amount")
"""

import itertools
from collections.abc import Mapping

import msgspec

from eventgrid_pull.outcomes import Disposition, settled_on
from eventgrid_pull.pull import EventGridPull

_numbers = itertools.count(1)


def event(type: str, data: object, **attributes: object) -> dict[str, object]:
    """Return a CloudEvent of that type, with an id of its own."""
    return {
        "specversion": "1.0",
        "id": f"event-{next(_numbers)}",
        "source": "/tests",
        "type": type,
        "data": data,
    } | attributes


async def handle(
    pull: EventGridPull,
    name: str,
    *events: Mapping[str, object] | bytes,
    delivery_count: int = 1,
) -> list[Disposition]:
    """Return what becomes of each of the events, delivered in one batch.

    As in a drain: malformed ones by the declaration, a release with its delay, the last
    permitted delivery rejected. What the handler raises is raised, so that the test
    fails as the handler does.
    """
    declared, runner = pull.declared(name), pull.runner(name)
    raws = [
        each if isinstance(each, bytes) else msgspec.json.encode(each)
        for each in events
    ]
    delivered = [declared.decode(raw, delivery_count) for raw in raws]
    handler = runner.for_batch(delivered)
    limit = declared.max_delivery_count
    return [
        settled_on(await handler(each), delivery_count, limit=limit)
        for each in delivered
    ]
