"""The frame around every endpoint: who may ask, what was asked, what went wrong."""

import logging
import os
from collections.abc import Awaitable, Callable

from moderation.appendlog import StoreUnavailable
from moderation.byhand.peeking import TooManyPeeks
from moderation.console import asked, caller, health, reply, web
from moderation.console.asked import BadQuery, Call
from moderation.console.caller import Caller, Refused
from moderation.console.endpoints import ENDPOINTS, LOOKS
from moderation.console.health import Health
from moderation.console.reply import Reply, Request
from moderation.inspection import NothingToInspect, ProbeNotSeen
from moderation.requestbody import BadRequest
from moderation.retry import EventGridError
from moderation.routes import Route, is_easy_auth_on
from moderation.runtime import current
from moderation.settings import SettingsInvalid
from moderation.topology import TopologyInvalid

_log = logging.getLogger(__name__)


async def answer(route: Route, request: Request) -> Reply:
    """The endpoint's answer; whatever goes wrong becomes a problem, nothing escapes."""
    return await guarded(lambda: _answer(route, request))


async def _answer(route: Route, request: Request) -> Reply:
    easy_auth = is_easy_auth_on(os.environ)
    caller.refuse_other_sites(request.headers, easy_auth=easy_auth)
    who = caller.of(request, easy_auth=easy_auth)
    caller.admit(who, route.role)
    if (look := LOOKS.get(route.function)) is not None:
        found = await look()
        unwell = isinstance(found, Health) and not found.is_well()
        return reply.json(found, health.UNWELL if unwell else 200)
    return await called(ENDPOINTS[route.function], request, who)


async def called(call: Call, request: Request, who: Caller) -> Reply:
    """The answer of an endpoint, with this process's runtime."""
    runtime = current()
    with runtime.attending():
        found = await call(asked.taken(call, runtime, request, who))
    return (
        found if isinstance(found, Reply) else reply.json(found, reply.status_of(found))
    )


async def page(request: Request) -> Reply:
    """The page, its files, and what is not there."""
    return await guarded(lambda: web.answer(request))


async def guarded(answer: Callable[[], Awaitable[Reply]]) -> Reply:
    """What it answers; whatever it raises becomes a problem."""
    try:
        return await answer()
    except Exception as error:  # the host's own 500 says nothing at all
        return _problem(error)


def _problem(error: Exception) -> Reply:
    match error:
        case Refused() | NothingToInspect() | TooManyPeeks():
            headers = getattr(error, "headers", None)
            return reply.problem(
                error.status, str(error), next=error.next, headers=headers
            )
        case SettingsInvalid(problems=problems):
            detail = "the app's settings are missing or malformed"
            todo = "set them in local.settings.json, or in the app's settings in Azure"
            return reply.problem(503, detail, next=todo, problems=problems)
        case TopologyInvalid(problems=problems):
            detail = "the topology of the app cannot be used"
            return reply.problem(503, detail, next="fix the file", problems=problems)
        case BadRequest(status=status, problems=problems):
            todo = error.next or "mend the request and send it again; nothing was done"
            return reply.problem(status, str(error), next=todo, problems=problems)
        case BadQuery(problems=problems):
            todo = "mend the query and send it again"
            detail = "the query is not one that is taken"
            return reply.problem(400, detail, next=todo, problems=problems)
        case EventGridError() | StoreUnavailable():
            return reply.problem(503, str(error), next=reply.TRY_AGAIN)
        case ProbeNotSeen():
            detail = f"the probe {error} was published, but not received in time"
            todo = "whichever drain receives it rejects it; look in /api/audit"
            return reply.problem(504, detail, next=todo)
        case _:
            _log.error("a trigger failed", exc_info=error)
            detail = f"a fault of this app: {type(error).__name__}"
            return reply.problem(500, detail, next="look into the app's log")
