"""Which endpoint answers which function of `routes`."""

from collections.abc import Awaitable, Callable

from console.endpoints import (
    activity,
    audit,
    dead_letters,
    event_history,
    health,
    manual,
    publish,
    pull,
    redrive,
    settings,
    topology,
    validate_and_explain,
    whoami,
)
from console.validation import Call

ENDPOINTS: dict[str, Call] = {
    "publish": publish.publish,
    "publish_samples": publish.publish_samples,
    "check": validate_and_explain.check,
    "explain": validate_and_explain.explain,
    "topology": topology.topology,
    "pull_now": pull.pull_now,
    "inspect": pull.inspect,
    "peek": manual.peek,
    "settle": manual.settle,
    "dead_letters": dead_letters.dead_letters,
    "dead_letter": dead_letters.dead_letter,
    "redrive": redrive.redrive_dead_letters,
    "audit": audit.audit,
    "life": event_history.life,
    "activity": activity.recent_activity,
    "me": whoami.me,
    "operator": whoami.operator,
}
# These answer without settings, and so without a runtime.
LOOKS: dict[str, Callable[[], Awaitable[object]]] = {
    "health": health.look,
    "settings": settings.look,
}
