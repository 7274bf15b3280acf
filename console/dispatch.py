"""The frame around every endpoint: who may ask, what was asked, what went wrong."""

import logging
import os
from collections.abc import Awaitable, Callable

from console import auth, http, other_sites, static_files, validation
from console.auth import Caller, Refused
from console.endpoint_table import ENDPOINTS
from console.endpoints.app import health
from console.endpoints.app.health import Health
from console.http import Reply, Request
from console.routes import Route, is_easy_auth_on
from console.validation import BadQuery, Call
from eventgrid_pull import EventGridError
from eventgrid_pull.blob.append_log import StoreUnavailable
from eventgrid_pull.publishing.publish import EventTooLarge
from moderation.inspection.probe import NothingToInspect, ProbeNotSeen
from moderation.manual.peek import TooManyPeeks
from moderation.publishing.request_body import BadRequest
from moderation.runtime import current
from moderation.settings import SettingsInvalid
from moderation.topology import TopologyInvalid

_log = logging.getLogger(__name__)


async def answer(route: Route, request: Request) -> Reply:
    """Return the endpoint's answer; whatever goes wrong becomes a problem."""
    return await with_problem_details(lambda: _answer(route, request))


async def _answer(route: Route, request: Request) -> Reply:
    easy_auth = is_easy_auth_on(os.environ)
    other_sites.refuse(request.headers, easy_auth=easy_auth)
    who = auth.of(request, easy_auth=easy_auth)
    auth.admit(who, route.role)
    content = await call_endpoint(ENDPOINTS[route.function], request, who)
    if isinstance(content, Reply):
        return content
    unwell = isinstance(content, Health) and not content.is_well()
    return http.json(content, health.UNWELL if unwell else http.status_of(content))


async def call_endpoint(call: Call, request: Request, who: Caller) -> object:
    """Return what an endpoint answers; with this process's runtime, where it takes one."""
    if not validation.signature(call).takes_request:
        return await call()
    runtime = current()
    with runtime.attending():
        return await call(validation.parse_request(call, runtime, request, who))


async def page(request: Request) -> Reply:
    """Return the page, its files, and what is not there."""
    return await with_problem_details(lambda: static_files.answer(request))


async def with_problem_details(answer: Callable[[], Awaitable[Reply]]) -> Reply:
    """Return what it answers; whatever it raises becomes a problem."""
    try:
        return await answer()
    except Exception as error:  # the host's own 500 says nothing at all
        return _problem(error)


def _problem(error: Exception) -> Reply:
    match error:
        case Refused() | NothingToInspect() | TooManyPeeks():
            headers = getattr(error, "headers", None)
            return http.problem(
                error.status, str(error), next=error.next, headers=headers
            )
        case SettingsInvalid(problems=problems):
            detail = "the app's settings are missing or malformed"
            todo = "set them in local.settings.json, or in the app's settings in Azure"
            return http.problem(503, detail, next=todo, problems=problems)
        case TopologyInvalid(problems=problems):
            detail = "the topology of the app cannot be used"
            return http.problem(503, detail, next="fix the file", problems=problems)
        case BadRequest() | EventTooLarge():
            todo = error.next or "fix the request and send it again; nothing was done"
            return http.problem(
                error.status, str(error), next=todo, problems=error.problems
            )
        case BadQuery(problems=problems):
            todo = "fix the query and send it again"
            detail = "the query is invalid"
            return http.problem(400, detail, next=todo, problems=problems)
        case EventGridError() | StoreUnavailable():
            return http.problem(503, str(error), next=http.TRY_AGAIN)
        case ProbeNotSeen():
            detail = f"the probe {error} was published, but not received in time"
            todo = "whichever drain receives it rejects it; look in /api/audit"
            return http.problem(504, detail, next=todo)
        case _:
            _log.error("a trigger failed", exc_info=error)
            detail = f"a fault of this app: {type(error).__name__}"
            return http.problem(500, detail, next="look into the app's log")
