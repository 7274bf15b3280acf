"""The only door to azure.eventgrid: a topic to publish to, subscriptions to pull from.

Requests go through the SDK clients' public `send_request()`, with the SDK's policies
for credentials, tracing and user agent; retries are in `retry.py`. Bodies are decoded
with msgspec and each event on its own (`received.py`), so that one undecodable event
does not strand the lock tokens of its batch, as `receive()` would.
"""

import itertools
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline import policies
from azure.core.rest import AsyncHttpResponse
from azure.core.settings import settings as sdk_settings
from azure.eventgrid import __version__ as sdk_version
from azure.eventgrid.aio import EventGridConsumerClient, EventGridPublisherClient

from eventgrid_pull import loopback, receive_response
from eventgrid_pull.event import Decode, Delivery
from eventgrid_pull.http_retry import EventGridError, retried
from eventgrid_pull.outcomes import ReleaseDelay, Settled, Verb
from eventgrid_pull.receive_response import UNREADABLE
from eventgrid_pull.transport import InOneStep, LeanTransport, Post

API_VERSION = "2024-06-01"
REQUEST_ID = "x-ms-client-request-id"
SCOPE = "https://eventgrid.azure.net/.default"
BATCH_TYPE = "application/cloudevents-batch+json; charset=utf-8"
BOGUS_TOKEN = "not-a-lock-token"  # noqa: S105 - that is the point of it

# A publish has someone waiting; a settlement has a lock that lasts a minute or more.
PUBLISH_SECONDS, SETTLE_SECONDS = 8.0, 15.0
# Where nothing listens on this machine somebody has to start it.
START_SECONDS = 1.0
# From connecting to the last byte, besides what Event Grid waits for an event: longer
# than a slow answer takes, short of what a drain may be late.
ANSWER_SECONDS = 8.0

type Credential = AzureKeyCredential | AsyncTokenCredential


class _Result(msgspec.Struct, rename="camel"):
    succeeded_lock_tokens: frozenset[str] | None = None
    failed_lock_tokens: list["_Failed"] | None = None


class _Error(msgspec.Struct):
    code: str = "Unknown"
    message: str = ""


class _Failed(msgspec.Struct, rename="camel"):
    lock_token: str
    error: _Error | None = None


class _Refusal(msgspec.Struct):
    error: _Error


_PROCESS, _numbers = str(uuid.uuid4())[:24], itertools.count()
_results = msgspec.json.Decoder(_Result)
_refusals = msgspec.json.Decoder(_Refusal)


async def _post(
    client: EventGridPublisherClient | EventGridConsumerClient,
    url: str,
    params: Mapping[str, str | int],
    body: bytes = b"",
    content_type: str = "application/json",
    wait: int = 0,
) -> bytes:
    """The body of a 200; EventGridError for anything else.

    `wait` is how long Event Grid may take over it before it answers.
    """
    query = "".join(f"&{name}={value}" for name, value in params.items())
    headers = {"Content-Type": content_type, REQUEST_ID: _request_id()}
    request = Post(f"{url}?api-version={API_VERSION}{query}", headers, body)
    try:
        response = await client.send_request(request, within=wait + ANSWER_SECONDS)
        content = await response.read()
    except AzureError as error:
        raise _unanswered(error) from error
    if response.status_code != 200:
        raise _refused(response, content)
    return content


def _request_id() -> str:
    """A GUID: the part that is this process's own, and a number."""
    return f"{_PROCESS}{next(_numbers):012x}"


def _unanswered(error: AzureError) -> EventGridError:
    if isinstance(error, ClientAuthenticationError):
        return EventGridError(
            "no token for Event Grid: sign in (az login), give the app an identity, "
            "or set EVENTGRID_KEY"
        )
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        # The name tells a refused connection, DNS, a certificate and a timeout apart.
        cause = type(error.inner_exception or error).__name__
        here = loopback.refused(error.inner_exception)
        advice = "is EVENTGRID_ENDPOINT right, is it up?"
        if here is not None:
            advice = f"{here}; if that runs, EVENTGRID_ENDPOINT is wrong"
        message = f"Event Grid does not answer ({cause}): {advice}"
        return EventGridError(message, transient=True, refused_here=here is not None)
    message = f"Event Grid could not be asked: {type(error).__name__}: {error}"
    return EventGridError(message)


def _refused(response: AsyncHttpResponse, content: bytes) -> EventGridError:
    status = response.status_code
    try:
        error = _refusals.decode(content).error
    except UNREADABLE:
        error = _Error("", "")
    said = f"Event Grid answered {status} {error.code}: {error.message}".rstrip(": ")
    message = f"{said}. {_ADVICE.get(status, '')}".strip()
    wait = _seconds(response.headers.get("retry-after", ""))
    return EventGridError(message, status, code=error.code, retry_after=wait)


def _seconds(retry_after: str) -> float | None:
    """Retry-After in seconds; a date, or nonsense, is left to our own pauses."""
    return float(retry_after) if re.fullmatch(r"\d{1,6}", retry_after) else None


_ADVICE = {
    401: "Look at EVENTGRID_KEY, or at the identity of the app.",
    403: (
        "The app's identity needs EventGrid Data Sender on the topic and EventGrid "
        "Data Receiver on its event subscriptions; or a quota is used up."
    ),
    404: "Look at EVENTGRID_TOPIC_NAME and at what is deployed.",
    429: "The namespace is throttled: wait, or give it more throughput units.",
}


def _pipeline(credential: Credential) -> dict[str, Any]:
    """What a client is made with: the SDK's policies that a request here needs.

    Not those for redirects, proxies, decoding and logging bodies, which would see
    nothing to do on every request, nor the SDK's retries (see `retry.py`). Whether
    requests are traced is asked once, because the SDK's own asking costs 11 µs.
    """
    agent = policies.UserAgentPolicy(sdk_moniker=f"eventgrid/{sdk_version}")
    always = {"User-Agent": agent.user_agent, "Accept": "application/json"}
    steps: list[policies.SansIOHTTPPolicy[Any, Any]] = [policies.HeadersPolicy(always)]
    if sdk_settings.tracing_enabled():
        steps.append(policies.DistributedTracingPolicy())
    if isinstance(credential, AzureKeyCredential):
        key = policies.AzureKeyCredentialPolicy(
            credential, "Authorization", prefix="SharedAccessKey"
        )
        chain: list[object] = [InOneStep([key, *steps])]
    else:
        token = policies.AsyncBearerTokenCredentialPolicy(credential, SCOPE)
        chain = [token, InOneStep(steps)]
    return {"transport": LeanTransport(), "policies": chain}


def _topic_url(endpoint: str, topic: str) -> str:
    return f"{endpoint.rstrip('/')}/topics/{quote(topic, safe='')}"


class Topic:
    """A namespace topic to publish to. One client, for the life of the process."""

    def __init__(self, endpoint: str, topic: str, credential: Credential) -> None:
        self._url = f"{_topic_url(endpoint, topic)}:publish"
        self._client = EventGridPublisherClient(
            endpoint, credential, namespace_topic=topic, **_pipeline(credential)
        )

    async def publish(self, batch: Sequence[bytes]) -> None:
        """Publish events, each encoded as JSON, in one request; all of them or none.

        At most 1,000 events and 1 MB. Raises EventGridError.
        """
        body = b"[" + b",".join(batch) + b"]"
        await retried(
            lambda: _post(self._client, self._url, {}, body, BATCH_TYPE),
            within=PUBLISH_SECONDS,
            refused_within=START_SECONDS,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class Subscription:
    """One event subscription to pull from. One client, for the life of the process.

    `decode` makes an event of its bytes and delivery count; it never raises.
    """

    def __init__(
        self,
        endpoint: str,
        topic: str,
        name: str,
        credential: Credential,
        decode: Decode,
    ) -> None:
        self._decode = decode
        self._url = f"{_topic_url(endpoint, topic)}/eventsubscriptions/{name}"
        self._client = EventGridConsumerClient(
            endpoint,
            credential,
            namespace_topic=topic,
            subscription=name,
            **_pipeline(credential),
        )

    async def receive(
        self, max_events: int, max_wait: int, *, within: float
    ) -> list[Delivery]:
        """Up to 1..100 deliveries; waits up to 10..120 seconds for the first one.

        Tried again while that can end `within` so many seconds: a receive whose answer
        was lost costs only lock time. What cannot be read is delivered as
        MalformedEvent, with its lock token. Raises EventGridError.
        """
        params = {"maxEvents": max_events, "maxWaitTime": max_wait}
        url = f"{self._url}:receive"
        content = await retried(
            lambda: _post(self._client, url, params, wait=max_wait),
            within=within - max_wait,
        )
        return receive_response.deliveries(content, self._decode)

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        """Done with these. Raises EventGridError; reads the failed tokens."""
        return await self._settle(Verb.ACKNOWLEDGE, tokens, {})

    async def release(self, tokens: Sequence[str], delay: ReleaseDelay) -> Settled:
        """Give these back, to be delivered again after the delay."""
        return await self._settle(
            Verb.RELEASE, tokens, {"releaseDelayInSeconds": int(delay)}
        )

    async def reject(self, tokens: Sequence[str]) -> Settled:
        """Dead-letter these."""
        return await self._settle(Verb.REJECT, tokens, {})

    async def renew(self, tokens: Sequence[str]) -> Settled:
        """Keep these for another lock duration, within an hour of their receive."""
        return await self._settle("renewLock", tokens, {})

    async def probe(self) -> None:
        """See that it is reachable, authorised and there; nothing is received.

        Acknowledges a bogus lock token, which Event Grid answers with `BadToken`. Not
        tried again: whoever asks wants to know how it is now. Raises EventGridError.
        """
        await self._settle(Verb.ACKNOWLEDGE, [BOGUS_TOKEN], {}, within=0)

    async def _settle(
        self,
        verb: str,
        tokens: Sequence[str],
        params: Mapping[str, str | int],
        within: float = SETTLE_SECONDS,
    ) -> Settled:
        body = msgspec.json.encode({"lockTokens": tokens})
        url = f"{self._url}:{verb}"
        content = await retried(
            lambda: _post(self._client, url, params, body), within=within
        )
        try:
            result = _results.decode(content)
        except UNREADABLE as error:
            message = f"Event Grid's answer to {verb} is not readable: {error}"
            raise EventGridError(message) from error
        return Settled(
            result.succeeded_lock_tokens or frozenset(),
            {
                one.lock_token: (one.error or _Error()).code
                for one in result.failed_lock_tokens or ()
            },
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
