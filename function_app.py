"""The function app's table of contents: every trigger, and the one call it makes.

The HTTP functions are those of `console.routes`; what answers them is imported when
one is called, because no timer needs it.
"""

import gc
import os

# Nothing that is imported is garbage: looking for it would be a tenth of a cold start.
gc.disable()

from moderation import interpreter  # noqa: E402

interpreter.check()

import azure.functions as func  # noqa: E402

from console.routes import ROUTES, Route, is_easy_auth_on  # noqa: E402
from eventgrid_pull import shutdown  # noqa: E402
from moderation import runtime  # noqa: E402
from moderation.pulling import pull  # noqa: E402

# Where Easy Auth is on, the user's roles decide (`console.auth`) and not the host's keys.
LEVEL = (
    func.AuthLevel.ANONYMOUS if is_easy_auth_on(os.environ) else func.AuthLevel.FUNCTION
)
app = func.FunctionApp(http_auth_level=LEVEL)

shutdown.listen(runtime.stop)

ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

# A timer for each event subscription that topology.json declares and `moderation.handlers`
# handles (sub-flagged: pull_flagged, by PULL_FLAGGED_SCHEDULE), and one for each further
# lane (PULL_FLAGGED_LANES).
app.register_functions(pull)
runtime.log_undrained()


def _endpoint(route: Route) -> None:
    """Register the function that answers a route."""

    @app.function_name(route.function)
    @app.route(route.path, methods=[route.method])
    async def endpoint(
        req: func.HttpRequest, context: func.Context
    ) -> func.HttpResponse:
        from console import functions_adapter

        return await functions_adapter.answer(route, req, context)


for route in ROUTES:
    _endpoint(route)


# Routes are tried in the order of function names: a catch-all has to sort last.
@app.route("{*path}", methods=ANY_METHOD, auth_level=func.AuthLevel.ANONYMOUS)
async def web(req: func.HttpRequest) -> func.HttpResponse:
    """Return the page, its files, and what is not there."""
    from console import functions_adapter

    return await functions_adapter.page(req)


# What is here stays: the collector need not go through it, now or later.
gc.freeze()
gc.enable()
