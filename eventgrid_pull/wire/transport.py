"""A way through the SDK's pipeline that does what a short JSON request needs.

azure-core's own does more for every request (streams, multipart bodies, proxies, TLS
options, a response with fifteen members), which costs more than all else that the
pipeline does. This one sends bytes, and gives back status, headers and body. It takes
no proxy and no `.netrc` from the environment.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from time import monotonic
from typing import Any, Self

import aiohttp
from aiohttp.connector import Connection
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy, SansIOHTTPPolicy
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import HttpRequest
from multidict import CIMultiDict

from eventgrid_pull.wire.sending import on_sending

CONNECT_SECONDS = 5.0
# A connection that was there already is had sooner.
REUSED_SECONDS = 0.0001


class Post(HttpRequest):
    """A POST of bytes that is sent once, so the client need not keep its own copy.

    Without what HttpRequest has for callers of older versions, which costs 11 µs.
    """

    multipart_mixed_info = None  # type: ignore[assignment]  # what the pipeline asks
    __setattr__ = object.__setattr__  # type: ignore[assignment]  # no older names

    def __init__(self, url: str, headers: Mapping[str, str], content: bytes) -> None:
        self.method = "POST"
        self.url = url
        self.headers = CIMultiDict(headers)
        self._content = content

    @property
    def content(self) -> bytes:
        """Return the body."""
        return self._content

    def prepare_multipart_body(self, content_index: int = 0) -> int:
        """Do nothing: there are no parts to prepare."""
        return content_index

    def __deepcopy__(self, memo: object = None) -> "Post":
        return self


class Answer:
    """What the pipeline's policies and we ask of an answer."""

    __slots__ = ("_inner", "headers", "request", "status_code")

    def __init__(self, request: HttpRequest, inner: aiohttp.ClientResponse) -> None:
        self._inner = inner
        self.request = request
        self.status_code = inner.status
        self.headers = inner.headers

    async def read(self) -> bytes:
        """Return the whole body; ServiceResponseError when it does not come to its end."""
        try:
            return await self._inner.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServiceResponseError(error, error=error) from error


class InOneStep(AsyncHTTPPolicy[HttpRequest, Answer]):
    """Policies of the SDK that wait for nothing, called one after another.

    Left to itself, the pipeline makes a coroutine for each, and two for its calls.
    """

    def __init__(self, steps: Sequence[SansIOHTTPPolicy[HttpRequest, Any]]) -> None:
        self._steps = steps

    async def send(
        self, request: PipelineRequest[HttpRequest]
    ) -> PipelineResponse[HttpRequest, Answer]:
        """Let each see the request; then, from the last one, its answer or error."""
        for step in self._steps:
            step.on_request(request)
        try:
            response = await self.next.send(request)
        except Exception:
            for step in reversed(self._steps):
                step.on_exception(request)
            raise
        for step in reversed(self._steps):
            step.on_response(request, response)
        return response


class _Connector(aiohttp.TCPConnector):
    """Connections that tell when they are there."""

    _took = 0.0

    async def connect(self, *args: Any, **kwargs: Any) -> Connection:
        """Return a connection, as the base class does."""
        began = monotonic()
        connection = await super().connect(*args, **kwargs)
        if (took := monotonic() - began) > REUSED_SECONDS:
            self._took = took
        on_sending.get()(self._took)
        return connection


class LeanTransport(AsyncHttpTransport[HttpRequest, Answer]):
    """One aiohttp session, opened at the first request, with its pool of connections."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the session; it belongs to the loop that runs."""
        self._get_session()

    def _get_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # No bound of its own: publishes must not keep a settlement waiting.
                connector=_Connector(limit=0),
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def send(
        self, request: HttpRequest, *, within: float = 60.0, **_: Any
    ) -> Answer:
        """Send the request and wait for the head of its answer.

        `within`: seconds for all of it, from connecting to the answer's last byte.
        Raises ServiceRequestError when nothing was sent for certain,
        ServiceResponseError when it may have been.
        """
        try:
            inner = await self._get_session().request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.content,
                allow_redirects=False,
                timeout=_timeout(within),
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


@cache
def _timeout(within: float) -> aiohttp.ClientTimeout:
    # `connect` would count the wait for one of our own connections, too.
    return aiohttp.ClientTimeout(total=within, sock_connect=CONNECT_SECONDS)
