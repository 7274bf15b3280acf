"""Which endpoint answers which function of `routes`."""

from console.endpoints.app import health, settings, topology, whoami
from console.endpoints.dead_letters import dead_letters, redrive
from console.endpoints.delivery import peek_and_settle, pull
from console.endpoints.events import publish, validate_and_explain
from console.endpoints.records import activity, audit, event_history
from console.validation import Call

ENDPOINTS: dict[str, Call] = {
    "publish": publish.publish,
    "publish_samples": publish.publish_samples,
    "check": validate_and_explain.check,
    "explain": validate_and_explain.explain,
    "topology": topology.topology,
    "pull_now": pull.pull_now,
    "inspect": pull.inspect,
    "peek": peek_and_settle.peek,
    "settle": peek_and_settle.settle,
    "dead_letters": dead_letters.dead_letters,
    "dead_letter": dead_letters.dead_letter,
    "redrive": redrive.redrive_dead_letters,
    "audit": audit.audit,
    "life": event_history.life,
    "activity": activity.recent_activity,
    "me": whoami.me,
    "operator": whoami.operator,
    # These take no request, and so need neither settings nor a runtime.
    "health": health.probe_everything,
    "settings": settings.show_settings,
}
