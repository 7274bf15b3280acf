"""The table of what is a CloudEvent, which every reader of one must pass."""

import json
from pathlib import Path
from typing import Any

_CASES = json.loads(
    Path(__file__).with_name("cloudevents-cases.json").read_text(encoding="utf-8")
)
TIMES: list[dict[str, Any]] = _CASES["times"]
HEADERS: list[dict[str, Any]] = _CASES["headers"]
EVENTS: list[dict[str, Any]] = _CASES["events"]


def text_of(case: dict[str, Any]) -> bytes:
    """Return the JSON of a case: its own, or that of an event with its changes."""
    if "text" in case:
        return str(case["text"]).encode()
    event = {**_CASES["event"], **case["changes"]}
    for name in case.get("without", ()):
        del event[name]
    return json.dumps(event).encode()


def named(case: dict[str, Any]) -> str:
    """Name a case in the list of tests."""
    return ascii(case.get("what") or case.get("time") or case.get("value"))
