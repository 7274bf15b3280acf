"""Every HTTP function of the app, as data: its name, route, method and who may call it.

Light, because the host waits for it: what answers a route is imported when one is
called (`console`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """What a caller may do. An operator may also do what a reader may."""

    READER = "reader"
    OPERATOR = "operator"


class Route(NamedTuple):
    """One HTTP function; `path` comes after `/api/`."""

    function: str
    method: str
    path: str
    role: Role


READER, OPERATOR = Role
ROUTES = (
    Route("publish", "POST", "events", OPERATOR),
    Route("publish_samples", "POST", "events/samples", OPERATOR),
    Route("check", "POST", "events/check", READER),
    Route("explain", "POST", "why", READER),
    Route("topology", "GET", "topology", READER),
    Route("pull_now", "POST", "pull", OPERATOR),
    Route("inspect", "POST", "inspect", OPERATOR),
    Route("peek", "POST", "peek", OPERATOR),
    Route("settle", "POST", "settle", OPERATOR),
    Route("dead_letters", "GET", "deadletters", READER),
    Route("dead_letter", "GET", "deadletter", READER),
    Route("redrive", "POST", "redrive", OPERATOR),
    Route("audit", "GET", "audit", READER),
    Route("life", "GET", "life", READER),
    Route("activity", "GET", "activity", READER),
    Route("health", "GET", "health", READER),
    Route("settings", "GET", "settings", READER),
    Route("me", "GET", "me", READER),
    Route("operator", "GET", "operator", OPERATOR),
)


def is_easy_auth_on(environ: Mapping[str, str]) -> bool:
    """Return whether App Service signs users in, and lets nobody else send its headers.

    The platform sets the variable, read-only; then the host asks for no keys, and the
    roles of the user decide.
    """
    return environ.get("WEBSITE_AUTH_ENABLED", "").strip().lower() == "true"
