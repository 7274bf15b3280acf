"""The function app's table of contents: every trigger, and the one call it makes.

The HTTP functions are those of `moderation.routes`; what answers them is imported when
one is called, because no timer needs it.
"""

import gc
import os

# Nothing that is imported is garbage: looking for it would be a tenth of a cold start.
gc.disable()

import azure.functions as func  # noqa: E402

from moderation import runtime, settings, stopping  # noqa: E402
from moderation.routes import ROUTES, Route, is_easy_auth_on  # noqa: E402

# Where Easy Auth is on, the user's roles decide (`console.caller`) and not the host's keys.
LEVEL = (
    func.AuthLevel.ANONYMOUS if is_easy_auth_on(os.environ) else func.AuthLevel.FUNCTION
)
app = func.FunctionApp(http_auth_level=LEVEL)

stopping.listen(runtime.stop)

ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@app.timer_trigger("timer", "%PULL_FLAGGED_SCHEDULE%")
async def pull_flagged(timer: func.TimerRequest) -> None:
    """Quarantine flagged content or send it to review."""
    await runtime.current().tick("sub-flagged")


@app.timer_trigger("timer", "%PULL_APPROVED_SCHEDULE%")
async def pull_approved(timer: func.TimerRequest) -> None:
    """Let approved content through."""
    await runtime.current().tick("sub-approved")


@app.timer_trigger("timer", "%PULL_ALL_EVENTS_SCHEDULE%")
async def pull_all_events(timer: func.TimerRequest) -> None:
    """Record every event in the audit log."""
    await runtime.current().tick("sub-all-events")


def _lane(function: str, schedule: str, subscription: str) -> None:
    """Register one more timer function on an event subscription that outgrew one."""

    @app.function_name(function)
    @app.timer_trigger("timer", f"%{schedule}%")
    async def lane(timer: func.TimerRequest) -> None:
        await runtime.current().tick(subscription)


for pulling, schedule, subscription in (
    ("pull_flagged", "PULL_FLAGGED_SCHEDULE", "sub-flagged"),
    ("pull_approved", "PULL_APPROVED_SCHEDULE", "sub-approved"),
    ("pull_all_events", "PULL_ALL_EVENTS_SCHEDULE", "sub-all-events"),
):
    for number in range(2, settings.lanes(os.environ, schedule) + 1):
        _lane(f"{pulling}_{number}", schedule, subscription)


def _endpoint(route: Route) -> None:
    """Register the function that answers a route."""

    @app.function_name(route.function)
    @app.route(route.path, methods=[route.method])
    async def endpoint(req: func.HttpRequest) -> func.HttpResponse:
        from moderation.console import triggers

        return await triggers.answered(route, req)


for one in ROUTES:
    _endpoint(one)


# Routes are tried in the order of function names: a catch-all has to sort last.
@app.route("{*path}", methods=ANY_METHOD, auth_level=func.AuthLevel.ANONYMOUS)
async def web(req: func.HttpRequest) -> func.HttpResponse:
    """The page, its files, and what is not there."""
    from moderation.console import triggers

    return await triggers.page(req)


# What is here stays: the collector need not go through it, now or later.
gc.freeze()
gc.enable()
