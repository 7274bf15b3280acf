"""What a request line asks for: operation, resource and checked query parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from eventgrid_emulator.auth.credentials import Resource
from eventgrid_emulator.errors import bad_request, invalid_argument

API_VERSIONS = ("2023-10-01-preview", "2023-11-01", "2024-06-01")
RELEASE_DELAYS = (0, 10, 60, 600, 3600)
MAX_PARAMETERS = 100
_PATH = re.compile(r"/topics/([^/]+?)(?:/eventsubscriptions/([^/]+?))?:([A-Za-z]+)")


class Operation(Enum):
    """The six operations of the data plane."""

    PUBLISH = "publish"
    RECEIVE = "receive"
    ACKNOWLEDGE = "acknowledge"
    RELEASE = "release"
    REJECT = "reject"
    RENEW_LOCK = "renewLock"


@dataclass(frozen=True, slots=True)
class Call:
    """One request line that names an operation."""

    operation: Operation
    resource: Resource
    query: Mapping[str, str]


@lru_cache(maxsize=512)
def parse(target: str) -> Call | None:
    """Return the call in a request target, or None when there is no such path."""
    path, _, query = target.partition("?")
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    topic, subscription, name = match.groups()
    try:
        operation = Operation(name)
    except ValueError:
        return None
    if (operation is Operation.PUBLISH) != (subscription is None):
        return None
    resource = Resource(unquote(topic), subscription and unquote(subscription))
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise bad_request(
            f"A request has at most {MAX_PARAMETERS} query parameters"
        ) from None
    return Call(operation, resource, dict(reversed(pairs)))


def check_api_version(query: Mapping[str, str]) -> None:
    """Raise a 400 for a missing or unknown api-version."""
    version = query.get("api-version")
    if version not in API_VERSIONS:
        problem = "`api-version` query parameter is required"
        if version:
            problem = f"api-version '{version}' is not supported"
        raise bad_request(f"{problem}; use one of {', '.join(API_VERSIONS)}")


def max_events(query: Mapping[str, str]) -> int:
    """Return `maxEvents`, 1 to 100, 1 when absent."""
    return _in_range(query, "maxEvents", 1, (1, 100))


def max_wait_time(query: Mapping[str, str], least: int = 10) -> int:
    """Return `maxWaitTime` in seconds, 10 (for tests: or less) to 120, 60 when absent."""
    return _in_range(query, "maxWaitTime", 60, (least, 120))


def release_delay(query: Mapping[str, str]) -> int:
    """Return `releaseDelayInSeconds`, one of five, 0 when absent."""
    value = _number(query, "releaseDelayInSeconds", 0)
    if value not in RELEASE_DELAYS:
        allowed = f"one of {', '.join(map(str, RELEASE_DELAYS))} (seconds)"
        raise invalid_argument("releaseDelayInSeconds", allowed)
    return value


def _in_range(
    query: Mapping[str, str], name: str, default: int, bounds: tuple[int, int]
) -> int:
    value = _number(query, name, default)
    if not bounds[0] <= value <= bounds[1]:
        raise invalid_argument(name, f"a whole number from {bounds[0]} to {bounds[1]}")
    return value


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not text:
        problem = "cannot parse integer from empty string"
    elif not (text.isascii() and text.isdigit()):
        problem = "invalid digit found in string"
    elif len(text) > 9:
        problem = "number too large to fit in target type"
    else:
        return int(text)
    raise bad_request(f"Error parsing query parameters: {problem}")
