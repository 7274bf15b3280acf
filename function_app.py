"""The function app's table of contents: every trigger, and the one call it makes."""

import os

import azure.functions as func

from moderation import api, runtime, settings, stopping
from moderation import health as health_checks
from moderation import web as page
from moderation.reply import Reply, Request

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

stopping.listen(runtime.stop)

ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@app.route("events", methods=["POST"])
async def publish(req: func.HttpRequest) -> func.HttpResponse:
    """Publish the moderation results or CloudEvents in the body."""
    return _http(await api.answer(api.publish, _request(req)))


@app.route("events/samples", methods=["POST"])
async def publish_samples(req: func.HttpRequest) -> func.HttpResponse:
    """Publish the five sample events."""
    return _http(await api.answer(api.publish_samples, _request(req)))


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


@app.route("pull", methods=["POST"])
async def pull_now(req: func.HttpRequest) -> func.HttpResponse:
    """Drain one event subscription or all of them now."""
    return _http(await api.answer(api.pull, _request(req)))


@app.route("inspect", methods=["POST"])
async def inspect(req: func.HttpRequest) -> func.HttpResponse:
    """Publish a probe, see it received, show its envelope and reject it."""
    return _http(await api.answer(api.inspect, _request(req)))


@app.route("audit", methods=["GET"])
async def audit(req: func.HttpRequest) -> func.HttpResponse:
    """The newest audit entries, or the life of one event."""
    return _http(await api.answer(api.audit, _request(req)))


@app.route("activity", methods=["GET"])
async def activity(req: func.HttpRequest) -> func.HttpResponse:
    """Counts and delays per minute."""
    return _http(await api.answer(api.recent_activity, _request(req)))


@app.route("health", methods=["GET"])
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """One line for each thing that the app needs."""
    request = _request(req)
    return _http(await api.guarded(lambda: health_checks.answer(request)))


# Routes are tried in the order of function names: a catch-all has to sort last.
@app.route("{*path}", methods=ANY_METHOD, auth_level=func.AuthLevel.ANONYMOUS)
async def web(req: func.HttpRequest) -> func.HttpResponse:
    """The page, its files, and what is not there."""
    request = _request(req)
    return _http(await api.guarded(lambda: page.answer(request)))


def _request(req: func.HttpRequest) -> Request:
    return Request(
        method=req.method.upper(),
        headers={name.lower(): value for name, value in req.headers.items()},
        params=dict(req.params),
        url=req.url,
        path=req.route_params.get("path") or "",
        body=req.get_body(),
    )


def _http(reply: Reply) -> func.HttpResponse:
    return func.HttpResponse(
        reply.body,
        status_code=reply.status,
        headers={**reply.headers, "Content-Type": reply.content_type},
    )
