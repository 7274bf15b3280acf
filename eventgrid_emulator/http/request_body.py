"""Reading the body of a request, up to the limit."""

import asyncio

from aiohttp import web

from eventgrid_emulator.errors import Code, Refusal, bad_request, unsupported
from eventgrid_emulator.events.cloudevents import MAX_BODY

LONGEST = 75.0
_TOO_LARGE = f"The request body is larger than {MAX_BODY} bytes; send less"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


async def read(request: web.BaseRequest) -> bytes:
    """Return the whole body; 415 when it is compressed, 413 when it is too large."""
    encoding = request.headers.get("Content-Encoding", "").strip()
    if encoding.lower() not in ("", "identity"):
        raise unsupported(
            f"Content encoding '{encoding[:40]}' is not supported; send the body uncompressed"
        )
    length = request.content_length
    if length is not None and length > MAX_BODY:
        raise Refusal(Code.TOO_LARGE, _TOO_LARGE)
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(_CONTINUE)
        request.writer.output_size = 0
    try:
        async with asyncio.timeout(LONGEST):
            return await request.read()
    except TimeoutError:
        raise bad_request(f"The body did not arrive within {LONGEST:.0f} s") from None
    except web.HTTPRequestEntityTooLarge:
        raise Refusal(Code.TOO_LARGE, _TOO_LARGE) from None
    except web.RequestPayloadError as problem:
        raise bad_request(f"The request body cannot be read: {problem}") from None
