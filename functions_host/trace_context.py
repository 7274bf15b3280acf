"""The trace that an invocation belongs to: its request's, or a new one."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}"
    r"-(?P<flags>[0-9a-f]{2})"
)


@dataclass(frozen=True, slots=True)
class Trace:
    """What `context.trace_context` shows a function."""

    parent: str
    state: str = ""


def of_invocation(headers: Mapping[str, str]) -> Trace:
    """Return a new span of the request's trace, or of a new trace without one.

    `headers` has lower-case names; a timer has none.
    """
    span = os.urandom(8).hex()
    given = TRACEPARENT.fullmatch(headers.get("traceparent", "").strip())
    if not given:
        return Trace(f"00-{os.urandom(16).hex()}-{span}-00")
    parent = f"00-{given['trace']}-{span}-{given['flags']}"
    return Trace(parent, headers.get("tracestate", "").strip())
