"""Which endpoint answers which function of `routes`."""

from collections.abc import Awaitable, Callable

from moderation.console import (
    check,
    dead_letters,
    entries,
    flow,
    health,
    life,
    me,
    peek,
    publish,
    pull,
    redrive,
    settings_view,
    topology_view,
)
from moderation.console.asked import Call

ENDPOINTS: dict[str, Call] = {
    "publish": publish.publish,
    "publish_samples": publish.publish_samples,
    "check": check.check,
    "explain": check.explain,
    "topology": topology_view.topology,
    "pull_now": pull.pull_now,
    "inspect": pull.inspect,
    "peek": peek.peek,
    "settle": peek.settle,
    "dead_letters": dead_letters.dead_letters,
    "dead_letter": dead_letters.dead_letter,
    "redrive": redrive.redrive_dead_letters,
    "audit": entries.audit,
    "life": life.one_life,
    "activity": flow.recent_activity,
    "me": me.me,
    "operator": me.operator,
}
# These answer without settings, and so without a runtime.
LOOKS: dict[str, Callable[[], Awaitable[object]]] = {
    "health": health.look,
    "settings": settings_view.look,
}
