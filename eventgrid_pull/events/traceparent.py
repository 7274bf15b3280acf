"""A trace survives the queue as an extension attribute of the event.

The SDK puts `traceparent` on its HTTP request only, where the queue drops it. Rules:
https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/distributed-tracing.md
and https://www.w3.org/TR/trace-context/.
"""

import os
import re
from collections.abc import Mapping

type Event = dict[str, object]
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\Z"
)
LONGEST_TRACESTATE = 512


def stamp(events: list[Event], headers: Mapping[str, str]) -> list[Event]:
    """Return the events, each with a `traceparent`: its own, the request's, or a new one.

    `headers` has lower-case names. All events of a request share its trace.
    """
    trace = _of_request(headers)
    return [event if _is_traced(event) else {**event, **trace} for event in events]


def trace_id(traceparent: str | None) -> str | None:
    """Return the 32 hex digits that name the trace; None without a valid traceparent."""
    if traceparent is None or not _TRACEPARENT.match(traceparent):
        return None
    return traceparent[3:35]


def _of_request(headers: Mapping[str, str]) -> dict[str, str]:
    given = headers.get("traceparent", "").strip()
    if not _TRACEPARENT.match(given):
        return {"traceparent": f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"}
    state = headers.get("tracestate", "").strip()
    if not state or len(state) > LONGEST_TRACESTATE:
        return {"traceparent": given}
    return {"traceparent": given, "tracestate": state}


def _is_traced(event: Event) -> bool:
    own = event.get("traceparent")
    return isinstance(own, str) and trace_id(own) is not None
