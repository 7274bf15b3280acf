"""What a fault does to the answer of a request."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from eventgrid_emulator.errors import Refusal
from eventgrid_emulator.operations.faults import STATUSES, Fault, Kind

_FIRST_EVENT = re.compile(rb'"event":\{')
# Valid JSON that no CloudEvents reader accepts: both forms of data, and a time that is none.
_BROKEN = b'"event":{"data_base64":"AA==","data":{},"time":"not a time",'


async def inject(
    fault: Fault,
    request: web.BaseRequest,
    answer: Callable[[], Awaitable[web.Response]],
) -> web.StreamResponse:
    """Return the answer as the fault leaves it."""
    match fault.kind:
        case Kind.ERROR:
            code = STATUSES[fault.status]
            raise Refusal(code, "A fault was switched on", fault.retry_after)
        case Kind.SLOW:
            await asyncio.sleep(fault.seconds)
            return await answer()
        case Kind.ANSWER_LOST:
            response = await answer()
            _close(request)
            return response
        case Kind.ANSWER_CUT:
            return await _cut(request, await answer())
        case Kind.UNDECODABLE:
            return _undecodable(await answer())
        case _:
            return await answer()


def _undecodable(response: web.Response) -> web.Response:
    body = response.body
    if isinstance(body, bytes):
        response.body = _FIRST_EVENT.sub(_BROKEN, body, count=1)
    return response


async def _cut(request: web.BaseRequest, response: web.Response) -> web.StreamResponse:
    body = response.body if isinstance(response.body, bytes) else b""
    partial = web.StreamResponse(status=response.status, headers=response.headers)
    partial.content_length = len(body)
    await partial.prepare(request)
    await partial.write(body[: len(body) // 2])
    _close(request)
    return partial


def _close(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.close()
