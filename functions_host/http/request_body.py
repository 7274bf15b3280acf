"""The body of a request, as functions get it: whole, and in time."""

import asyncio

from aiohttp import web

# Seconds for a body to arrive, and the bytes that allow it another second.
BODY_PATIENCE = 30.0
BODY_RATE = 100_000


class BodyIncomplete(Exception):
    """The caller went away, or sent less than it had announced."""


class BodyTooSlow(Exception):
    """The caller sends so slowly that it may never end."""


async def body_of(request: web.BaseRequest) -> bytes:
    """Return the body, if its length was announced: functions get no chunked one."""
    if not request.content_length or "Transfer-Encoding" in request.headers:
        return b""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # Otherwise aiohttp counts the interim answer as part of the final one.
        request.writer.output_size = 0
    patience = BODY_PATIENCE + request.content_length / BODY_RATE
    try:
        async with asyncio.timeout(patience):
            return await request.content.readexactly(request.content_length)
    except TimeoutError:
        raise BodyTooSlow from None
    except (OSError, web.RequestPayloadError, asyncio.IncompleteReadError) as error:
        raise BodyIncomplete from error
