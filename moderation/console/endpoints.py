"""Which endpoint answers which function of `routes`."""

from moderation.console import (
    check,
    entries,
    flow,
    me,
    peek,
    publish,
    pull,
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
    "audit": entries.audit,
    "activity": flow.recent_activity,
    "me": me.me,
    "operator": me.operator,
}
