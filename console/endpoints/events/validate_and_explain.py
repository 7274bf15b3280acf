"""Checking events before they are published, and saying where they would go."""

from collections.abc import Sequence

import msgspec

from console.validation import ApiRequest, check_size
from eventgrid_pull.events import cloudevents, traceparent
from eventgrid_pull.events.cloudevents import Problem
from eventgrid_pull.publishing import publish, publish_stamp
from eventgrid_pull.publishing.publish import EventTooLarge
from moderation.filters import explanation
from moderation.filters.explanation import Clause
from moderation.publishing import publish_request
from moderation.publishing.publish_request import Json
from moderation.publishing.request_body import BadRequest
from moderation.topology import Topology

MOST_EXPLAINED = 100


class Checked(msgspec.Struct, frozen=True):
    """What publishing would say: how many events, or every problem there is."""

    valid: bool
    events: int
    problems: Sequence[Problem] = ()
    detail: str | None = None


class Destination(msgspec.Struct, frozen=True):
    """Whether an event subscription takes an event, and what each clause says of it."""

    name: str
    takes: bool
    clauses: Sequence[Clause]


class Explained(msgspec.Struct, frozen=True):
    """Where one event would go; `id` and `type` are null where it has no such text."""

    id: str | None
    type: str | None
    subscriptions: Sequence[Destination]


class Explanation(msgspec.Struct, frozen=True):
    """Where events would go, and what would keep them from being published."""

    events: Sequence[Explained]
    problems: Sequence[Problem]


async def check(request: ApiRequest[None, bytes]) -> Checked:
    """Check events as publishing does; nothing is published."""
    check_size(request.body)
    headers = request.http.headers
    try:
        now = request.runtime.clock()
        events = publish_request.events_in(request.body, headers, now)
        publish.encode(traceparent.stamp(events, headers), now, request.caller.identity)
    except (BadRequest, EventTooLarge) as error:
        return Checked(False, 0, error.problems, str(error))
    return Checked(True, len(events))


async def explain(request: ApiRequest[None, bytes]) -> Explanation:
    """Say which event subscriptions take an event, and which clause refuses it."""
    check_size(request.body)
    runtime = request.runtime
    now = runtime.clock()
    found = publish_request.read(request.body, request.http.headers, now)
    if len(found.events) > MOST_EXPLAINED:
        detail = f"at most {MOST_EXPLAINED} events are explained at once"
        raise BadRequest(413, detail)
    outgoing = traceparent.stamp(found.events, request.http.headers)
    stamped = publish_stamp.add_stamps(outgoing, now, request.caller.identity)
    stored = map(cloudevents.as_stored, stamped)
    events = [_explain_event(event, runtime.topology) for event in stored]
    return Explanation(events, found.problems)


def _explain_event(event: Json, declared: Topology) -> Explained:
    routes = []
    for subscription in declared.event_subscriptions:
        clauses = explanation.judge(subscription.filters_configuration, event)
        takes = all(clause.holds for clause in clauses)
        routes.append(Destination(subscription.name, takes, clauses))
    return Explained(_text(event.get("id")), _text(event.get("type")), routes)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
