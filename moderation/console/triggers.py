"""Between the Functions host's requests and responses and ours."""

import azure.functions as func

from moderation.console import answering
from moderation.console.reply import Reply, Request
from moderation.routes import Route


async def answered(route: Route, req: func.HttpRequest) -> func.HttpResponse:
    """The answer of the route's endpoint."""
    return _http(await answering.answer(route, _request(req)))


async def page(req: func.HttpRequest) -> func.HttpResponse:
    """The page, its files, and what is not there."""
    return _http(await answering.page(_request(req)))


def _request(req: func.HttpRequest) -> Request:
    return Request(
        method=req.method.upper(),
        headers={name.lower(): _text(value) for name, value in req.headers.items()},
        params={_text(name): _text(value) for name, value in req.params.items()},
        url=_text(req.url),
        path=_text(req.route_params.get("path") or ""),
        body=req.get_body(),
    )


def _text(given: str) -> str:
    """What can be encoded again: bytes that are no UTF-8 arrive as lone surrogates."""
    return given if given.isascii() else given.encode(errors="replace").decode()


def _http(reply: Reply) -> func.HttpResponse:
    return func.HttpResponse(
        reply.body,
        status_code=reply.status,
        headers={**reply.headers, "Content-Type": reply.content_type},
    )
