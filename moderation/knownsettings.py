"""Every setting that the app reads: what it is for, its default, its unit and range."""

from typing import NamedTuple


class Known(NamedTuple):
    """One setting. An empty default: there is none. `allowed` is for whole numbers.

    What is secret is never shown, only whether it is set.
    """

    name: str
    what: str
    default: str = ""
    unit: str = ""
    secret: bool = False
    allowed: range = range(0)


SIX_FIELDS = "six fields (second minute hour day month weekday), UTC"
LANES = "how many timer functions drain it, each an instance of its own"
PAYLOADS = ("shown", "on-request", "never")
SETTINGS = (
    Known("EVENTGRID_ENDPOINT", "the Event Grid namespace that is published to"),
    Known("EVENTGRID_TOPIC_NAME", "the namespace topic; by default topology.json's"),
    Known(
        "EVENTGRID_KEY",
        "an access key of the namespace; without it the app signs in as itself",
        secret=True,
    ),
    Known(
        "AUDIT_STORAGE_ACCOUNT_URL",
        "the blob endpoint of the account for the audit log, used with the app's identity",
    ),
    Known(
        "AUDIT_STORAGE_CONNECTION_STRING",
        "a connection string of that account, instead of its URL",
        secret=True,
    ),
    Known("AUDIT_CONTAINER", "the container of the audit log", "audit"),
    Known("ACTIVITY_CONTAINER", "the container of the activity log", "activity"),
    Known("PULL_FLAGGED_SCHEDULE", f"when sub-flagged is drained: {SIX_FIELDS}"),
    Known("PULL_APPROVED_SCHEDULE", f"when sub-approved is drained: {SIX_FIELDS}"),
    Known("PULL_ALL_EVENTS_SCHEDULE", f"when sub-all-events is drained: {SIX_FIELDS}"),
    Known("PULL_FLAGGED_LANES", f"sub-flagged: {LANES}", "1", allowed=range(1, 17)),
    Known("PULL_APPROVED_LANES", f"sub-approved: {LANES}", "1", allowed=range(1, 17)),
    Known(
        "PULL_ALL_EVENTS_LANES", f"sub-all-events: {LANES}", "1", allowed=range(1, 17)
    ),
    Known(
        "PULL_BUDGET_SECONDS",
        "how long one drain may take, shorter than the schedule's interval",
        "25",
        "s",
        allowed=range(10, 1801),
    ),
    Known(
        "HANDLER_TIMEOUT_SECONDS",
        "how long a handler may take over one event before the event is released",
        "300",
        "s",
        allowed=range(1, 3601),
    ),
    Known(
        "PAYLOADS",
        "whether the page and the API show the events' data: " + ", ".join(PAYLOADS),
        "on-request",
    ),
)
BY_NAME = {one.name: one for one in SETTINGS}
