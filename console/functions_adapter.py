"""Between the Functions host's requests and responses and ours."""

import azure.functions as func

from console import dispatch
from console.http import Reply, Request
from console.routes import Route
from eventgrid_pull.events import traceparent


async def answer(
    route: Route, req: func.HttpRequest, context: func.Context
) -> func.HttpResponse:
    """Return the answer of the route's endpoint."""
    request = _request(req, _trace(context))
    return _response(await dispatch.answer(route, request))


async def page(req: func.HttpRequest) -> func.HttpResponse:
    """Return the page, its files, and what is not there."""
    return _response(await dispatch.page(_request(req, {})))


def _trace(context: func.Context) -> dict[str, str]:
    """Return the headers of the invocation's own trace, if the host has one.

    It goes on with that of the request, or began with it; in Application Insights it is
    the operation. Without it the request's own headers stand.
    """
    trace = context.trace_context
    parent = _text(getattr(trace, "trace_parent", None) or "")
    if traceparent.trace_id(parent) is None:
        return {}
    state = _text(getattr(trace, "trace_state", None) or "")
    return {"traceparent": parent, "tracestate": state}


def _request(req: func.HttpRequest, trace: dict[str, str]) -> Request:
    headers = {name.lower(): _text(value) for name, value in req.headers.items()}
    return Request(
        method=req.method.upper(),
        headers=headers | trace,
        params={_text(name): _text(value) for name, value in req.params.items()},
        url=_text(req.url),
        path=_text(req.route_params.get("path") or ""),
        body=req.get_body(),
    )


def _text(given: str) -> str:
    """Return what can be encoded: bytes that are no UTF-8 are lone surrogates."""
    return given if given.isascii() else given.encode(errors="replace").decode()


def _response(reply: Reply) -> func.HttpResponse:
    return func.HttpResponse(
        reply.body,
        status_code=reply.status,
        headers={**reply.headers, "Content-Type": reply.content_type},
    )
