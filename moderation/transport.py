"""A transport for the SDK's pipeline that does what a short JSON request needs.

azure-core's own does more for every request (streams, multipart bodies, proxies, TLS
options, a response with fifteen members), which costs more than all else that the
pipeline does. This one sends bytes, and gives back status, headers and body. It takes
no proxy and no `.netrc` from the environment.
"""

from typing import Any, Self

import aiohttp
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import HttpRequest

CONNECT_SECONDS = 5.0
# For the rest of an answer that has begun: a trickle of bytes must come to an end, too.
BODY_SECONDS = 10.0


class Answer:
    """What the pipeline's policies and we ask of an answer."""

    __slots__ = ("_inner", "headers", "request", "status_code")

    def __init__(self, request: HttpRequest, inner: aiohttp.ClientResponse) -> None:
        self._inner = inner
        self.request = request
        self.status_code = inner.status
        self.headers = inner.headers

    async def read(self) -> bytes:
        """The whole body; ServiceResponseError when it does not come to its end."""
        try:
            return await self._inner.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServiceResponseError(error, error=error) from error


class LeanTransport(AsyncHttpTransport[HttpRequest, Answer]):
    """One aiohttp session, opened at the first request, with its pool of connections."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the session; it belongs to the loop that runs."""
        self._opened()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    async def send(
        self, request: HttpRequest, *, read_timeout: float = 60.0, **_: Any
    ) -> Answer:
        """Send the request and wait for the head of its answer.

        `read_timeout`: seconds without a byte. Raises ServiceRequestError when nothing
        was sent for certain, ServiceResponseError when it may have been.
        """
        timeout = aiohttp.ClientTimeout(
            total=CONNECT_SECONDS + read_timeout + BODY_SECONDS,
            connect=CONNECT_SECONDS,
            sock_read=read_timeout,
        )
        try:
            inner = await self._opened().request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.content,
                allow_redirects=False,
                timeout=timeout,
            )
            if inner.status == 401:
                # The policy that answers a challenge drops this: free its connection.
                await inner.read()
        except aiohttp.ClientConnectorError as error:
            raise ServiceRequestError(error, error=error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServiceResponseError(error, error=error) from error
        return Answer(request, inner)

    async def close(self) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
